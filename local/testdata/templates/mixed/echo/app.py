import json
import os

import boto3
from botocore.exceptions import ClientError


def handler(event, context):
    text = json.loads(event["body"])["text"]
    if text != "upload":
        return {"statusCode": 200, "body": f"{text} from {os.environ['NETWORK']}"}
    try:
        boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="a", Body=b"b")
    except ClientError as e:
        return {"statusCode": 200, "body": str(e)}
