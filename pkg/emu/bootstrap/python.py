"""Lambda's Python runtime as a handler sees it.

Finds the handler that _HANDLER names below LAMBDA_TASK_ROOT and runs one
invocation after the other from the Runtime API at AWS_LAMBDA_RUNTIME_API. How a
handler is found, and what its errors look like, follows AWS's
aws-lambda-python-runtime-interface-client.

Beyond Lambda's own variables it heeds BOOTSTRAP_HOSTS, a comma list of
NAME=HOST:PORT: connections to NAME go there (see redirect).
"""

import decimal
import http.client
import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback

RUNTIME = "/2018-06-01/runtime/"


class Fault(Exception):
    """An error with the type and trace that Lambda itself gives it."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.trace = kind, list(trace)


class Api:
    """The Runtime API, over one connection."""

    def __init__(self, address):
        host, _, prefix = address.partition("/")
        self.connection = http.client.HTTPConnection(host)
        self.prefix = "/" + prefix if prefix else ""

    def call(self, method, path, body=None, content_type="application/json"):
        headers = {} if body is None else {"Content-Type": content_type}
        self.connection.request(method, self.prefix + RUNTIME + path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()


# The handler ------------------------------------------------------------------


def load(name):
    """Finds the handler: a module, with folders or packages before, and a name in it."""
    module, dot, function = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)")
    if module.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module} as a handler module")
    try:
        found = importlib.import_module(module.replace("/", "."))
    except ImportError as e:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module}': {e}") from e
    except SyntaxError as e:
        raise Fault(
            "Runtime.UserCodeSyntaxError",
            f"Syntax error in module '{module}': {e}",
            [f'  File "{e.filename}" Line {e.lineno}\n    {e.text}'],
        ) from e
    try:
        return getattr(found, function)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module}'") from None


# Errors -----------------------------------------------------------------------


def as_object(error, request_id=""):
    """What Lambda's callers get to see of an error."""
    kind, trace = type(error).__name__, list(traceback.extract_tb(error.__traceback__))
    if isinstance(error, Fault):
        kind, lines = error.kind, error.trace
    else:
        while trace and trace[0].filename == __file__:
            trace = trace[1:]
        lines = traceback.format_list(trace)
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": lines}


def complain(error):
    """Logs an error as Lambda does."""
    print(f"[ERROR] {error['errorType']}: {error['errorMessage']}")
    if error["stackTrace"]:
        print("Traceback (most recent call last):")
        print("".join(error["stackTrace"]).rstrip("\n"))


# Where things are here ----------------------------------------------------------


def redirect(hosts):
    """Lets programs reach an API under the name it has on AWS, which they build from
    its id and region: to these hosts the connection is made elsewhere. TLS still asks
    for the name."""
    elsewhere = {}
    for pair in filter(None, hosts.split(",")):
        name, _, target = pair.partition("=")
        host, _, port = target.rpartition(":")
        elsewhere[name] = (host.strip("[]"), int(port))
    if not elsewhere:
        return
    resolve = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        host, port = elsewhere.get(host, (host, port))
        return resolve(host, port, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


# Logs -------------------------------------------------------------------------------


class RequestId(logging.Filter):
    """Puts the request id into every record."""

    current = ""

    def filter(self, record):
        record.aws_request_id = RequestId.current
        return True


def set_up_logs():
    """Gives the root logger a handler, as Lambda does: whoever calls basicConfig later
    changes nothing, there as here."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")
    )
    handler.addFilter(RequestId())
    logging.getLogger().addHandler(handler)


# Invocations ------------------------------------------------------------------------


class Fields:
    """An object with these attributes."""

    def __init__(self, names, values=None):
        for name in names:
            setattr(self, name, (values or {}).get(name))


class Context:
    """The handler's second argument."""

    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = Fields(["cognito_identity_id", "cognito_identity_pool_id"])
        self.client_context = None
        if client := json.loads(headers.get("Lambda-Runtime-Client-Context", "null")):
            self.client_context = Fields(["custom", "env", "client"], client)
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


def number(value):
    """Lets answers hold what boto3 reads from DynamoDB. Lambda keeps all digits of a
    decimal; here a fraction has those of a float."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def encode(result):
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return json.dumps(result, default=number).encode(), "application/json"
    except Exception as e:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {e}") from e


def serve_one(api, handler):
    status, headers, body = api.call("GET", "invocation/next")
    if status != 200:
        sys.exit(1)  # this process is not wanted any more
    context = Context(headers)
    RequestId.current = context.aws_request_id
    os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id", "")
    where = f"invocation/{context.aws_request_id}/"
    try:
        result = encode(handler(json.loads(body), context))
    except Exception as e:
        error = as_object(e, context.aws_request_id)
        complain(error)
        api.call("POST", where + "error", json.dumps(error))
    else:
        api.call("POST", where + "response", *result)


def main():
    own = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [os.environ["LAMBDA_TASK_ROOT"]] + [entry for entry in sys.path if entry != own]
    sys.dont_write_bytecode = True  # on Lambda the folder cannot be written to
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    set_up_logs()
    redirect(os.environ.get("BOOTSTRAP_HOSTS", ""))
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as e:
        error = as_object(e)
        complain(error)
        api.call("POST", "init/error", json.dumps(error))
        sys.exit(1)
    while True:
        try:
            serve_one(api, handler)
        except (OSError, http.client.HTTPException):
            sys.exit(1)  # the Runtime API is gone


if __name__ == "__main__":
    main()
