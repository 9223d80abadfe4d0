// Package bootstrap runs Node.js and Python functions on Lambda's Runtime API. It
// is the part of Lambda's managed runtimes that finds a handler, calls it and tells
// what came of it: one small program for each language, embedded here and run by
// the machine's own node or python3.
//
//	file, err := bootstrap.Node.Write(folder)
//	host.Add(lambdart.Function{
//		Name: "echo", Runtime: "nodejs22.x", Handler: "app.handler", // exports.handler of app.js
//		Command: []string{"node", file}, Dir: "functions/echo",
//	})
//
// What is the same as on Lambda: which file and export a handler string means,
// CommonJS and ES modules, async handlers and those that call back, the context,
// the error objects, one invocation at a time. What is not: the AWS SDK is no part
// of it, what a function logs is not changed, and a process is not frozen between
// two invocations. Layers, response streaming, LoggingConfig and runtime hooks are
// not emulated.
package bootstrap

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Language is a language whose functions run through a bootstrap.
type Language string

// The languages there are, named like Lambda's runtimes.
const (
	Node   Language = "nodejs"
	Python Language = "python"
)

var (
	//go:embed node.cjs
	nodeProgram []byte
	//go:embed python.py
	pythonProgram []byte

	runtimeName = regexp.MustCompile(`^(nodejs|python)[0-9]+\.(x|[0-9]+)$`)
)

// For returns the language of a Lambda runtime like nodejs22.x or python3.13, and
// whether it is one of those here.
func For(runtime string) (Language, bool) {
	m := runtimeName.FindStringSubmatch(runtime)
	if m == nil {
		return "", false
	}
	return Language(m[1]), true
}

// Write puts the bootstrap into folder and returns its path; node or python3 runs
// it without further arguments, in the function's folder. Several programs may
// write into one folder at once.
func (l Language) Write(folder string) (string, error) {
	name, program := "node.cjs", nodeProgram
	if l == Python {
		name, program = "python.py", pythonProgram
	}
	file, err := filepath.Abs(filepath.Join(folder, name))
	if err != nil {
		return "", fmt.Errorf("find %s: %w", folder, err)
	}
	if err := replace(file, program); err != nil {
		return "", fmt.Errorf("write the bootstrap for %s: %w", l, err)
	}
	return file, nil
}

// Inline puts code that stands in a template into folder, as the file that
// CloudFormation makes of it: index.js, a CommonJS module, or index.py
// (CloudFormation reference, "AWS::Lambda::Function Code").
func (l Language) Inline(folder, code string) error {
	name := "index.js"
	if l == Python {
		name = "index.py"
	}
	if err := replace(filepath.Join(folder, name), []byte(code)); err != nil {
		return fmt.Errorf("write inline code: %w", err)
	}
	return nil
}

// replace writes a file that others may be reading.
func replace(file string, data []byte) error {
	if now, err := os.ReadFile(file); err == nil && bytes.Equal(now, data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// Find says what is wrong with a handler before anything runs: that its file is not
// in the function's folder. What the file exports only the run shows.
func (l Language) Find(folder, handler string) error {
	dot := strings.LastIndex(handler, ".")
	if l == Node { // everything after the file's first dot is a path of properties
		base := handler[strings.LastIndex(handler, "/")+1:]
		if dot = strings.Index(base, "."); dot >= 0 {
			dot += len(handler) - len(base)
		}
	}
	if dot <= 0 {
		return fmt.Errorf("handler %q is not FILE.FUNCTION", handler)
	}
	module := handler[:dot]
	tries := []string{module + ".js", module + ".mjs", module + ".cjs", module, module + "/index.js", module + "/package.json",
		"node_modules/" + module + "/package.json"}
	if l == Python {
		module = strings.ReplaceAll(module, ".", "/")
		tries = []string{module + ".py", module + "/__init__.py"}
	}
	if anyFile(folder, tries...) {
		return nil
	}
	if l == Node && anyFile(folder, module+".ts", module+".mts") {
		return fmt.Errorf("handler %s is TypeScript: run sam build and give its template, .aws-sam/build/template.yaml", handler)
	}
	return fmt.Errorf("handler %s: there is no %s in %s", handler, tries[0], folder)
}

// anyFile says whether a folder has one of these files.
func anyFile(folder string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		info, err := os.Stat(filepath.Join(folder, filepath.FromSlash(name)))
		return err == nil && info.Mode().IsRegular()
	})
}
