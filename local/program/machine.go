package program

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"kaiwa/pkg/emu/bootstrap"
	"kaiwa/pkg/emu/sam"
)

// machine is what this machine has for a language.
type machine struct {
	language  bootstrap.Language
	missing   string // why nothing can run; the rest is empty then
	file      string // the interpreter itself, behind whatever finds its version
	version   string // 20.19.1, 3.13
	flags     []string
	sdk       bool // Python: boto3 can be imported
	bootstrap string
}

// The bootstraps are written for these and newer.
const (
	oldestNode   = 18
	oldestPython = 8 // 3.8
)

const (
	askNode = `JSON.stringify({file: process.execPath, version: process.versions.node,
		flags: ['--no-experimental-require-module', '--no-experimental-detect-module'].filter(f => process.allowedNodeEnvironmentFlags.has(f))})`
	askPython = `import importlib.util, json, sys
print(json.dumps({"file": sys.executable, "version": "%d.%d" % sys.version_info[:2], "sdk": importlib.util.find_spec("boto3") is not None}))`
)

// names are those that the interpreter may have, the usual one first.
func (m *machine) names() []string {
	if m.language == bootstrap.Python {
		return []string{"python3", "python"}
	}
	return []string{"node"}
}

// look asks the machine's interpreter what it is and puts the bootstrap beside it,
// into folder.
func look(ctx context.Context, l bootstrap.Language, folder string) (*machine, error) {
	m := &machine{language: l}
	names, ask := m.names(), []string{"-p", askNode}
	if l == bootstrap.Python {
		ask = []string{"-c", askPython}
	}
	var file string
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			file = found
			break
		}
	}
	if file == "" {
		m.missing = fmt.Sprintf("%s is not on this machine: install it", names[0])
		return m, nil
	}
	out, err := exec.CommandContext(ctx, file, ask...).Output()
	var said struct {
		File, Version string
		Flags         []string
		SDK           bool
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		m.missing = fmt.Sprintf("%s does not work on this machine: %v", file, err)
		return m, nil
	case json.Unmarshal(out, &said) != nil || said.Version == "":
		m.missing = fmt.Sprintf("%s was asked for its version and printed %s: put the real %s first on the PATH", file, excerpt(out), names[0])
		return m, nil
	}
	m.file, m.version, m.flags, m.sdk = cmp.Or(said.File, file), said.Version, said.Flags, said.SDK
	if m.tooOld() {
		m.missing = fmt.Sprintf("%s %s is too old: Node.js needs at least %d, Python at least 3.%d", names[0], m.version, oldestNode, oldestPython)
		return m, nil
	}
	m.bootstrap, err = l.Write(folder)
	return m, err
}

// excerpt is the first line of what a program printed, if not too long.
func excerpt(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if line == "" {
		return "nothing"
	}
	return fmt.Sprintf("%.60q", line)
}

func (m *machine) tooOld() bool {
	major, rest, _ := strings.Cut(m.version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, _ := strconv.Atoi(major) // what is no number is too old
	b, _ := strconv.Atoi(minor)
	if m.language == bootstrap.Node {
		return a < oldestNode
	}
	return a < 3 || a == 3 && b < oldestPython
}

// command is how a function's processes are started. Up to Node.js 22 Lambda turns
// off what newer nodes do with modules by themselves, unless NODE_OPTIONS turns it
// on (Lambda developer guide, "Experimental Node.js features").
func (m *machine) command(f sam.Function) []string {
	command := append([]string{m.file}, m.heap(f.MemoryMB)...)
	if major, err := strconv.Atoi(runtimeOf(m.language, f.Runtime)); m.language == bootstrap.Node && err == nil && major < 24 {
		for _, flag := range m.flags {
			if on := "--" + strings.TrimPrefix(flag, "--no-"); !slices.Contains(strings.Fields(f.Env["NODE_OPTIONS"]), on) {
				command = append(command, flag)
			}
		}
	}
	return append(command, m.bootstrap)
}

// heap keeps a heap within the memory of a function, as the start script of Lambda's
// Node.js does (/var/runtime/bootstrap; copies of it are in public images): a heap
// that is free to grow would be over it before it is cleaned.
func (m *machine) heap(memoryMB int) []string {
	if m.language != bootstrap.Node {
		return nil
	}
	memoryMB = cmp.Or(memoryMB, 128)
	young := memoryMB / 10
	return []string{fmt.Sprintf("--max-semi-space-size=%d", young/2), fmt.Sprintf("--max-old-space-size=%d", memoryMB-young)}
}

// withPackages lets code that stands in the template find the packages that are
// installed in the template's folder or above, as code in a folder there would.
func (m *machine) withPackages(env map[string]string, template string) map[string]string {
	at, err := filepath.Abs(template)
	if err != nil {
		return env
	}
	places := []string{env["NODE_PATH"]}
	for ; ; at = filepath.Dir(at) {
		if folder := filepath.Join(at, "node_modules"); isFolder(folder) {
			places = append(places, folder)
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	env = maps.Clone(env)
	if env == nil {
		env = map[string]string{}
	}
	env["NODE_PATH"] = strings.Trim(strings.Join(places, string(filepath.ListSeparator)), string(filepath.ListSeparator))
	return env
}

// differs says whether a function asks for another version than the machine has:
// Node.js is told by its first number, Python by its first two.
func (m *machine) differs(runtime string) bool {
	want := runtimeOf(m.language, runtime)
	return m.version != want && !strings.HasPrefix(m.version, want+".")
}
