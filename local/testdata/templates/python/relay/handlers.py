import json
import logging
import os

import boto3
from boto3.dynamodb.conditions import Key

logging.getLogger().setLevel(logging.INFO)
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def say(event, context):
    request = event["requestContext"]
    api = boto3.client("apigatewaymanagementapi", endpoint_url=f"https://{request['domainName']}/{request['stage']}")
    message = json.loads(event["body"])
    found = table.query(IndexName="byRoom", KeyConditionExpression=Key("room").eq(message.get("room", "lobby")))
    for item in found["Items"]:
        try:
            api.post_to_connection(ConnectionId=item["connectionId"], Data=message["text"].encode())
        except api.exceptions.GoneException:
            table.delete_item(Key={"connectionId": item["connectionId"]})
    logging.info("said to %d", found["Count"])
    return {"statusCode": 200}
