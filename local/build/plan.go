package build

import (
	"fmt"
	gobuild "go/build"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
)

// batch is one run of the go tool.
type batch struct {
	module   string            // the folder it runs in
	folder   string            // where its binaries go
	alone    bool              // one package, whose binary's name is given
	packages []string          // relative to module, as ./functions/reply
	files    map[string]string // what comes out, by dir as it was asked for
	names    map[string]bool   // names of binaries taken
}

// plan puts packages of one module together as long as their binaries' names
// differ. The order of dirs decides, so that the same template gives the same
// files again and nothing is linked twice.
func plan(out string, dirs []string) ([]*batch, error) {
	out, err := filepath.Abs(out)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", out, err)
	}
	var batches []*batch
	seen := map[string]bool{}
	for _, dir := range dirs {
		if seen[dir] {
			continue
		}
		seen[dir] = true
		full, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", dir, err)
		}
		if info, err := os.Stat(full); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("%s: no such folder", dir)
		}
		if name := packageName(full); name != "main" && name != "" {
			return nil, fmt.Errorf("%s: package %s is not a main package", dir, name)
		}
		module := moduleOf(full)
		i := slices.IndexFunc(batches, func(b *batch) bool { return b.takes(module, full) })
		if i < 0 {
			i = len(batches)
			batches = append(batches, &batch{
				module: module, folder: filepath.Join(out, strconv.Itoa(i)), alone: unnamed(module, full),
				files: map[string]string{}, names: map[string]bool{},
			})
		}
		if err := batches[i].add(dir, full); err != nil {
			return nil, err
		}
	}
	return batches, nil
}

var version = regexp.MustCompile(`^v[0-9]+$`)

// unnamed tells of packages whose binary is not named like their folder: the go
// tool takes the import path's last element that is not a version.
func unnamed(module, full string) bool {
	return full == module || version.MatchString(filepath.Base(full))
}

func (b *batch) takes(module, full string) bool {
	return b.module == module && !b.alone && !unnamed(module, full) && !b.names[filepath.Base(full)]
}

func (b *batch) add(dir, full string) error {
	rel, err := filepath.Rel(b.module, full)
	if err != nil {
		return fmt.Errorf("find %s: %w", dir, err)
	}
	name := filepath.Base(full)
	b.packages = append(b.packages, "./"+filepath.ToSlash(rel))
	b.names[name] = true
	b.files[dir] = filepath.Join(b.folder, name+exe())
	return nil
}

// target is the go tool's -o: a folder, told by the separator, or a file.
func (b *batch) target() string {
	if b.alone {
		for _, file := range b.files {
			return file
		}
	}
	return b.folder + string(filepath.Separator)
}

// packageName is the package's name, or "" if the go tool will have something to
// say about the folder. What is not main it would skip without a word.
func packageName(full string) string {
	machine := gobuild.Default
	machine.GOOS, machine.GOARCH, machine.CgoEnabled = runtime.GOOS, runtime.GOARCH, false
	p, err := machine.ImportDir(full, 0)
	if err != nil {
		return ""
	}
	return p.Name
}

// moduleOf is the folder with the go.mod that dir belongs to, or dir itself: the
// go tool then says what is missing.
func moduleOf(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
