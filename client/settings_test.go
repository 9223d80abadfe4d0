package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// configured is a config file's folder, as XDG_CONFIG_HOME.
func configured(t *testing.T, file string) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "kaiwa"), 0o700); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "kaiwa", "config")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

// Flags win over variables, and those over the file.
func TestConfig(t *testing.T) {
	_, url := service(t)
	dir, path := configured(t, "url = "+url+"\ntoken = secret\nheader = X-Key: secret\nping = 1m\nproxy = http://me:secret@p:1\n"+
		"[work]\nping = 2m\ntimeout = 9s\ntoken-command = echo t\n")
	run := func(env []string, args ...string) (string, int) {
		c := command(t, args...)
		c.Env = append(append(c.Env, "XDG_CONFIG_HOME="+dir), env...)
		out, _ := c.CombinedOutput()
		return strings.ReplaceAll(string(out), path, "FILE"), c.ProcessState.ExitCode()
	}
	for _, c := range []struct {
		env  []string
		args string
		want string // settings, as they are shown; of all others the default
	}{
		{nil, "config show", "url " + url + " FILE, token (set) FILE, header X-Key FILE, ping 1m0s FILE, proxy http://me:xxxxx@p:1 FILE"},
		{[]string{"KAIWA_PING=3m", "KAIWA_PROFILE=work", "TERM=dumb"}, "config show",
			"url " + url + " FILE, token-command echo t FILE, header X-Key FILE, ping 3m0s KAIWA_PING, timeout 9s FILE, plain true TERM, proxy http://me:xxxxx@p:1 FILE"},
		{[]string{"ACCESSIBLE=1", "KAIWA_API_KEY=k", "KAIWA_TOKEN_AS=subprotocol", "KAIWA_REGION=eu-west-1", "KAIWA_INSECURE=1"}, "--profile work config show --ping 0 --token t --plain=false",
			"url " + url + " FILE, token (set) the command line, token-as subprotocol KAIWA_TOKEN_AS, header X-Key FILE, api-key (set) KAIWA_API_KEY, region eu-west-1 KAIWA_REGION, insecure true KAIWA_INSECURE, ping 0s the command line, timeout 9s FILE, plain false the command line, proxy http://me:xxxxx@p:1 FILE"},
		{[]string{"KAIWA_TOKEN=t"}, "config show", "url " + url + " FILE, token (set) KAIWA_TOKEN, header X-Key FILE, ping 1m0s FILE, proxy http://me:xxxxx@p:1 FILE"},
		// What lets in at one host is not for another.
		{[]string{"KAIWA_URL=ws://b/", "KAIWA_TOKEN=t"}, "config show ws://a/b?secret", "url ws://a/b the command line, ping 1m0s FILE, proxy http://me:xxxxx@p:1 FILE"},
		{[]string{"KAIWA_URL=ws://b/"}, "config show", "url ws://b/ KAIWA_URL, ping 1m0s FILE, proxy http://me:xxxxx@p:1 FILE"},
		{[]string{"KAIWA_TOKEN=t"}, "config show --url ws://a/b", "url ws://a/b the command line, token (set) KAIWA_TOKEN, ping 1m0s FILE, proxy http://me:xxxxx@p:1 FILE"},
		{nil, "config show --sigv4 " + url + "/other", "url " + url + "/other the command line, sigv4 true the command line, header X-Key FILE, ping 1m0s FILE, proxy http://me:xxxxx@p:1 FILE"},
	} {
		out, code := run(c.env, strings.Fields(c.args)...)
		var got []string
		for line := range strings.Lines(out) {
			if !strings.HasSuffix(line, "the default\n") && !strings.HasPrefix(line, "kaiwa: --insecure: ") {
				got = append(got, strings.Join(strings.Fields(line), " "))
			}
		}
		want := strings.Split(c.want, ", ")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || code != 0 || strings.Contains(out, "secret") {
			t.Errorf("%v %s: %d\n%q\nwant\n%q", c.env, c.args, code, got, want)
		}
	}
	for _, c := range []struct {
		env        []string
		args, want string
		code       int
	}{
		{nil, "-p x --proxy=", "You said: x", 0},
		{[]string{"KAIWA_PING=soon"}, "-p x", "kaiwa: ping, from KAIWA_PING: write a time like 30s, 5m or 1h30m", 2},
		{[]string{"KAIWA_TOKEN=a", "KAIWA_TOKEN_COMMAND=b"}, "-p x", "kaiwa: token and token-command are two ways to give a token; choose one", 2},
		{[]string{"KAIWA_TOKEN_AS=query"}, "-p x", "kaiwa: token-as, from KAIWA_TOKEN_AS: a token goes as header or as subprotocol", 2},
		{nil, "--profile none -p x", `kaiwa: there is no profile "none" in FILE`, 2},
		{nil, "--profile ../x -p x", `kaiwa: the profile "../x" may have letters, digits, _ and - only`, 2},
		{nil, "config", "kaiwa: it goes like this: kaiwa config show; to ask this as a question, put it in quotes", 2},
		{nil, "config hide", "kaiwa: it goes like this: kaiwa config show", 2},
	} {
		if got, code := run(c.env, strings.Fields(c.args)...); strings.TrimSpace(got) != c.want || code != c.code {
			t.Errorf("%v %s: %d\n%s\nwant %d\n%s", c.env, c.args, code, got, c.code, c.want)
		}
	}
}

// What lets in at the address before the first profile does not go with a profile to
// another; what stands in the profile does.
func TestSecretsOfProfiles(t *testing.T) {
	_, url := service(t)
	all := "token = t\napi-key = k\nheader = X-A: 1\n"
	for file, want := range map[string]string{
		"url = ws://a/\n" + all + "[work]\nurl = " + url + "\n":         "url",
		"url = ws://a/\n" + all + "[work]\nurl = ws://A/x\n":            "api-key header token url",
		"url = ws://a/\n" + all + "[work]\nping = 1m\n":                 "api-key header ping token url",
		"url = ws://a/\nsigv4 = true\n[work]\nurl = ws://b/\ntoken = t": "token url",
		"[work]\nurl = ws://b/\n" + all:                                 "api-key header token url",
		all + "[work]\nurl = ws://b/\n":                                 "api-key header token url",
	} {
		dir, _ := configured(t, file)
		c := command(t, "--profile", "work", "config", "show")
		c.Env = append(c.Env, "XDG_CONFIG_HOME="+dir)
		out, _ := c.CombinedOutput()
		var got []string
		for line := range strings.Lines(string(out)) {
			if !strings.HasSuffix(line, "the default\n") {
				got = append(got, strings.Fields(line)[0])
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s\n%q, want %q", file, got, want)
		}
	}
}

// What asks for help works whatever is wrong with the settings.
func TestHelpWithoutSettings(t *testing.T) {
	dir, _ := configured(t, "ulr = x\n")
	for _, args := range []string{"help", "completion bash", "version", "--version", "--help"} {
		c := command(t, strings.Fields(args)...)
		c.Env = append(c.Env, "XDG_CONFIG_HOME="+dir, "KAIWA_PING=soon")
		if out, err := c.Output(); err != nil || !strings.HasPrefix(strings.TrimPrefix(string(out), "# "), "kaiwa ") {
			t.Errorf("%s: %v %.60q", args, err, out)
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

// zsh's own completion, in a terminal: the script as it is installed.
func TestTmuxZsh(t *testing.T) {
	if _, err := exec.LookPath("zsh"); err != nil {
		t.Skip("no zsh: ", err)
	}
	_, url := withTalks(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"_kaiwa": kaiwa(t, "", "completion", "zsh").out,
		".zshrc": "PS1='%% '; PATH=" + filepath.Dir(binary) + ":$PATH; export KAIWA_URL=" + url + "; fpath+=(" + dir + "); autoload -U compinit; compinit -u -D; print hello\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := newPane(t, "ZDOTDIR="+dir+" zsh -d -i")
	p.Shows("hello\n%")
	p.Type("kaiwa ex", "Tab")
	p.Shows("% kaiwa export")
	p.Type("Tab")
	p.Shows("% kaiwa export c")
	p.Type("Tab")
	p.Shows("c1  c2  c3")
	p.Type("C-u", "kaiwa -p x --token-as sub", "Tab")
	p.Shows("% kaiwa -p x --token-as subprotocol")
}

// What the shells offer, with the ids that the service has. bash and fish are asked
// as they ask themselves; for zsh its compadd is stood in for.
func TestCompletionInShells(t *testing.T) {
	_, url := withTalks(t)
	for _, c := range []struct {
		shell, script string
	}{
		{"bash", `eval "$(kaiwa completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kaiwa; printf '%s\n' "${COMPREPLY[@]}"`},
		{"fish", `kaiwa completion fish | source; complete -C "$argv" | string split -f1 \t; true`},
		{"zsh", `compdef() {}; eval "$(kaiwa completion zsh)"
			compadd() { local last=${words[CURRENT]} w; for w in "${@:2}"; [[ $w == $last* ]] && print -r -- $w }
			words=("$@") CURRENT=$#; _kaiwa; true`},
	} {
		t.Run(c.shell, func(t *testing.T) {
			if _, err := exec.LookPath(c.shell); err != nil {
				t.Skip("only looked at, not run: ", err)
			}
			for line, want := range map[string]string{
				"kaiwa ex":                  "export",
				"kaiwa r":                   "raw rename rm",
				"kaiwa --wrap k":            "kinsoku",
				"kaiwa --ambiguous-width a": "auto",
				"kaiwa -p x --st":           "--stream-json",
				"kaiwa show c":              "c1 c2 c3",
				"kaiwa -p x -r c":           "c1 c2 c3",
				"kaiwa config ":             "show",
				"kaiwa completion ":         "bash fish zsh",
				"kaiwa -p x --token-as sub": "subprotocol",
			} {
				cmd := exec.Command(c.shell, "-c", c.script)
				if c.shell == "bash" {
					cmd.Args = append(cmd.Args, "bash")
				}
				if c.shell == "zsh" {
					cmd.Args = append([]string{"zsh", "-f"}, append(cmd.Args[1:], "zsh")...)
				}
				cmd.Args = append(cmd.Args, strings.Split(line, " ")...)
				cmd.Env = []string{"PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH"), "KAIWA_URL=" + url, "HOME=" + t.TempDir()}
				out, err := cmd.CombinedOutput()
				got := strings.Fields(string(out))
				slices.Sort(got)
				if err != nil || strings.Join(got, " ") != want {
					t.Errorf("%q: %q %v, want %q", line, got, err, want)
				}
			}
		})
	}
}
