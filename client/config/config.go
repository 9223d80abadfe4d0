// Package config reads the client's config file: lines of the form "name =
// value", with # before a comment. A line [name] begins a profile, whose values
// stand in for those before the first profile.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is what a config file says for one profile.
type File struct {
	Path string
	// Values by name, each in the order of its lines.
	Values map[string][]string
	// Own are the names that the profile itself says.
	Own map[string]bool
	// TopURL is the url that stands before the first profile: what else stands
	// there was said for it.
	TopURL string
}

// Path is where the config file is: in the config folder of XDG, or where that is
// by default.
func Path(getenv func(string) string) (string, error) {
	dir := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // as XDG asks
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "kaiwa", "config"), nil
}

// Load reads a file for a profile, "" for none. known are the names there may be.
// No file is an empty one, unless a profile is wanted.
func Load(path, profile string, known []string) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f := &File{Path: path, Values: map[string][]string{}, Own: map[string]bool{}}
	section, found := "", profile == ""
	for i, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSpace(strings.TrimSuffix(name, "]"))
			found = found || section == profile
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.ReplaceAll(strings.TrimSpace(name), "_", "-"), strings.TrimSpace(value)
		if !ok || !slices.Contains(known, name) {
			return nil, fmt.Errorf("%s:%d: %q is no setting; there are %s", path, i+1, name, strings.Join(known, ", "))
		}
		switch {
		case section == "":
			if name == "url" {
				f.TopURL = value
			}
		case section != profile:
			continue
		case !f.Own[name]:
			f.Own[name] = true
			f.Values[name] = nil
		}
		f.Values[name] = append(f.Values[name], value)
	}
	if !found {
		return nil, fmt.Errorf("there is no profile %q in %s", profile, path)
	}
	return f, nil
}
