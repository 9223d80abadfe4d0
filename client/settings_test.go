package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Flags win over variables, and those over the file.
func TestConfig(t *testing.T) {
	_, url := service(t)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "kaiwa"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kaiwa", "config")
	file := "url = " + url + "\ntoken = secret\nheader = X-Key: secret\nping = 1m\n[work]\nping = 2m\ntimeout = 9s\n"
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(env []string, args ...string) (string, int) {
		c := command(t, args...)
		c.Env = append(append(c.Env, "XDG_CONFIG_HOME="+dir), env...)
		out, _ := c.CombinedOutput()
		return strings.Join(strings.Fields(strings.ReplaceAll(string(out), path, "FILE")), " "), c.ProcessState.ExitCode()
	}
	for _, c := range []struct {
		env  []string
		args string
		want string
		code int
	}{
		{nil, "-p x", "You said: x", 0},
		{nil, "config show", "url " + url + " FILE token (set) FILE header X-Key FILE ping 1m0s FILE timeout 0s the default plain false the default", 0},
		{[]string{"KAIWA_PING=3m", "KAIWA_PROFILE=work", "TERM=dumb"}, "config show", "url " + url + " FILE token (set) FILE header X-Key FILE ping 3m0s KAIWA_PING timeout 9s FILE plain true TERM", 0},
		{[]string{"KAIWA_PING=3m", "KAIWA_URL=ws://b", "ACCESSIBLE=1"}, "--profile work config show --ping 0 --token t --plain=false ws://a/b?secret", "url ws://a/b the command line token (set) the command line header X-Key FILE ping 0s the command line timeout 9s FILE plain false the command line", 0},
		{[]string{"KAIWA_PING=soon"}, "-p x", "kaiwa: ping, from KAIWA_PING: parse error", 2},
		{nil, "--profile none -p x", `kaiwa: there is no profile "none" in FILE`, 2},
		{nil, "--profile ../x -p x", `kaiwa: the profile "../x" may have letters, digits, _ and - only`, 2},
		{nil, "config", "kaiwa: it goes like this: kaiwa config show; to ask this as a question, put it in quotes", 2},
		{nil, "config hide", "kaiwa: it goes like this: kaiwa config show", 2},
	} {
		if got, code := run(c.env, strings.Fields(c.args)...); got != c.want || code != c.code {
			t.Errorf("%v %s: %d\n%s\nwant %d\n%s", c.env, c.args, code, got, c.code, c.want)
		}
	}
}

func TestHelp(t *testing.T) {
	asked := kaiwa(t, "", "help")
	if flag := kaiwa(t, "", "--help"); asked != flag || asked.code != 0 || asked.err != "" {
		t.Errorf("%+v and %+v", asked, flag)
	}
	for line := range strings.Lines(asked.out) {
		if len([]rune(line)) > 90 {
			t.Errorf("too long: %s", line)
		}
	}
	script := kaiwa(t, "", "completion", "bash").out
	for _, word := range strings.Fields(between(script, `-*) COMPREPLY=($(compgen -W "`, `"`) + " " + between(script, `-eq 1 ] && COMPREPLY=($(compgen -W "`, `"`)) {
		if !strings.Contains(asked.out, word) {
			t.Errorf("%s is not in the help", word)
		}
	}
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

func TestCompletion(t *testing.T) {
	if got := kaiwa(t, "", "completion", "tcsh"); got != (result{"", "kaiwa: there is completion for bash, zsh and fish\n", 2}) {
		t.Errorf("%+v", got)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			script := kaiwa(t, "", "completion", shell)
			if script.code != 0 || strings.Contains(script.out, "@COMM") || !strings.Contains(script.out, "export") {
				t.Fatalf("%+v", script)
			}
			if _, err := exec.LookPath(shell); err != nil {
				t.Skip("only looked at, not run: ", err)
			}
			c := exec.Command(shell, "-n")
			c.Stdin = strings.NewReader(script.out)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// What bash offers, with the ids that the service has.
func TestCompletionInBash(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash: ", err)
	}
	_, url := withTalks(t)
	script := kaiwa(t, "", "completion", "bash").out
	for line, want := range map[string]string{
		"kaiwa ex":       "export",
		"kaiwa r":        "raw rename rm",
		"kaiwa -p x --s": "--stream-json",
		"kaiwa show c":   "c3 c2 c1",
		"kaiwa config ":  "show",
	} {
		words := strings.Split(line, " ")
		c := exec.Command("bash", "-c", script+`COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kaiwa; echo "${COMPREPLY[*]}"`, "bash")
		c.Args = append(c.Args, words...)
		c.Env = []string{"PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH"), "KAIWA_URL=" + url}
		if out, err := c.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%q: %q %v, want %q", line, out, err, want)
		}
	}
}
