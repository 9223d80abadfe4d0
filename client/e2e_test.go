package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// local is the real service, run as on a laptop. It gives the URL.
func local(t *testing.T, flags ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds and runs the whole service")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "local")
	build := exec.Command("go", "build", "-o", program, "./local")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := exec.Command(program, append([]string{"-serve", "-addr", "127.0.0.1:0"}, flags...)...)
	c.Dir = root
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		t.Fatalf("the service said %q, %v", line, err)
	}
	return url
}

// A person chats with the real service over a line on which posts are late and
// refused and sockets break: every word is there once, the line being typed is
// kept, and the service has stored the same.
func TestEndToEnd(t *testing.T) {
	url := local(t, "-faults", "post.delay=20ms,post.429=1/5,post.500=1/7,socket.cut=1/4")
	c := command(t, "-p", "@demo tokens=150 lang=ja seed=7 every=1ms", url)
	c.Stderr = os.Stderr
	whole, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	p := newPane(t, binary+" "+url)
	p.Shows("/help for commands")
	p.Type("@demo tokens=150 lang=ja seed=7 every=15ms", "Enter")
	start := strings.Join(strings.Fields(string([]rune(string(whole))[:8])), "")
	p.Shows(start)
	p.Type("つぎの質問")
	p.Do("resize-window", "-x", "44")
	p.Do("resize-window", "-x", "71")
	squeezed := func(s string) string { return strings.Join(strings.Fields(s), "") }
	want := squeezed("@demo tokens=150 lang=ja seed=7 every=15ms"+string(whole)) + ">つぎの質問"
	text := p.Until("the whole reply", func(text string) bool {
		return strings.HasSuffix(squeezed(text), squeezed(string(whole))+">つぎの質問")
	})
	if !strings.HasSuffix(squeezed(text), want) {
		t.Errorf("the pane shows\n%s\nwant\n%s", text, whole)
	}
	p.Type("C-u", "C-d")
	p.Shows("left with 0")
	shown := kaiwa(t, "", "show", "every=15ms", url)
	if shown.code != 0 || !strings.HasSuffix(strings.TrimSpace(shown.out), strings.TrimSpace(string(whole))) {
		t.Errorf("stored is\n%s\nwant\n%s", shown.out, whole)
	}
	late := time.Now().Add(time.Minute)
	if got := kaiwa(t, "", "-x", "--timeout", "50s", "-c", "-p", "hello", url); got.code != 1 || time.Now().After(late) {
		t.Errorf("no code in it: %+v", got)
	}
}
