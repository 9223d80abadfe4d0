package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"kaiwa/local/build"
)

// listing is what Go programs are made of that can change: the folders of packages,
// and single files.
type listing struct{ folders, files []string }

// pkg is a package as go list tells of it.
type pkg struct {
	ImportPath string
	Dir        string
	Standard   bool
	EmbedFiles []string
	Module     *module
	Error      *struct{}
}

// missing says whether an import leads nowhere. In a module whose path has no dot
// the go tool takes it for a package of the standard library.
func (p pkg) missing() bool { return p.Error != nil && p.Module == nil }

type module struct {
	Path, Dir, GoMod, Version string
	Replace                   *module
}

// fixed says whether a module stands in the cache, where nothing changes.
func (m *module) fixed() bool {
	if m.Replace != nil {
		m = m.Replace
	}
	return m.Version != ""
}

// listSources asks the go tool what the functions are made of.
func (w *Watcher) listSources(ctx context.Context) (listing, error) {
	var dirs []string
	for _, f := range w.Functions {
		if f.Go && !slices.Contains(dirs, f.Source) {
			dirs = append(dirs, f.Source)
		}
	}
	if len(dirs) == 0 {
		return listing{}, nil
	}
	out, err := build.List(ctx, dirs, "-e", "-deps", "-json=ImportPath,Dir,Standard,EmbedFiles,Module,Error")
	if err != nil {
		return listing{}, err
	}
	return parseList(out)
}

func parseList(out []byte) (l listing, err error) {
	modules := map[string]*module{}
	var missing []string
	d := json.NewDecoder(bytes.NewReader(out))
	for {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return listing{}, err
		}
		switch m := p.Module; {
		case p.missing():
			missing = append(missing, p.ImportPath)
		case p.Standard || m != nil && m.fixed():
		default:
			l.folders = append(l.folders, p.Dir)
			for _, e := range p.EmbedFiles {
				l.files = append(l.files, filepath.Join(p.Dir, e))
			}
			if m != nil {
				modules[m.Path] = m
			}
		}
	}
	for _, m := range modules {
		for _, name := range []string{"go.mod", "go.sum", "go.work", "go.work.sum"} {
			l.files = append(l.files, filepath.Join(m.Dir, name))
		}
		// A package that is imported and not there yet.
		for _, path := range missing {
			if rest, ok := strings.CutPrefix(path, m.Path+"/"); ok {
				l.folders = append(l.folders, filepath.Join(m.Dir, filepath.FromSlash(rest)))
			}
		}
	}
	return l, nil
}

// has says whether a file is one of these.
func (l listing) has(file string) bool {
	return slices.Contains(l.files, file) || isSource(file) && slices.Contains(l.folders, filepath.Dir(file))
}

// isSource tells files that the go tool would compile into a program, or may.
func isSource(file string) bool {
	name := filepath.Base(file)
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && name[0] != '.' && name[0] != '_'
}
