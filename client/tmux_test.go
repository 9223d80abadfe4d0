package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kaiwa/client/internal/fake"
	"kaiwa/client/internal/tmux"
	"kaiwa/pkg/wire"
)

// newPane runs a command in a real terminal. The shell around it shows the exit
// code, and keeps the pane.
func newPane(t *testing.T, command string) *tmux.Pane {
	t.Helper()
	return tmux.New(t, 60, 15, "export XDG_STATE_HOME="+t.TempDir()+"; "+command+"; echo left with $?; exec sleep 60")
}

// ^C stops the reply, keeps the line that was being typed with the caret at its
// end, and the chat goes on.
func TestTmuxStopKeepsTheLine(t *testing.T) {
	server, url := service(t)
	p := newPane(t, binary+" "+url)
	p.Shows("/help for commands")
	p.Type("slow 停止の試験", "Enter")
	p.Shows("word word")
	p.Type("つぎの質問")
	p.Shows("> つぎの質問")
	p.Type("C-c")
	text := p.Shows("[stopped]")
	if !strings.HasSuffix(text, "> つぎの質問") {
		t.Errorf("the line was not kept:\n%s", text)
	}
	if got := strings.TrimSpace(p.Do("display-message", "-p", "#{cursor_x} #{alternate_on}")); got != "12 0" {
		t.Errorf("cursor column and alternate screen: %s", got)
	}
	server.Look(func(c *fake.Chat) {
		if r := c.Replies(); len(r) != 1 || r[0].End.Stop != wire.StopStopped {
			t.Errorf("the service has %d replies, the first ended %q", len(r), r[0].End.Stop)
		}
	})
	p.Type("Enter")
	p.Shows("You said: つぎの質問")
	p.Type("C-d")
	p.Shows("left with 0")
}

// What is typed while the client connects is there when it has: sent where Enter was
// pressed, and seen once. If it does not connect, it is given back, and the shell has a
// sane terminal; ^C ends it.
func TestTmuxConnecting(t *testing.T) {
	_, url := service(t)
	dir := t.TempDir()
	gate := filepath.Join(dir, "gate") // the token command lasts until somebody says how it ends
	token := " --token-command 'until test -e " + gate + "; do sleep 0.05; done; . " + gate + "' "
	opened := func(how string) {
		t.Helper()
		if err := os.WriteFile(gate+"-", []byte(how), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(gate+"-", gate); err != nil {
			t.Fatal(err)
		}
	}
	p := newPane(t, binary+token+url)
	p.Shows("connecting to " + url + " (^C ends)")
	p.Type("一つ目の質問", "Enter", "二つ目x", "BSpace")
	opened("echo t")
	text := p.Until("both", func(text string) bool {
		return strings.HasSuffix(text, "> 一つ目の質問\nYou said: 一つ目の質問\n\n> 二つ目")
	})
	if strings.Count(text, "つ目") != 3 {
		t.Errorf("what was typed is shown more than once:\n%s", text)
	}
	p.Type("C-u", "C-d")
	p.Shows("left with 0")

	for keys, c := range map[string]struct{ how, shows, code string }{
		"Enter": {"echo no >&2; exit 1", "kaiwa: not sent: 一つ目の質問 / 二つ\nkaiwa: token-command: ", "3"},
		"C-c":   {"", "(^C ends)\n", "130"},
	} {
		_ = os.Remove(gate)
		p = newPane(t, binary+token+url+`; code=$?; stty -a | grep -oE -- '[ -](echo|icanon|icrnl) '; (exit $code)`)
		p.Shows("(^C ends)")
		p.Type("一つ目の質問", keys, "二つ")
		if c.how != "" {
			opened(c.how)
		}
		text := p.Shows("left with " + c.code)
		if !strings.Contains(text, c.shows) || strings.HasPrefix(text, "一つ") {
			t.Errorf("%s: the pane shows\n%s", keys, text)
		}
		for _, on := range []string{" echo", " icanon", " icrnl"} {
			if !strings.Contains(text, "\n"+on) {
				t.Errorf("%s: the terminal is not left as it was:\n%s", keys, text)
			}
		}
	}
}

// A window that is resized while text streams keeps every word once.
func TestTmuxResize(t *testing.T) {
	_, url := service(t)
	p := newPane(t, binary+" "+url)
	p.Shows("/help for commands")
	const count = 40
	p.Type(fmt.Sprintf("count %d 日本語の長い段落", count), "Enter")
	for i, size := range []string{"40", "72", "25", "60", "33", "80"} {
		p.Shows(fmt.Sprintf("%d日本語の長い段落", i*6))
		p.Do("resize-window", "-x", size)
	}
	text := p.Until("the end", func(text string) bool { return strings.HasSuffix(text, "fin\n\n>") })
	body := strings.Join(strings.Fields(text), "")
	want := ""
	for i := range count {
		want += fmt.Sprintf("%d日本語の長い段落は、空白を含まない。", i)
	}
	if !strings.Contains(body, want+"fin") || strings.Count(body, ">") != 2 {
		t.Errorf("the pane shows\n%s", text)
	}
	p.Type("C-c", "C-c")
	p.Shows("left with 130")
}

// A terminal that cannot move its cursor, or a screen reader, gets lines only.
func TestTmuxPlain(t *testing.T) {
	_, url := service(t)
	for _, how := range []string{"ACCESSIBLE=1 ", "TERM=dumb "} {
		t.Run(how, func(t *testing.T) {
			p := newPane(t, how+binary+" "+url+" first | tee /dev/null")
			p.Shows("You said: first")
			p = newPane(t, how+binary+" "+url+" first")
			p.Shows("You said: first\n>")
			p.Type("slow", "Enter")
			p.Shows("word word")
			p.Type("C-c")
			p.Until("a prompt after the stop", func(text string) bool { return strings.Contains(text, "^C") && strings.HasSuffix(text, "\n>") })
			p.Type("/quit", "Enter")
			p.Shows("left with 0")
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
	p.Shows("/help for commands")
	p.Type("日本語の履歴", "Enter")
	p.Shows("You said: 日本語の履歴")
	p.Type("C-d")
	p.Shows("left with 0")
	if info, err := os.Stat(filepath.Join(state, "kaiwa", "history-default.jsonl")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}

	p = newPane(t, env+binary+" "+url+" 命令行で")
	p.Shows("You said: 命令行で")
	p.Type("Up")
	p.Shows("\n> 命令行で")
	p.Type("C-u", "C-d")
	p.Shows("left with 0")
	if kept, err := os.ReadFile(filepath.Join(state, "kaiwa", "history-default.jsonl")); err != nil || !strings.HasSuffix(string(kept), "\"命令行で\"\n") {
		t.Errorf("the history has %q, %v", kept, err)
	}

	p = newPane(t, "exec env PS1='shell$ ' "+env+"sh -i")
	p.Shows("shell$")
	p.Type(binary+" "+url, "Enter")
	p.Shows("/help for commands")
	p.Type("C-r", "履歴")
	p.Shows("(search: 履歴) 日本語の履歴")
	p.Type("Enter", "C-g")
	p.Shows("editing: 日本語の履歴")
	p.Type("typed blind", "Enter")
	p.Shows("> 日本語の履歴 typed blind")
	p.Type("C-z")
	p.Until("the shell", func(text string) bool { return strings.HasSuffix(text, "shell$") })
	p.Type("fg", "Enter")
	p.Until("the chat again", func(text string) bool { return strings.HasSuffix(text, "> 日本語の履歴 typed blind") })
	p.Type("Enter")
	p.Shows("You said: 日本語の履歴 typed blind")
	p.Type("C-d")
	p.Until("the shell", func(text string) bool { return strings.HasSuffix(text, "shell$") })
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
		p.Shows("/help for commands")
		p.Type("markdown", "Enter")
		text := p.Until("the end", func(text string) bool { return strings.HasSuffix(text, "100 |\n\n>") })
		want := "\n# 見出し\n\n" + c.marks + "\n\n| 名前   |   n |\n| ------ | --: |\n| 日本語 |   1 |\n| a      | 100 |\n\n>"
		if !strings.HasSuffix(text, want) {
			t.Errorf("%sgot\n%s\nwant\n%s", c.env, text, want)
		}
		if got := p.Do("capture-pane", "-p", "-e"); !strings.Contains(got, c.bold) || (c.env != "") == strings.Contains(got, "\x1b[") {
			t.Errorf("%sthe colours are %q", c.env, got)
		}
		p = newPane(t, c.env+binary+" show c1 "+url)
		if got := p.Shows("left with 0"); !strings.Contains(got, strings.TrimSuffix(want, "\n>")) {
			t.Errorf("%sshown later as\n%s\nwant\n%s", c.env, got, want)
		}
	}
}

// tmux tells Shift+Enter from Enter where it is asked to; it says how it counts, so
// that a table is lined up for it; ^L leaves the chat's lines to be scrolled to.
func TestTmuxKeysAndWidths(t *testing.T) {
	server, url := service(t)
	server.Look(func(c *fake.Chat) {
		c.Answer = func(string) fake.Script {
			return fake.Script{Text: "| a | b |\n|---|---|\n| ❤️ | 1 |\n| 👩‍👩‍👧 | 2 |\n| 👍🏽 | 3 |\n| 日 | 4 |\n"}
		}
	})
	p := tmux.New(t, 60, 15, "exec sh")
	p.Do("set-option", "-s", "extended-keys", "on")
	p.Type("XDG_STATE_HOME="+t.TempDir()+" "+binary+" "+url, "Enter")
	p.Shows("/help for commands")
	p.Type("一", "S-Enter", "二", "M-Enter", "三", "C-j", "四", "Enter")
	p.Shows("> 一\n二\n三\n四\n")
	text := p.Shows("| 4 ")
	ends, measure := map[int]bool{}, tmux.NewOutput(t, 60, 5)
	for _, row := range strings.Split(text, "\n") {
		if before, _, ok := strings.Cut(strings.TrimPrefix(row, "|"), "|"); ok {
			fmt.Fprint(measure, "\r", before)
			x, _ := measure.Cursor()
			ends[x] = true
		}
	}
	if len(ends) != 1 {
		t.Errorf("tmux shows the first column in widths %v:\n%s", ends, text)
	}
	p.Type("打ちかけ", "C-l")
	p.Until("an empty screen", func(string) bool { return p.Rows()[0] == "> 打ちかけ" })
	if got := p.Text(); !strings.Contains(got, "> 一\n二\n三\n四\n") {
		t.Errorf("what was on the screen is gone:\n%s", got)
	}
	p.Type("C-u", "C-d")
	p.Until("the shell", func(text string) bool { return strings.HasSuffix(text, "#") || strings.HasSuffix(text, "$") })
	if got := p.Text(); strings.Contains(got, ";1R") || strings.Contains(got, "R^[") {
		t.Errorf("an answer of the terminal came to the shell:\n%s", got)
	}
}
