// Package tmux is a real terminal for tests: a tmux of their own, of whatever
// version the machine has.
package tmux

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// limit is how long Until waits.
const limit = time.Minute

// panes numbers the tmux servers of this process.
var panes atomic.Int32

// Pane is a window of one program.
type Pane struct {
	t    testing.TB
	name string
}

// New runs a shell command in a pane that ends with the test. Without tmux the
// test is skipped.
func New(t testing.TB, cols, rows int, command string) *Pane {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed: ", err)
	}
	p := &Pane{t, fmt.Sprintf("kaiwa-%d-%d", os.Getpid(), panes.Add(1))}
	t.Cleanup(func() { _ = exec.Command("tmux", "-L", p.name, "kill-server").Run() })
	p.Do("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows), command)
	return p
}

// Do runs a tmux command and gives what it prints.
func (p *Pane) Do(args ...string) string {
	p.t.Helper()
	c := exec.Command("tmux", append([]string{"-u", "-L", p.name}, args...)...)
	c.Env = append(os.Environ(), "TMUX=", "LC_ALL=C.UTF-8")
	out, err := c.CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// Type presses keys, by tmux's names for them; what is no name is typed.
func (p *Pane) Type(keys ...string) {
	p.t.Helper()
	p.Do(append([]string{"send-keys"}, keys...)...)
}

// Text is all that was ever shown, lines joined as a user would copy them.
func (p *Pane) Text() string {
	p.t.Helper()
	return strings.TrimRight(p.Do("capture-pane", "-p", "-J", "-S", "-"), "\n ")
}

// Rows is what the screen shows.
func (p *Pane) Rows() []string {
	p.t.Helper()
	return strings.Split(strings.TrimSuffix(p.Do("capture-pane", "-p"), "\n"), "\n")
}

// Cursor is where the cursor stands, from 0.
func (p *Pane) Cursor() (x, y int) {
	p.t.Helper()
	if _, err := fmt.Sscan(p.Do("display-message", "-p", "#{cursor_x} #{cursor_y}"), &x, &y); err != nil {
		p.t.Fatal(err)
	}
	return x, y
}

// Screen is what Rows and Cursor tell, of one moment.
func (p *Pane) Screen() (rows []string, x, y int) {
	p.t.Helper()
	first, rest, _ := strings.Cut(p.Do("display-message", "-p", "#{cursor_x} #{cursor_y}", ";", "capture-pane", "-p"), "\n")
	if _, err := fmt.Sscan(first, &x, &y); err != nil {
		p.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(rest, "\n"), "\n"), x, y
}

// Resize changes the size of the window.
func (p *Pane) Resize(cols, rows int) {
	p.t.Helper()
	p.Do("resize-window", "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows))
}

// Until waits for the pane's text to satisfy ok, and gives it.
func (p *Pane) Until(what string, ok func(text string) bool) string {
	p.t.Helper()
	text := ""
	p.wait(func() bool {
		text = p.Text()
		return ok(text)
	}, func() string { return fmt.Sprintf("%s never came; the pane shows\n%s", what, text) })
	return text
}

// Shows waits for the pane to show a text.
func (p *Pane) Shows(want string) string {
	p.t.Helper()
	return p.Until(fmt.Sprintf("%q", want), func(text string) bool { return strings.Contains(text, want) })
}

func (p *Pane) wait(ok func() bool, what func() string) {
	p.t.Helper()
	tick, over := time.NewTicker(20*time.Millisecond), time.After(limit)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-over:
			p.t.Fatal(what())
		}
	}
}
