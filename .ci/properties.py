"""Writes pkg/emu/sam/properties.txt: which properties AWS knows of the resource
types that are read there, from the schemas of cfn-lint and aws-sam-translator.

One line for each mapping: its path (TYPE, then property names, * for keys that
are free), then the properties it may have, ! behind those it must have. What a
path does not lead to may hold anything. Lists have the path of their items.
Globals has the sections that SAM knows, and Types all types of the services.
"""
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from samtranslator.internal.schema_source import aws_serverless_function, aws_serverless_simpletable, aws_serverless_websocketapi
from samtranslator.internal.schema_source.common import PassThroughProp
from samtranslator.model import sam_resources
from samtranslator.plugins.globals.globals import Globals

TYPES = """
AWS::ApiGateway::ApiKey
AWS::ApiGatewayV2::Api AWS::ApiGatewayV2::Authorizer AWS::ApiGatewayV2::Deployment AWS::ApiGatewayV2::Integration
AWS::ApiGatewayV2::IntegrationResponse AWS::ApiGatewayV2::Model AWS::ApiGatewayV2::Route AWS::ApiGatewayV2::RouteResponse
AWS::ApiGatewayV2::Stage
AWS::DynamoDB::Table
AWS::IAM::ManagedPolicy AWS::IAM::Policy AWS::IAM::Role AWS::IAM::RolePolicy
AWS::Lambda::Alias AWS::Lambda::EventInvokeConfig AWS::Lambda::Function AWS::Lambda::Permission AWS::Lambda::Version
""".split()

# The macro of SAM that takes a type, its schema, and the types whose properties of
# the same name it passes on.
SAM = {
    "AWS::Serverless::Function": (sam_resources.SamFunction, aws_serverless_function.Properties, ["AWS::Lambda::Function"]),
    "AWS::Serverless::SimpleTable": (sam_resources.SamSimpleTable, aws_serverless_simpletable.Properties, ["AWS::DynamoDB::Table"]),
    "AWS::Serverless::WebSocketApi": (sam_resources.SamWebSocketApi, aws_serverless_websocketapi.Properties, ["AWS::ApiGatewayV2::Stage"]),
}

lines = {}


def put(path, keys, required):
    lines[path] = " ".join(k + ("!" if k in required else "") for k in sorted(keys))


def variants(root, s):
    """The schema and what it refers to and is one of."""
    while "$ref" in s:
        s = root[s["$ref"].split("/")[-2]][s["$ref"].split("/")[-1]]
    yield s
    for word in "anyOf", "oneOf":
        for other in s.get(word, []):
            yield from variants(root, other)


def schema(path, root, s, read_only=()):
    keys, free, required = {}, False, None
    for v in variants(root, s):
        if "items" in v:
            schema(path, root, v["items"])
        for pattern in v.get("patternProperties", {}).values():
            free = True
            schema(path + ".*", root, pattern)
        if "properties" not in v:
            continue
        keys |= v["properties"]
        own = set(v.get("required", []))
        required = own if required is None else required & own
        free = free or v.get("additionalProperties") is not False and v is s
    if not keys or free:
        return
    keys = {k: v for k, v in keys.items() if k not in read_only}
    put(path, keys, required)
    for k, v in keys.items():
        schema(path + "." + k, root, v)


def model(path, cls, passed):
    """A class of SAM's own schema. Only what is no passed-on property is followed."""
    for name, f in cls.__fields__.items():
        below = path + "." + name
        candidates = [f.outer_type_, *getattr(f.outer_type_, "__args__", ())]
        if f.type_ is PassThroughProp or PassThroughProp in candidates:
            for kind in passed:
                for p in [p for p in lines if (p + ".").startswith(kind + "." + name + ".")]:
                    lines[below + p[len(kind + "." + name):]] = lines[p]
            continue
        if name == "Events":  # what starts a function is not read here
            continue
        if getattr(f.outer_type_, "__origin__", None) is dict:
            below, candidates = below + ".*", [f.type_]
        for c in candidates:
            if hasattr(c, "__fields__") and "__root__" not in c.__fields__:
                put(below, c.__fields__, {k for k, v in c.__fields__.items() if v.required})
                model(below, c, [])


for kind in TYPES:
    s = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    schema(kind, s, s, {p.split("/")[2] for p in s.get("readOnlyProperties", []) if p.count("/") == 2})
# The schema calls the one JSON, where the documentation has these for each route,
# and the other what it is for each parameter.
lines["AWS::ApiGatewayV2::Stage.RouteSettings.*"] = lines["AWS::ApiGatewayV2::Stage.DefaultRouteSettings"]
lines["AWS::ApiGatewayV2::Route.RequestParameters.*"] = lines.pop("AWS::ApiGatewayV2::Route.RequestParameters")
for kind, (macro, cls, passed) in SAM.items():
    put(kind, macro.property_types, {k for k, v in macro.property_types.items() if v.required})
    model(kind, cls, passed)
# No Auth is none: what AuthType must be beside others, the reader knows.
lines["AWS::Serverless::WebSocketApi.Auth"] = lines["AWS::Serverless::WebSocketApi.Auth"].replace("!", "")
# What begins like the types above and is none of these is a misspelt one.
types = {t for t in PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1") if t.rsplit("::", 1)[0] in {k.rsplit("::", 1)[0] for k in TYPES}}
types |= {c.resource_type for c in vars(sam_resources).values() if str(getattr(c, "resource_type", "")).startswith("AWS::Serverless::")}
put("Types", types, [])
short = {kind.rsplit("::", 1)[1]: keys for kind, keys in Globals.supported_properties.items()}
put("Globals", short, [])
for kind, keys in short.items():
    put("Globals." + kind, keys, [])

with open(sys.argv[1], "w", encoding="utf-8") as f:
    for path, keys in sorted(lines.items()):
        f.write(f"{path}: {keys}\n")
