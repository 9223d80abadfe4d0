"""Prints template.yaml as CloudFormation sees it after the SAM transform.

cfn-lint skips IAM action names while the transform line is there, so CI lints
this output as well. A local CodeUri is replaced as `sam package` would do it.
"""
import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

with open(sys.argv[1], encoding="utf-8") as f:
    template = yaml_parse(f.read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/" + resource["Properties"]["CodeUri"]
json.dump(Translator({}, Parser()).translate(template, {}), sys.stdout, indent=1, default=str)
