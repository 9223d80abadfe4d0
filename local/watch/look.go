package watch

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// snapshot is what files looked like at one moment. Those that are not there are
// missing.
type snapshot map[string]stamp

type stamp struct {
	size  int64
	wrote time.Time
}

// since lists what is there, not there, or otherwise than it was.
func (now snapshot) since(then snapshot) []string {
	var changed []string
	for file, s := range now {
		if then[file] != s {
			changed = append(changed, file)
		}
	}
	for file := range then {
		if _, still := now[file]; !still {
			changed = append(changed, file)
		}
	}
	slices.Sort(changed)
	return changed
}

func (s snapshot) add(file string) {
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
		s[file] = stamp{info.Size(), info.ModTime()}
	}
}

// look looks at everything that matters.
func (w *Watcher) look() snapshot {
	now := snapshot{}
	now.add(w.Template)
	for _, file := range w.list.files {
		now.add(file)
	}
	for _, dir := range w.list.folders {
		entries, err := os.ReadDir(dir)
		if err != nil { // it is not there, or no more
			continue
		}
		for _, e := range entries {
			if file := filepath.Join(dir, e.Name()); isSource(file) {
				now.add(file)
			}
		}
	}
	for _, f := range w.Functions {
		if !f.Go {
			now.addTree(f.Source, w.Data)
		}
	}
	return now
}

// addTree adds everything below a folder but what tools and this run put there.
func (s snapshot) addTree(root, data string) {
	root += string(filepath.Separator) // it may be a link to a folder
	// What cannot be read cannot be watched.
	_ = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil
		case d.IsDir() && file != root && (skipped(d.Name()) || same(file, data)):
			return fs.SkipDir
		case !d.IsDir() && !strings.HasSuffix(file, ".pyc") && !strings.HasPrefix(d.Name(), "."):
			s.add(file)
		}
		return nil
	})
}

func skipped(folder string) bool {
	return folder == "node_modules" || folder == "__pycache__" || strings.HasPrefix(folder, ".")
}

// same says whether two names are one folder's; "" is none's.
func same(file, folder string) bool {
	a, err := filepath.Abs(file)
	b, also := filepath.Abs(folder)
	return folder != "" && err == nil && also == nil && a == b
}

// within says whether file is below folder.
func within(file, folder string) bool {
	rel, err := filepath.Rel(folder, file)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
