// Package kaiwa_test polices the house: DESIGN §1 says who may import whom, and
// this test reads the import lines of the sources themselves.
package kaiwa_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// floors is the table of DESIGN §1: what each package may import of ours. A
// trailing /* stands for the package and everything below it. Each function has
// a list of its own: it links only the adapters it needs.
var floors = map[string][]string{
	"functions/authorizer":  {"pkg/handler", "pkg/identity"},
	"functions/connect":     {"pkg/handler", "pkg/dynamo", "pkg/invoke"},
	"functions/disconnect":  {"pkg/handler", "pkg/dynamo", "pkg/callback"},
	"functions/sendmessage": {"pkg/handler", "pkg/dynamo", "pkg/callback", "pkg/invoke", "pkg/identity"},
	"functions/reply":       {"pkg/handler", "pkg/dynamo", "pkg/callback", "pkg/bedrock"},
	"functions/notify":      {"pkg/handler", "pkg/dynamo", "pkg/callback", "pkg/invoke"},
	"client/*":              {"pkg/wire", "pkg/frame", "pkg/plain", "client/*"},
	"local/*":               {"pkg/emu/*", "pkg/wire", "pkg/frame", "local/*"},
	"pkg/handler":           {"pkg/relay", "pkg/herald", "pkg/notice", "pkg/chat", "pkg/wire", "pkg/plain"},
	"pkg/dynamo":            {"pkg/chat"},
	"pkg/bedrock":           {"pkg/chat"},
	"pkg/callback":          {"pkg/chat"},
	"pkg/invoke":            {"pkg/chat"},
	"pkg/identity":          {"pkg/chat"},
	"pkg/herald":            {"pkg/notice", "pkg/chat", "pkg/wire", "pkg/plain"},
	"pkg/relay":             {"pkg/frame", "pkg/chat", "pkg/wire", "pkg/plain"},
	"pkg/plain":             {"pkg/wire"},
	"pkg/frame":             {"pkg/wire"},
	"pkg/notice":            {"pkg/wire"},
	"pkg/wire":              {},
	"pkg/chat":              {},
	"pkg/emu/apigw":         {"pkg/emu/iam"},
	"pkg/emu/sam":           {"pkg/emu/apigw", "pkg/emu/lambdart"},
	"pkg/emu/ddb":           {"pkg/emu/ddb/journal"},
	"pkg/emu/*":             {},
}

// ground packages import nothing but the standard library.
var ground = []string{"pkg/wire", "pkg/chat"}

// serviceClients are not for emulators, which are AWS as seen on the wire.
const serviceClients = "github.com/aws/aws-sdk-go-v2/service/"

func TestFloors(t *testing.T) {
	for _, f := range check(t, os.DirFS(".")) {
		t.Error(f)
	}
}

// TestFloorsFail shows that the check can fail, each way it is meant to.
func TestFloorsFail(t *testing.T) {
	tests := map[string]struct {
		file, source, want string
	}{
		"upwards":           {"pkg/wire/x.go", `import "kaiwa/pkg/chat"`, "pkg/wire may not import kaiwa/pkg/chat"},
		"neighbour":         {"pkg/dynamo/x.go", `import "kaiwa/pkg/callback"`, "pkg/dynamo may not import kaiwa/pkg/callback"},
		"emulator knows us": {"pkg/emu/apigw/x.go", `import "kaiwa/pkg/wire"`, "pkg/emu/apigw may not import kaiwa/pkg/wire"},
		"emulator's client": {"pkg/emu/ddb/x.go", `import "github.com/aws/aws-sdk-go-v2/service/dynamodb"`, "an emulator may not use a service client"},
		"no floor":          {"pkg/util/x.go", `import "fmt"`, "pkg/util stands on no floor"},
		"ground":            {"pkg/chat/x.go", `import "github.com/rivo/uniseg"`, "pkg/chat may import the standard library only"},
		"subpackage":        {"client/term/x.go", `import "kaiwa/pkg/chat"`, "client/term may not import kaiwa/pkg/chat"},
		"fat main":          {"functions/connect/main.go", `import "kaiwa/pkg/bedrock"`, "functions/connect may not import kaiwa/pkg/bedrock"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{tt.file: {Data: []byte("package x\n" + tt.source)}}
			faults := check(t, tree)
			if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, tt.want) }) {
				t.Errorf("got %q, want one with %q", faults, tt.want)
			}
		})
	}
	if faults := check(t, fstest.MapFS{"pkg/wire/x.go": {Data: []byte("package wire")}}); !slices.Contains(faults, "pkg/relay has a permission nobody uses: pkg/frame") {
		t.Errorf("an unused permission is not reported: %q", faults)
	}
}

// check lists every broken floor, package without one, and unused permission.
func check(t *testing.T, tree fs.FS) []string {
	t.Helper()
	var faults []string
	used := map[string]bool{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != "."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		dir := path.Dir(name)
		floor, ok := floorOf(dir)
		if !ok {
			faults = append(faults, dir+" stands on no floor")
			return nil
		}
		imports, err := importsOf(tree, name)
		if err != nil {
			return err
		}
		for _, imp := range imports {
			if f := judge(dir, floor, imp, used); f != "" {
				faults = append(faults, name+": "+f)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, floor := range slices.Sorted(maps.Keys(floors)) {
		for _, p := range floors[floor] {
			if self := p == floor; !self && !used[floor+" "+p] {
				faults = append(faults, floor+" has a permission nobody uses: "+p)
			}
		}
	}
	return faults
}

// floorOf finds the row of a folder: its own, or the nearest /* above it.
func floorOf(dir string) (string, bool) {
	if _, ok := floors[dir]; ok {
		return dir, true
	}
	for d := dir; d != "."; d = path.Dir(d) {
		if _, ok := floors[d+"/*"]; ok {
			return d + "/*", true
		}
	}
	return "", false
}

func judge(dir, floor, imp string, used map[string]bool) string {
	ours, is := strings.CutPrefix(imp, "kaiwa/")
	switch {
	case is:
		for _, p := range floors[floor] {
			if under, all := strings.CutSuffix(p, "/*"); p == ours || all && (ours == under || strings.HasPrefix(ours, under+"/")) {
				used[floor+" "+p] = true
				return ""
			}
		}
		return dir + " may not import " + imp
	case slices.Contains(ground, dir) && strings.Contains(strings.Split(imp, "/")[0], "."):
		return dir + " may import the standard library only, not " + imp
	case strings.HasPrefix(dir, "pkg/emu/") && strings.HasPrefix(imp, serviceClients):
		return "an emulator may not use a service client: " + imp
	}
	return ""
}

func importsOf(tree fs.FS, name string) ([]string, error) {
	src, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}
