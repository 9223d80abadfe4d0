package program_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"kaiwa/local/program"
	"kaiwa/pkg/emu/lambdart"
	"kaiwa/pkg/emu/sam"
)

// write puts files into a new folder; those named bootstrap can be executed.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
		if filepath.Base(name) == "bootstrap" {
			tree[name].Mode = 0o755
		}
	}
	root := t.TempDir()
	if err := os.CopyFS(root, tree); err != nil {
		t.Fatal(err)
	}
	return root
}

// machine makes PATH hold only programs that say what they are; the words are
// written by node or python3 if they are asked as package program asks.
func machine(t *testing.T, says map[string]string) {
	t.Helper()
	bin := t.TempDir()
	for name, said := range says {
		text := "#!/bin/sh\ncat <<'END'\n" + said + "\nEND\n"
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skipf("no cat on this machine: %v", err)
	}
	if err := os.Symlink(cat, filepath.Join(bin, "cat")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
}

const (
	node22 = `{"file":"/opt/node","version":"22.11.0","flags":["--no-experimental-require-module"]}`
	py313  = `{"file":"/opt/python","version":"3.13","sdk":true}`
)

// function is one of a template at root.
func function(root, id, runtime, handler, folder string) sam.Function {
	return sam.Function{Function: lambdart.Function{
		Name: "local-" + id, LogicalID: id, Runtime: runtime, Handler: handler, Dir: filepath.Join(root, folder),
	}}
}

// plan is New for functions that may be in one template.
func plan(t *testing.T, root string, functions ...sam.Function) (*program.Set, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "runtimes")
	set, err := program.New(t.Context(), functions, root, folder)
	if err != nil {
		t.Fatal(err)
	}
	return set, folder
}

// Every kind of function gets its command and folder.
func TestCommands(t *testing.T) {
	machine(t, map[string]string{"node": node22, "python3": py313})
	root := write(t, map[string]string{
		"go/main.go": "package main", "old/main.go": "package main", "built/bootstrap": "", "make/bootstrap": "",
		"js/src/app.js": "", "py/app.py": "", "node_modules/x/index.js": "",
	})
	inline := function(root, "Inline", "nodejs18.x", "index.handler", "")
	inline.InlineCode, inline.Env = "exports.handler = 1", map[string]string{"A": "1"}
	made := function(root, "Made", "provided.al2023", "x", "make")
	made.BuildMethod = "makefile"
	wants := function(root, "Wants", "nodejs22.x", "src/app.handler", "js")
	wants.MemoryMB = 1024
	wants.Env = map[string]string{"NODE_OPTIONS": "--experimental-require-module"}
	set, folder := plan(t, root,
		function(root, "Go", "provided.al2023", "bootstrap", "go"),
		function(root, "Old", "go1.x", "main", "old"),
		function(root, "Built", "provided.al2", "bootstrap", "built"),
		made, inline, wants,
		function(root, "Js", "nodejs22.x", "src/app.handler", "js"),
		function(root, "New", "nodejs24.x", "src/app.handler", "js"),
		function(root, "Py", "python3.13", "app.handler", "py"),
	)
	if len(set.Refused) != 0 || !slices.Equal(set.Sources, []string{filepath.Join(root, "go"), filepath.Join(root, "old")}) {
		t.Errorf("refused %v, sources %v", set.Refused, set.Sources)
	}
	got := set.Functions(map[string]string{filepath.Join(root, "go"): "/bin/go/go", filepath.Join(root, "old"): "/bin/old/old"})
	cjs, py := filepath.Join(folder, "node.cjs"), filepath.Join(folder, "python.py")
	const (
		heap  = " --max-semi-space-size=6 --max-old-space-size=116"
		quiet = "--no-experimental-require-module"
	)
	want := map[string]struct{ command, dir string }{
		"Go":     {"/bin/go/go", "/bin/go"},
		"Old":    {"/bin/old/old", "/bin/old"},
		"Built":  {filepath.Join(root, "built/bootstrap"), filepath.Join(root, "built")},
		"Made":   {filepath.Join(root, "make/bootstrap"), filepath.Join(root, "make")},
		"Inline": {"/opt/node" + heap + " " + quiet + " " + cjs, filepath.Join(folder, "inline/Inline")},
		"Wants":  {"/opt/node --max-semi-space-size=51 --max-old-space-size=922 " + cjs, filepath.Join(root, "js")},
		"Js":     {"/opt/node" + heap + " " + quiet + " " + cjs, filepath.Join(root, "js")},
		"New":    {"/opt/node" + heap + " " + cjs, filepath.Join(root, "js")},
		"Py":     {"/opt/python " + py, filepath.Join(root, "py")},
	}
	for _, f := range got {
		if w := want[f.LogicalID]; strings.Join(f.Command, " ") != w.command || f.Dir != w.dir {
			t.Errorf("%s: %q in %s, want %q in %s", f.LogicalID, f.Command, f.Dir, w.command, w.dir)
		}
		if f.LogicalID == "Inline" && (f.Env["A"] != "1" || f.Env["NODE_PATH"] != filepath.Join(root, "node_modules")) {
			t.Errorf("the environment of inline code is %v", f.Env)
		}
	}
	if len(got) != len(want) || inline.Env["NODE_PATH"] != "" {
		t.Errorf("%d functions, want %d; the template's environment is %v", len(got), len(want), inline.Env)
	}
	if text, err := os.ReadFile(filepath.Join(folder, "inline/Inline/index.js")); err != nil || string(text) != inline.InlineCode {
		t.Errorf("inline code %q, %v", text, err)
	}
}

// Each reason is one that a user can do something about.
func TestRefused(t *testing.T) {
	root := write(t, map[string]string{"js/app.ts": "", "py/app.py": "", "rust/Cargo.toml": "", "a.zip": ""})
	inline := function(root, "Inline", "provided.al2023", "x", "")
	inline.InlineCode = "x"
	made := function(root, "Made", "provided.al2023", "x", "rust")
	made.BuildMethod = "rust-cargolambda"
	functions := []sam.Function{
		function(root, "Java", "java21", "x", "a.zip"),
		function(root, "Gone", "python3.13", "app.handler", "gone"),
		function(root, "Zip", "nodejs22.x", "app.handler", "a.zip"),
		function(root, "Rust", "provided.al2023", "x", "rust"),
		made, inline,
		function(root, "Ts", "nodejs22.x", "app.handler", "js"),
		function(root, "Py", "python3.13", "main.handler", "py"),
	}
	for _, tt := range []struct {
		name string
		says map[string]string
		want map[string]string
	}{
		{"all here", map[string]string{"node": node22, "python3": py313}, map[string]string{
			"Java":   "java21 cannot run here: only Go, Node.js and Python do",
			"Gone":   "there is no folder ",
			"Zip":    "a.zip is a file: name the folder of the source",
			"Rust":   "there is neither Go nor a program named bootstrap in ",
			"Made":   "cannot be built with rust-cargolambda here: only Go is; or give the template that sam build makes",
			"Ts":     "handler app.handler is TypeScript: run sam build",
			"Py":     "handler main.handler: there is no main.py in ",
			"Inline": "inline code cannot be provided.al2023",
		}},
		{"nothing here", nil, map[string]string{
			"Ts": "node is not on this machine: install it", "Py": "python3 is not on this machine: install it",
		}},
		{"too old", map[string]string{"node": `{"version":"16.20.0"}`, "python": `{"version":"3.7"}`}, map[string]string{
			"Ts": "node 16.20.0 is too old: Node.js needs at least 18, Python at least 3.8", "Py": "python3 3.7 is too old",
		}},
		{"broken", map[string]string{"node": "oops", "python3": ""}, map[string]string{
			"Ts": `node was asked for its version and printed "oops": put the real node first on the PATH`,
			"Py": `python3 was asked for its version and printed nothing: put the real python3 first on the PATH`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			machine(t, tt.says)
			set, _ := plan(t, root, functions...)
			for id, want := range tt.want {
				if got := set.Refused["local-"+id]; !strings.Contains(got, want) {
					t.Errorf("%s: %q, want %q", id, got, want)
				}
			}
			if len(set.Refused) != len(functions) || len(set.Functions(nil)) != 0 {
				t.Errorf("refused %v", set.Refused)
			}
		})
	}
}

// What may not be as on Lambda is one line, whatever number of functions it is about.
func TestNotes(t *testing.T) {
	machine(t, map[string]string{"node": node22, "python3": strings.Replace(py313, "true", "false", 1)})
	root := write(t, map[string]string{
		"a/app.js":                    "const { DynamoDBClient } = require('@aws-sdk/client-dynamodb')\nconst x = require(\"@aws-sdk/lib-dynamodb\")",
		"b/deep/app.mjs":              "import {\n  A,\n} from '@aws-sdk/client-apigatewaymanagementapi';\nconst y = await import('@aws-sdk/client-dynamodb');",
		"c/app.js":                    "const AWS = require('aws-sdk/clients/dynamodb')",
		"c/node_modules/aws-sdk/i.js": "",
		"d/app.js":                    "exports.handler = 1",
		"d/node_modules/x/i.js":       "require('@aws-sdk/client-s3')",
		"e/app.py":                    "import json\nimport boto3\n",
		"f/app.py":                    "# import boto3\nboto3 = None\n",
		"g/app.py":                    "from boto3.session import Session\n",
		"g/boto3/__init__.py":         "",
		"node_modules/@aws-sdk/lib-dynamodb/package.json": "{}",
	})
	set, _ := plan(t, root,
		function(root, "A", "nodejs20.x", "app.handler", "a"),
		function(root, "B", "nodejs22.x", "deep/app.handler", "b"),
		function(root, "C", "nodejs20.x", "app.handler", "c"),
		function(root, "D", "nodejs22.x", "app.handler", "d"),
		function(root, "E", "python3.13", "app.handler", "e"),
		function(root, "F", "python3.1", "app.handler", "f"),
		function(root, "G", "python3.13", "app.handler", "g"),
	)
	want := []string{
		"A, C: run with node 22.11.0 of this machine, not nodejs20.x",
		"F: run with python3 3.13 of this machine, not python3.1",
		"A, B: the AWS SDK is part of Lambda's Node.js, not of this machine's: npm install --no-save --prefix " + root +
			" @aws-sdk/client-apigatewaymanagementapi @aws-sdk/client-dynamodb",
		"E: boto3 is part of Lambda's Python, not of this machine's: python3 -m pip install boto3",
	}
	if !slices.Equal(set.Notes, want) {
		t.Errorf("notes\n%s\nwant\n%s", strings.Join(set.Notes, "\n"), strings.Join(want, "\n"))
	}
}
