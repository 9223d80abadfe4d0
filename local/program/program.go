// Package program says how the functions of a template run on this machine: Go is
// built, Node.js and Python run through emu/bootstrap with the machine's own node
// and python3, and what has a program already is run as it is. What cannot run is
// named.
package program

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kaiwa/pkg/emu/bootstrap"
	"kaiwa/pkg/emu/lambdart"
	"kaiwa/pkg/emu/sam"
)

// Set is the functions of a template.
type Set struct {
	// Sources are the folders of the Go functions, which are to be built.
	Sources []string
	// Refused says of each function that cannot run why, by its name.
	Refused map[string]string
	// Notes are a line each about what may not be as on Lambda: other versions, an
	// SDK that is not here.
	Notes []string

	ready []lambdart.Function // but for the Go functions' programs
}

// New looks at every function, and at the machine's node and python3 if they are
// needed. template is the template's folder; what functions need beside their own
// folder, such as code that stands in the template, is put below folder.
func New(ctx context.Context, functions []sam.Function, template, folder string) (*Set, error) {
	s := &Set{Refused: map[string]string{}}
	p := planner{Set: s, template: template, folder: folder, machines: map[bootstrap.Language]*machine{}}
	for _, f := range functions {
		why, err := p.add(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("function %s: %w", f.LogicalID, err)
		}
		if why != "" {
			s.Refused[f.Name] = why
		}
	}
	p.note()
	return s, nil
}

// Functions returns the functions that can run. binaries are the programs built, by
// the folders of Sources.
func (s *Set) Functions(binaries map[string]string) []lambdart.Function {
	all := make([]lambdart.Function, len(s.ready))
	for i, f := range s.ready {
		if f.Command == nil {
			file := binaries[f.Dir]
			f.Command, f.Dir = []string{file}, filepath.Dir(file) // on Lambda too there is the program and no source
		}
		all[i] = f
	}
	return all
}

// planner makes a Set.
type planner struct {
	*Set
	template, folder string
	machines         map[bootstrap.Language]*machine
	uses             []use
}

// add plans one function and says why it cannot run, "" if it can.
func (p *planner) add(ctx context.Context, f sam.Function) (refused string, err error) {
	l, interpreted := bootstrap.For(f.Runtime)
	if !interpreted && f.Runtime != "go1.x" && !strings.HasPrefix(f.Runtime, "provided") {
		return f.Runtime + " cannot run here: only Go, Node.js and Python do", nil
	}
	if f.InlineCode == "" {
		switch info, err := os.Stat(f.Dir); {
		case err != nil:
			return "there is no folder " + f.Dir, nil
		case !info.IsDir():
			return f.Dir + " is a file: name the folder of the source", nil
		}
	}
	switch {
	case interpreted:
		return p.interpreted(ctx, f, l)
	case f.InlineCode != "":
		return "inline code cannot be " + f.Runtime, nil
	case hasGo(f.Dir) && (f.BuildMethod == "" || f.BuildMethod == "go1.x"):
		p.Sources = append(p.Sources, f.Dir)
		p.ready = append(p.ready, f.Function)
		return "", nil
	}
	return p.built(f)
}

// built plans a function whose program is in its folder, as sam build leaves it.
func (p *planner) built(f sam.Function) (refused string, err error) {
	file, err := filepath.Abs(filepath.Join(f.Dir, "bootstrap"))
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		if f.BuildMethod != "" && f.BuildMethod != "go1.x" {
			return "cannot be built with " + f.BuildMethod + " here: only Go is; or give the template that sam build makes", nil
		}
		return "there is neither Go nor a program named bootstrap in " + f.Dir, nil
	}
	f.Command, f.Dir = []string{file}, filepath.Dir(file)
	p.ready = append(p.ready, f.Function)
	return "", nil
}

// interpreted plans a function that runs through a bootstrap.
func (p *planner) interpreted(ctx context.Context, f sam.Function, l bootstrap.Language) (refused string, err error) {
	m := p.machines[l]
	if m == nil {
		if m, err = look(ctx, l, p.folder); err != nil {
			return "", err
		}
		p.machines[l] = m
	}
	if m.missing != "" {
		return m.missing, nil
	}
	if f.InlineCode != "" {
		f.Dir = filepath.Join(p.folder, "inline", f.LogicalID)
		if err := l.Inline(f.Dir, f.InlineCode); err != nil {
			return "", err
		}
	}
	if f.Dir, err = filepath.Abs(f.Dir); err != nil {
		return "", err
	}
	if err := l.Find(f.Dir, f.Handler); err != nil {
		return err.Error(), nil
	}
	f.Command = m.command(f)
	if f.InlineCode != "" && l == bootstrap.Node {
		f.Env = m.withPackages(f.Env, p.template)
	}
	p.uses = append(p.uses, use{f, m})
	p.ready = append(p.ready, f.Function)
	return "", nil
}

func hasGo(folder string) bool {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	return err == nil && len(files) > 0
}

// runtimeOf is the version in a runtime's name: 22 of nodejs22.x, 3.13 of python3.13.
func runtimeOf(l bootstrap.Language, runtime string) string {
	return cmp.Or(strings.TrimSuffix(strings.TrimPrefix(runtime, string(l)), ".x"), runtime)
}
