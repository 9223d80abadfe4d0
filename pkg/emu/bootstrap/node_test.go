package bootstrap_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"kaiwa/pkg/emu/bootstrap"
	"kaiwa/pkg/emu/lambdart"
)

// Each way a module can be written and a handler named.
func TestNodeHandlers(t *testing.T) {
	const cjs, esm = `exports.handler = async (e) => ({got: e.a})`, `export const handler = async (e) => ({got: e.a})`
	nodeModule := map[string]string{"node_modules/dep/package.json": `{"name": "dep", "main": "i.js"}`, "node_modules/dep/i.js": cjs}
	for _, tt := range []struct {
		name, handler string
		files         map[string]string
		runtime       string
	}{
		{"CommonJS", "app.handler", map[string]string{"app.js": cjs}, ""},
		{"package.json without type", "app.handler", map[string]string{"app.js": cjs, "package.json": "{}"}, ""},
		{"folder", "src/api/app.handler", map[string]string{"src/api/app.js": cjs}, ""},
		{"nested export", "app.one.two.handler", map[string]string{"app.js": `exports.one = {two: {handler: async (e) => ({got: e.a})}}`}, ""},
		{"type module", "app.handler", map[string]string{"app.js": esm, "package.json": `{"type": "module"}`}, ""},
		{"type module above", "src/app.handler", map[string]string{"src/app.js": esm, "package.json": `{"type": "module"}`}, ""},
		{"cjs in a module", "app.handler", map[string]string{"app.cjs": cjs, "package.json": `{"type": "module"}`}, ""},
		{"mjs", "app.handler", map[string]string{"app.mjs": esm}, ""},
		{"js before mjs", "app.handler", map[string]string{"app.js": cjs, "app.mjs": `export const handler = () => 1`}, ""},
		{"top-level await", "app.handler", map[string]string{"app.mjs": `await new Promise(r => setTimeout(r, 10)); ` + esm}, ""},
		{"default by its name", "app.default", map[string]string{"app.mjs": `export default async (e) => ({got: e.a})`}, ""},
		{"in the default, from 24 on", "app.handler", map[string]string{"app.mjs": `export default {handler: async (e) => ({got: e.a})}`}, "nodejs24.x"},
		{"imports a package", "app.handler", with(nodeModule, "app.mjs", `import dep from 'dep'; export const handler = dep.handler`), ""},
		{"requires a package from a folder", "src/app.handler", with(nodeModule, "src/app.js", `exports.handler = require('dep').handler`), ""},
		{"is a package", "dep.handler", nodeModule, ""},
		{"calls back", "app.handler", map[string]string{"app.js": `exports.handler = (e, c, done) => { setTimeout(() => done(null, {got: e.a}), 5) }`}, ""},
		{"context.succeed", "app.handler", map[string]string{"app.js": `exports.handler = (e, c) => { setTimeout(() => c.succeed({got: e.a}), 5) }`}, ""},
		{"a promise without async", "app.handler", map[string]string{"app.js": `exports.handler = (e) => Promise.resolve({got: e.a})`}, ""},
		{"no promise, from 24 on", "app.handler", map[string]string{"app.js": `exports.handler = (e) => ({got: e.a})`}, "nodejs24.x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fn := start(t, bootstrap.Node, tt.files, lambdart.Function{Handler: tt.handler, Runtime: tt.runtime})
			for n := range 2 { // the second is not the process's first
				if got, failed := fn.invoke(fmt.Sprintf(`{"a":%d}`, n)); failed || got != fmt.Sprintf(`{"got":%d}`, n) {
					t.Errorf("got %s", got)
				}
			}
			if n := fn.host.Stats()["f"].ColdStarts; n != 1 {
				t.Errorf("%d processes", n)
			}
		})
	}
}

func with(files map[string]string, name, text string) map[string]string {
	all := map[string]string{name: text}
	for k, v := range files {
		all[k] = v
	}
	return all
}

// A syntax error in an ES module says where it is, as one in CommonJS does.
func TestNodeSyntaxErrorsSayWhere(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"CommonJS", map[string]string{"app.js": "1;\nexports.handler = ("}, "/app.js:2"},
		{"ESM", map[string]string{"app.mjs": "1;\nexport const handler = ;"}, "/app.mjs:2"},
		{"imported", map[string]string{"app.mjs": "import 'node:fs';\nimport { a } from './lib/a.mjs';\nexport const handler = () => a;",
			"lib/a.mjs": "import './b.mjs';\nimport '../app.mjs';\nexport const a = 1;", "lib/b.mjs": "\n\nconst 1 = 2;"}, "/lib/b.mjs:3"},
		{"no such export", map[string]string{"app.mjs": "import { b } from './a.mjs';\nexport const handler = () => b;", "a.mjs": "export const a = 1;"}, "/app.mjs:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fn := start(t, bootstrap.Node, tt.files, lambdart.Function{Handler: "app.handler"})
			e := fn.fails("{}")
			if e.ErrorType != "Runtime.UserCodeSyntaxError" || !strings.Contains(strings.Join(e.Trace, "\n"), tt.want) || !fn.has(tt.want) {
				t.Errorf("%+v, want %s there and in the log", e, tt.want)
			}
		})
	}
}

// What keeps a function from starting has the type and words it has on Lambda.
func TestNodeInitErrors(t *testing.T) {
	for _, tt := range []struct {
		name, handler string
		files         map[string]string
		runtime       string
		kind, message string
	}{
		{"no such package", "app.handler", map[string]string{"app.js": "require('nowhere')"}, "",
			"Runtime.ImportModuleError", "Error: Cannot find module 'nowhere'"},
		{"no such package, ESM", "app.handler", map[string]string{"app.mjs": "import 'nowhere'"}, "", "Error", "Cannot find package 'nowhere'"},
		{"no such file", "app.handler", nil, "", "Runtime.ImportModuleError", "Error: Cannot find module 'app'"},
		{"no such export", "app.handler", map[string]string{"app.js": ""}, "", "Runtime.HandlerNotFound", "app.handler is undefined or not exported"},
		{"no function", "app.handler", map[string]string{"app.js": "exports.handler = 1"}, "", "Runtime.HandlerNotFound", "app.handler is not a function"},
		{"default is not looked into before 24", "app.handler", map[string]string{"app.mjs": "export default {handler: () => 1}"}, "nodejs22.x",
			"Runtime.HandlerNotFound", "app.handler is undefined or not exported"},
		{"no name", "app", nil, "", "Runtime.MalformedHandlerName", "Bad handler"},
		{"outside", "../app.handler", nil, "", "Runtime.MalformedHandlerName", "'../app.handler' is not a valid handler name"},
		{"syntax", "app.handler", map[string]string{"app.js": "exports.handler = ("}, "", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input"},
		{"throws", "app.handler", map[string]string{"app.js": "throw new TypeError('no table')"}, "", "TypeError", "no table"},
		{"rejects later", "app.handler", map[string]string{"app.mjs": "Promise.reject(new Error('lost')); await new Promise(() => setTimeout(() => {}, 1e6))"}, "",
			"Runtime.UnhandledPromiseRejection", "Error: lost"},
		{"calls back from 24 on", "app.handler", map[string]string{"app.js": "exports.handler = (e, c, done) => done()"}, "nodejs24.x",
			"Runtime.CallbackHandlerDeprecated", "removed support for callback-based function handlers"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fn := start(t, bootstrap.Node, tt.files, lambdart.Function{Handler: tt.handler, Runtime: tt.runtime})
			e := fn.fails("{}")
			if e.ErrorType != tt.kind || !strings.Contains(e.ErrorMessage, tt.message) || len(e.Trace) == 0 {
				t.Errorf("%+v", e)
			}
			if !fn.has(tt.message) {
				t.Errorf("the log does not say %q", tt.message)
			}
		})
	}
}

const nodeBehaviour = `
const { once } = require('node:events');
let calls = 0;
exports.handler = (event, context, callback) => {
  calls += 1;
  switch (event.do) {
    case 'throw': throw new RangeError('too far');
    case 'reject': return Promise.reject(Object.assign(new Error('gone'), {name: 'GoneException'}));
    case 'reject string': return Promise.reject('Unauthorized');
    case 'reject nothing': return Promise.reject();
    case 'call back an error': callback(new Error('called back')); return;
    case 'call back a string': callback('Unauthorized'); return;
    case 'call back twice': callback(null, 'first'); callback(null, 'second'); return;
    case 'fail': context.fail(new Error('failed')); return;
    case 'done': context.done(null, 'done'); return;
    case 'circle': { const circle = {}; circle.circle = circle; return Promise.resolve(circle); }
    case 'nothing': return;
    case 'undefined': return Promise.resolve(undefined);
    case 'wait for the loop': setTimeout(() => { global.late = 'late' }, 50); callback(null, 'answer'); return;
    case 'was it late': return Promise.resolve(global.late);
    case 'not wait': context.callbackWaitsForEmptyEventLoop = false; setTimeout(() => {}, 60000); callback(null, 'at once'); return;
    case 'never settle': return new Promise(() => {});
    case 'throw later': setTimeout(() => { throw new Error('later') }, 5); return new Promise(() => {});
    case 'reject elsewhere': Promise.reject(new Error('elsewhere')); return new Promise((r) => setTimeout(r, 60000));
    case 'exit': process.exit(7);
    case 'calls': return Promise.resolve(calls);
    case 'context': {
      const { clientContext, identity, getRemainingTimeInMillis, ...rest } = context;
      const left = context.getRemainingTimeInMillis();
      return Promise.resolve({ ...rest, left: left > 10000 && left <= 20000, trace: process.env._X_AMZN_TRACE_ID.startsWith('Root='),
        env: process.env.AWS_EXECUTION_ENV, cwd: process.cwd() === process.env.LAMBDA_TASK_ROOT });
    }
    case 'log': console.log('to stdout %j', {a: 1}); console.error('to stderr'); return Promise.resolve();
  }
};
exports.never = async () => new Promise(() => {});
`

// What handlers do, one after the other in one process.
func TestNodeInvocations(t *testing.T) {
	fn := start(t, bootstrap.Node, map[string]string{"app.js": nodeBehaviour}, lambdart.Function{Handler: "app.handler", Runtime: "nodejs20.x", MemoryMB: 256})
	do := func(what string) string { return fmt.Sprintf(`{"do":%q}`, what) }
	for _, tt := range []struct{ do, kind, message string }{
		{"throw", "RangeError", "too far"},
		{"reject", "GoneException", "gone"},
		{"reject string", "string", "Unauthorized"},
		{"reject nothing", "string", "handled"},
		{"call back an error", "Error", "called back"},
		{"call back a string", "string", "Unauthorized"},
		{"fail", "Error", "failed"},
		{"circle", "Error", "Unable to stringify response body"},
	} {
		if e := fn.fails(do(tt.do)); e.ErrorType != tt.kind || e.ErrorMessage != tt.message || (e.ErrorType != "string") != (len(e.Trace) > 0) {
			t.Errorf("%s: %+v", tt.do, e)
		}
	}
	for _, tt := range []struct{ do, want string }{
		{"call back twice", `"first"`},
		{"done", `"done"`},
		{"nothing", "null"},
		{"undefined", "null"},
		{"never settle", "null"}, // it is no async function: as if it never called back
		{"wait for the loop", `"answer"`},
		{"was it late", `"late"`},
		{"not wait", `"at once"`},
		{"context", `{"functionName":"f","functionVersion":"$LATEST","memoryLimitInMB":"256","logGroupName":"/aws/lambda/f","logStreamName":"*",` +
			`"invokedFunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:f","awsRequestId":"*","callbackWaitsForEmptyEventLoop":true,` +
			`"left":true,"trace":true,"env":"AWS_Lambda_nodejs20.x","cwd":true}`},
		{"log", "null"},
		{"calls", "19"},
	} {
		if got, failed := fn.invoke(do(tt.do)); failed || !like(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.do, got, tt.want)
		}
	}
	if n := fn.host.Stats()["f"].ColdStarts; n != 1 {
		t.Errorf("%d processes: one crashed", n)
	}
	for _, want := range []string{`to stdout {"a":1}`, "to stderr", "Invoke Error RangeError: too far", "Invoke Error 'Unauthorized'"} {
		if !fn.has(want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	// These end the process, and the next invocation has a new one.
	for _, tt := range []struct{ do, kind, message string }{
		{"throw later", "Error", "later"},
		{"reject elsewhere", "Runtime.UnhandledPromiseRejection", "Error: elsewhere"},
		{"exit", "Runtime.ExitError", "exit status 7"},
	} {
		if e := fn.fails(do(tt.do)); e.ErrorType != tt.kind || !strings.Contains(e.ErrorMessage, tt.message) {
			t.Errorf("%s: %+v", tt.do, e)
		}
		if got, _ := fn.invoke(do("calls")); got != "1" {
			t.Errorf("after %s: %s calls", tt.do, got)
		}
	}
}

// like compares, with * for what differs from run to run.
func like(got, want string) bool {
	parts := strings.Split(want, "*")
	for i, part := range parts {
		at := strings.Index(got, part)
		if at < 0 || i == 0 && at != 0 {
			return false
		}
		got = got[at+len(part):]
	}
	return got == ""
}

// An async handler whose promise nothing will settle fails at once, not at its
// timeout.
func TestNodeNeverSettles(t *testing.T) {
	fn := start(t, bootstrap.Node, map[string]string{"app.js": nodeBehaviour}, lambdart.Function{Handler: "app.never"})
	if e := fn.fails("{}"); e.ErrorType != "Runtime.NodeJsExit" {
		t.Errorf("%+v", e)
	}
}

// A package.json above the function's folder counts here and not on Lambda, and
// that is said.
func TestNodePackageAbove(t *testing.T) {
	root := write(t, map[string]string{"package.json": `{"type": "module"}`, "fn/app.js": "export const handler = async () => 1"})
	for _, tt := range []struct {
		dir, handler string
		said         bool
	}{{root, "fn/app.handler", false}, {filepath.Join(root, "fn"), "app.handler", true}} {
		fn := start(t, bootstrap.Node, nil, lambdart.Function{Dir: tt.dir, Handler: tt.handler})
		if got, failed := fn.invoke("{}"); failed || got != "1" {
			t.Errorf("%s: %s", tt.handler, got)
		}
		if said := fn.has("no part of the function on Lambda: put a package.json into " + tt.dir); said != tt.said {
			t.Errorf("%s: said %v, want %v", tt.handler, said, tt.said)
		}
	}
}
