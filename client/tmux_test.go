package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kaiwa/client/internal/fake"
	"kaiwa/pkg/wire"
)

// panes numbers the tmux servers.
var panes atomic.Int32

// pane is a real terminal: tmux, with a server of its own.
type pane struct {
	t    *testing.T
	name string
}

func newPane(t *testing.T, command string) *pane {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed: ", err)
	}
	p := &pane{t, fmt.Sprintf("kaiwa-%d-%d", os.Getpid(), panes.Add(1))}
	t.Cleanup(func() { _ = exec.Command("tmux", "-L", p.name, "kill-server").Run() })
	// The shell around it shows the exit code, and keeps the pane.
	p.tmux("-f", "/dev/null", "new-session", "-d", "-x", "60", "-y", "15", "export XDG_STATE_HOME="+t.TempDir()+"; "+command+"; echo left with $?; exec sleep 60")
	return p
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	c := exec.Command("tmux", append([]string{"-u", "-L", p.name}, args...)...)
	c.Env = append(os.Environ(), "TMUX=", "LC_ALL=C.UTF-8")
	out, err := c.CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// text is all that was ever shown, lines joined as a user would copy them.
func (p *pane) text() string {
	return strings.TrimRight(p.tmux("capture-pane", "-p", "-J", "-S", "-"), "\n ")
}

// until waits for the pane to satisfy ok.
func (p *pane) until(what string, ok func(text string) bool) string {
	p.t.Helper()
	tick, limit := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		text := p.text()
		if ok(text) {
			return text
		}
		select {
		case <-tick.C:
		case <-limit:
			p.t.Fatalf("%s never came; the pane shows\n%s", what, text)
		}
	}
}

func (p *pane) shows(want string) string {
	p.t.Helper()
	return p.until(fmt.Sprintf("%q", want), func(text string) bool { return strings.Contains(text, want) })
}

// ^C stops the reply, keeps the line that was being typed with the caret at its
// end, and the chat goes on.
func TestTmuxStopKeepsTheLine(t *testing.T) {
	server, url := service(t)
	p := newPane(t, binary+" "+url)
	p.shows("/help for commands")
	p.tmux("send-keys", "slow 停止の試験", "Enter")
	p.shows("word word")
	p.tmux("send-keys", "つぎの質問")
	p.shows("> つぎの質問")
	p.tmux("send-keys", "C-c")
	text := p.shows("[stopped]")
	if !strings.HasSuffix(text, "> つぎの質問") {
		t.Errorf("the line was not kept:\n%s", text)
	}
	if got := strings.TrimSpace(p.tmux("display-message", "-p", "#{cursor_x} #{alternate_on}")); got != "12 0" {
		t.Errorf("cursor column and alternate screen: %s", got)
	}
	server.Look(func(c *fake.Chat) {
		if r := c.Replies(); len(r) != 1 || r[0].End.Stop != wire.StopStopped {
			t.Errorf("the service has %d replies, the first ended %q", len(r), r[0].End.Stop)
		}
	})
	p.tmux("send-keys", "Enter")
	p.shows("You said: つぎの質問")
	p.tmux("send-keys", "C-d")
	p.shows("left with 0")
}

// A window that is resized while text streams keeps every word once.
func TestTmuxResize(t *testing.T) {
	_, url := service(t)
	p := newPane(t, binary+" "+url)
	p.shows("/help for commands")
	const count = 40
	p.tmux("send-keys", fmt.Sprintf("count %d 日本語の長い段落", count), "Enter")
	for i, size := range []string{"40", "72", "25", "60", "33", "80"} {
		p.shows(fmt.Sprintf("%d日本語の長い段落", i*6))
		p.tmux("resize-window", "-x", size)
	}
	text := p.until("the end", func(text string) bool { return strings.HasSuffix(text, "fin\n\n>") })
	body := strings.Join(strings.Fields(text), "")
	want := ""
	for i := range count {
		want += fmt.Sprintf("%d日本語の長い段落は、空白を含まない。", i)
	}
	if !strings.Contains(body, want+"fin") || strings.Count(body, ">") != 2 {
		t.Errorf("the pane shows\n%s", text)
	}
	p.tmux("send-keys", "C-c", "C-c")
	p.shows("left with 130")
}

// A terminal that cannot move its cursor, or a screen reader, gets lines only.
func TestTmuxPlain(t *testing.T) {
	_, url := service(t)
	for _, how := range []string{"ACCESSIBLE=1 ", "TERM=dumb "} {
		t.Run(how, func(t *testing.T) {
			p := newPane(t, how+binary+" "+url+" first | tee /dev/null")
			p.shows("You said: first")
			p = newPane(t, how+binary+" "+url+" first")
			p.shows("You said: first\n>")
			p.tmux("send-keys", "slow", "Enter")
			p.shows("word word")
			p.tmux("send-keys", "C-c")
			p.until("a prompt after the stop", func(text string) bool { return strings.HasSuffix(text, "^C\n>") })
			p.tmux("send-keys", "/quit", "Enter")
			p.shows("left with 0")
		})
	}
}

// What was sent is there in the next chat; an editor gets the terminal, all that
// is typed into it, and gives the text back; ^Z gives the shell its turn.
func TestTmuxHistoryEditorSuspend(t *testing.T) {
	_, url := service(t)
	state := t.TempDir()
	// The "editor" shows the text, reads a line from the terminal, and adds it.
	editor := filepath.Join(t.TempDir(), "editor")
	if err := os.WriteFile(editor, []byte("#!/bin/sh\nprintf 'editing: '; cat \"$1\"; echo; read line; printf ' %s\\n' \"$line\" >>\"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	env := "XDG_STATE_HOME=" + state + " EDITOR=" + editor + " "
	p := newPane(t, env+binary+" "+url)
	p.shows("/help for commands")
	p.tmux("send-keys", "日本語の履歴", "Enter")
	p.shows("You said: 日本語の履歴")
	p.tmux("send-keys", "C-d")
	p.shows("left with 0")
	if info, err := os.Stat(filepath.Join(state, "kaiwa", "history-default.jsonl")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}

	p = newPane(t, "exec env PS1='shell$ ' "+env+"sh -i")
	p.shows("shell$")
	p.tmux("send-keys", binary+" "+url, "Enter")
	p.shows("/help for commands")
	p.tmux("send-keys", "C-r", "履歴")
	p.shows("(search: 履歴) 日本語の履歴")
	p.tmux("send-keys", "Enter", "C-g")
	p.shows("editing: 日本語の履歴")
	p.tmux("send-keys", "typed blind", "Enter")
	p.shows("> 日本語の履歴 typed blind")
	p.tmux("send-keys", "C-z")
	p.until("the shell", func(text string) bool { return strings.HasSuffix(text, "shell$") })
	p.tmux("send-keys", "fg", "Enter")
	p.until("the chat again", func(text string) bool { return strings.HasSuffix(text, "> 日本語の履歴 typed blind") })
	p.tmux("send-keys", "Enter")
	p.shows("You said: 日本語の履歴 typed blind")
	p.tmux("send-keys", "C-d")
	p.until("the shell", func(text string) bool { return strings.HasSuffix(text, "shell$") })
}

// Markdown is coloured, unless NO_COLOR says no; copying it gives clean text
// either way.
func TestTmuxMarkdown(t *testing.T) {
	_, url := service(t)
	for _, c := range []struct{ env, marks, bold string }{
		{"", "- 太字 and code", "\x1b[1m太字\x1b[0m"},
		{"NO_COLOR=1 ", "- **太字** and `code`", "- **太字** and `code`"},
	} {
		p := newPane(t, c.env+binary+" "+url)
		p.shows("/help for commands")
		p.tmux("send-keys", "markdown", "Enter")
		text := p.until("the end", func(text string) bool { return strings.HasSuffix(text, "100 |\n\n>") })
		want := "\n# 見出し\n\n" + c.marks + "\n\n| 名前   |   n |\n| ------ | --: |\n| 日本語 |   1 |\n| a      | 100 |\n\n>"
		if !strings.HasSuffix(text, want) {
			t.Errorf("%sgot\n%s\nwant\n%s", c.env, text, want)
		}
		if got := p.tmux("capture-pane", "-p", "-e"); !strings.Contains(got, c.bold) || (c.env != "") == strings.Contains(got, "\x1b[") {
			t.Errorf("%sthe colours are %q", c.env, got)
		}
		p = newPane(t, c.env+binary+" show c1 "+url)
		if got := p.shows("left with 0"); !strings.Contains(got, strings.TrimSuffix(want, "\n>")) {
			t.Errorf("%sshown later as\n%s\nwant\n%s", c.env, got, want)
		}
	}
}
