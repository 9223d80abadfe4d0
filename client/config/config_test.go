package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"kaiwa/client/config"
)

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	const text = "# mine\nurl = ws://a\nheader = A: 1\n header=B: = 2\n\n[work]\nheader = C: 3\nheader = D: 4\n[home]\nurl = ws://h\n[work]\ntoken = t\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	known := []string{"url", "header", "token"}
	for profile, want := range map[string]map[string][]string{
		"":     {"url": {"ws://a"}, "header": {"A: 1", "B: = 2"}},
		"work": {"url": {"ws://a"}, "header": {"C: 3", "D: 4"}, "token": {"t"}},
		"home": {"url": {"ws://h"}, "header": {"A: 1", "B: = 2"}},
	} {
		f, err := config.Load(path, profile, known)
		if err != nil || !reflect.DeepEqual(f.Values, want) || f.Path != path {
			t.Errorf("%q: %+v %v", profile, f, err)
		}
	}
	for _, c := range []struct {
		path, profile, known, want string
	}{
		{path, "", "url", `config:3: "header" is no setting; there are url`},
		{path, "none", "url header token", `there is no profile "none" in `},
		{filepath.Dir(path), "", "url", "directory"},
	} {
		if _, err := config.Load(c.path, c.profile, strings.Fields(c.known)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if f, err := config.Load(path+"-not", "", known); err != nil || len(f.Values) != 0 {
		t.Errorf("no file: %v %v", f, err)
	}
}

func TestPath(t *testing.T) {
	t.Setenv("HOME", "/home/a")
	for dir, want := range map[string]string{"/c": "/c/kaiwa/config", "": "/home/a/.config/kaiwa/config", "rel": "/home/a/.config/kaiwa/config"} {
		if got, err := config.Path(func(string) string { return dir }); err != nil || filepath.ToSlash(got) != want {
			t.Errorf("%q: %s %v", dir, got, err)
		}
	}
}
