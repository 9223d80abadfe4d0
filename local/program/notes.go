package program

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"kaiwa/pkg/emu/bootstrap"
	"kaiwa/pkg/emu/sam"
)

// use is a function and the machine it runs with.
type use struct {
	f sam.Function
	m *machine
}

// note says what may not be as on Lambda, in one line for all functions that have
// it in common.
func (p *planner) note() {
	p.noteVersions()
	p.noteNodeSDK()
	p.notePythonSDK()
}

func (p *planner) noteVersions() {
	who := map[string][]string{}
	for _, u := range p.uses {
		if u.m.differs(u.f.Runtime) {
			line := fmt.Sprintf("run with %s %s of this machine, not %s", u.m.names()[0], u.m.version, u.f.Runtime)
			who[line] = append(who[line], u.f.LogicalID)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(who)) {
		p.Notes = append(p.Notes, strings.Join(who[line], ", ")+": "+line)
	}
}

func (p *planner) noteNodeSDK() {
	var who []string
	packages := map[string]bool{}
	for _, u := range p.uses {
		if u.m.language != bootstrap.Node {
			continue
		}
		absent := p.absent(u.f, named(u.f.Dir, bootstrap.Node))
		if len(absent) > 0 {
			who = append(who, u.f.LogicalID)
		}
		for _, name := range absent {
			packages[name] = true
		}
	}
	if len(who) > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s: the AWS SDK is part of Lambda's Node.js, not of this machine's: npm install --no-save --prefix %s %s",
			strings.Join(who, ", "), p.template, strings.Join(slices.Sorted(maps.Keys(packages)), " ")))
	}
}

func (p *planner) notePythonSDK() {
	var who []string
	for _, u := range p.uses {
		if u.m.language == bootstrap.Python && !u.m.sdk && !isFolder(filepath.Join(u.f.Dir, "boto3")) && len(named(u.f.Dir, bootstrap.Python)) > 0 {
			who = append(who, u.f.LogicalID)
		}
	}
	if len(who) > 0 {
		p.Notes = append(p.Notes, strings.Join(who, ", ")+": boto3 is part of Lambda's Python, not of this machine's: python3 -m pip install boto3")
	}
}

var (
	nodeSDK   = regexp.MustCompile(`(?:\bfrom|\bimport|\brequire)\s*\(?\s*["'](@aws-sdk/[a-z0-9-]+|aws-sdk)[/"']`)
	pythonSDK = regexp.MustCompile(`(?m)^\s*(?:from|import)\s+(boto3|botocore)\b`)
)

// Sources larger than this, and more files than this, are not looked through: the
// note is a service, and a bundle names what it needs at its beginning.
const (
	maxSource  = 2 << 20
	maxSources = 2000
)

// named finds the packages of the AWS SDK that the sources in a folder name.
func named(folder string, l bootstrap.Language) []string {
	pattern, suffixes := nodeSDK, []string{".js", ".mjs", ".cjs"}
	if l == bootstrap.Python {
		pattern, suffixes = pythonSDK, []string{".py"}
	}
	names, files := map[string]bool{}, 0
	folder += string(filepath.Separator) // it may be a link to one
	// What cannot be read the function will complain of itself.
	_ = filepath.WalkDir(folder, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case d.IsDir() && file != folder && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !slices.Contains(suffixes, filepath.Ext(file)):
			return nil
		case files >= maxSources:
			return fs.SkipAll
		}
		files++
		if info, err := d.Info(); err != nil || info.Size() > maxSource {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil
		}
		for _, m := range pattern.FindAllSubmatch(text, -1) {
			names[string(m[1])] = true
		}
		return nil
	})
	return slices.Sorted(maps.Keys(names))
}

// absent are those packages that a function will not find.
func (p *planner) absent(f sam.Function, names []string) []string {
	from := f.Dir
	if f.InlineCode != "" {
		from = p.template
	}
	return slices.DeleteFunc(names, func(name string) bool { return installed(from, name) })
}

// installed looks for a package the way node does: in node_modules of the folder
// and all above.
func installed(folder, name string) bool {
	at, err := filepath.Abs(folder)
	if err != nil {
		return false
	}
	for ; ; at = filepath.Dir(at) {
		if isFolder(filepath.Join(at, "node_modules", filepath.FromSlash(name))) {
			return true
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
