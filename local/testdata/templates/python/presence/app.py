import os
import time

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def lambda_handler(event, context):
    connection = event["requestContext"]["connectionId"]
    if event["requestContext"]["eventType"] == "CONNECT":
        room = (event.get("queryStringParameters") or {}).get("room", "lobby")
        table.put_item(Item={"connectionId": connection, "room": room, "expires": int(time.time()) + 7200})
    else:
        table.delete_item(Key={"connectionId": connection})
    return {"statusCode": 200}
