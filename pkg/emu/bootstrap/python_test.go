package bootstrap_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kaiwa/pkg/emu/bootstrap"
	"kaiwa/pkg/emu/lambdart"
)

// Each way a handler can be named.
func TestPythonHandlers(t *testing.T) {
	const handler = "def handler(event, context):\n    return {'got': event['a']}\n"
	for _, tt := range []struct {
		name, handler string
		files         map[string]string
	}{
		{"module", "app.handler", map[string]string{"app.py": handler}},
		{"folder", "src/api/app.handler", map[string]string{"src/api/app.py": handler}},
		{"package", "src.api.app.handler", map[string]string{"src/__init__.py": "", "src/api/__init__.py": "", "src/api/app.py": handler}},
		{"package itself", "api.handler", map[string]string{"api/__init__.py": handler}},
		{"imports a neighbour", "app.handler", map[string]string{"app.py": "from lib.own import handler", "lib/own.py": handler}},
		{"callable object", "app.handler", map[string]string{"app.py": "class H:\n    def __call__(self, e, c):\n        return {'got': e['a']}\nhandler = H()\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fn := start(t, bootstrap.Python, tt.files, lambdart.Function{Handler: tt.handler})
			for n := range 2 {
				if got, failed := fn.invoke(fmt.Sprintf(`{"a":%d}`, n)); failed || got != fmt.Sprintf(`{"got": %d}`, n) {
					t.Errorf("got %s", got)
				}
			}
			if n := fn.host.Stats()["f"].ColdStarts; n != 1 {
				t.Errorf("%d processes", n)
			}
		})
	}
}

func TestPythonInitErrors(t *testing.T) {
	for _, tt := range []struct {
		name, handler, source string
		kind, message         string
		trace                 string // it holds this; "" for no trace
	}{
		{"no such module", "gone.handler", "", "Runtime.ImportModuleError", "Unable to import module 'gone': No module named 'gone'", ""},
		{"no such import", "app.handler", "import nowhere", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'nowhere'", ""},
		{"no such function", "app.handler", "", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'", ""},
		{"no function named", "app", "", "Runtime.MalformedHandlerName", "Bad handler 'app'", ""},
		{"built in", "sys.exit", "", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module", ""},
		{"syntax", "app.handler", "def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax", "app.py\" Line 1"},
		{"raises", "app.handler", "import os\nos.environ['TABLE']", "KeyError", "'TABLE'", "app.py\", line 2, in <module>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fn := start(t, bootstrap.Python, map[string]string{"app.py": tt.source}, lambdart.Function{Handler: tt.handler})
			e := fn.fails("{}")
			trace := strings.Join(e.StackTrace, "")
			if e.ErrorType != tt.kind || !strings.HasPrefix(e.ErrorMessage, tt.message) || (trace == "") != (tt.trace == "") || !strings.Contains(trace, tt.trace) {
				t.Errorf("%+v", e)
			}
			if !fn.has("[ERROR] " + tt.kind + ": " + tt.message) {
				t.Error("the log does not say so")
			}
		})
	}
}

const pythonBehaviour = `
import decimal, logging, os, sys
logging.basicConfig(level=logging.DEBUG, format="never seen")
log = logging.getLogger(__name__)
log.setLevel(logging.INFO)
calls = 0

class GoneException(Exception):
    pass

def deeper():
    raise GoneException("gone")

def handler(event, context):
    global calls
    calls += 1
    do = event["do"]
    if do == "raise":
        deeper()
    if do == "unauthorized":
        raise Exception("Unauthorized")
    if do == "exit":
        sys.exit(7)
    if do == "set":
        return {1, 2}
    if do == "decimal":
        return {"whole": decimal.Decimal("12345678901234567890"), "part": decimal.Decimal("1.5")}
    if do == "bytes":
        return b'{"raw": true}'
    if do == "log":
        print("to stdout", "日本")
        print("to stderr", file=sys.stderr)
        log.info("logged %d", 1)
        log.debug("not logged")
    if do == "calls":
        return calls
    if do == "context":
        left = context.get_remaining_time_in_millis()
        return [context.function_name, context.function_version, context.memory_limit_in_mb, context.log_group_name,
                context.invoked_function_arn, len(context.aws_request_id), context.client_context, context.identity.cognito_identity_id,
                10000 < left <= 20000, os.environ["_X_AMZN_TRACE_ID"][:5], os.environ["AWS_EXECUTION_ENV"], os.getcwd() == os.environ["LAMBDA_TASK_ROOT"]]
`

// What handlers do, one after the other in one process.
func TestPythonInvocations(t *testing.T) {
	fn := start(t, bootstrap.Python, map[string]string{"app.py": pythonBehaviour}, lambdart.Function{Handler: "app.handler", Runtime: "python3.12"})
	do := func(what string) string { return fmt.Sprintf(`{"do":%q}`, what) }
	e := fn.fails(do("raise"))
	if e.ErrorType != "GoneException" || e.ErrorMessage != "gone" || e.RequestID == "" || len(e.StackTrace) != 2 ||
		!strings.Contains(e.StackTrace[0], "in handler\n    deeper()") || !strings.Contains(e.StackTrace[1], "in deeper") {
		t.Errorf("%+v", e)
	}
	if e := fn.fails(do("unauthorized")); e.ErrorType != "Exception" || e.ErrorMessage != "Unauthorized" {
		t.Errorf("%+v", e)
	}
	if e := fn.fails(do("set")); e.ErrorType != "Runtime.MarshalError" || e.ErrorMessage != "Unable to marshal response: Object of type set is not JSON serializable" {
		t.Errorf("%+v", e)
	}
	for what, want := range map[string]string{
		"decimal": `{"whole": 12345678901234567890, "part": 1.5}`,
		"bytes":   `{"raw": true}`,
		"log":     "null",
		"context": `["f", "$LATEST", "128", "/aws/lambda/f", "arn:aws:lambda:us-east-1:123456789012:function:f", 36, null, null, true, "Root=", "AWS_Lambda_python3.12", true]`,
	} {
		if got, failed := fn.invoke(do(what)); failed || got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	if got, _ := fn.invoke(do("calls")); got != "8" {
		t.Errorf("%s calls in this process, want 8", got)
	}
	for _, want := range []string{"to stdout 日本", "to stderr", "[INFO]\t", "\tlogged 1", "[ERROR] GoneException: gone"} {
		if !fn.has(want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	if fn.has("not logged") || fn.has("never seen") {
		t.Error("the log says what Lambda's would not")
	}
	if e := fn.fails(do("exit")); e.ErrorType != "Runtime.ExitError" || !strings.Contains(e.ErrorMessage, "exit status 7") {
		t.Errorf("%+v", e)
	}
	if got, _ := fn.invoke(do("calls")); got != "1" {
		t.Errorf("%s calls in the new process, want 1", got)
	}
}

// A run leaves nothing in the function's folder.
func TestPythonLeavesNothing(t *testing.T) {
	root := write(t, map[string]string{"app.py": "import own\nhandler = own.handler\n", "own.py": "def handler(e, c):\n    return 1\n"})
	start(t, bootstrap.Python, nil, lambdart.Function{Dir: root, Handler: "app.handler"}).invoke("{}")
	files, err := filepath.Glob(filepath.Join(root, "*"))
	if err != nil || len(files) != 2 {
		t.Errorf("%v, %v", files, err)
	}
	if _, err := os.Stat(filepath.Join(root, "__pycache__")); !os.IsNotExist(err) {
		t.Error(err)
	}
}
