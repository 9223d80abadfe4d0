package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLook(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, "kaiwa", "config")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("enter_sends = false\nwrap = kinsoku\nambiguous_width = 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "enter-sends false, wrap kinsoku, ambiguous-width 2"},
		{[]string{"--enter-sends", "--wrap", "soft", "--ambiguous-width", "auto"}, "enter-sends true, wrap soft, ambiguous-width auto"},
		{[]string{"--wrap", "hard"}, "lines are wrapped soft, by the terminal, or kinsoku"},
		{[]string{"--ambiguous-width", "3"}, "a character takes 1 cell or 2; auto asks the terminal"},
		{[]string{"--enter-sends=maybe"}, `invalid boolean value "maybe"`},
	} {
		p := command(t, append([]string{"config", "show"}, c.args...)...)
		p.Env = append(p.Env, "XDG_CONFIG_HOME="+home)
		out, _ := p.CombinedOutput()
		var got []string
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); len(f) > 1 && strings.Contains("enter-sends wrap ambiguous-width", f[0]) {
				got = append(got, f[0]+" "+f[1])
			}
		}
		if strings.Join(got, ", ") != c.want && !strings.Contains(string(out), c.want) {
			t.Errorf("%q: got %s", c.args, out)
		}
	}
}
