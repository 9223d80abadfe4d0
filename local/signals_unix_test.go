//go:build unix

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A run serves what its template says, with its parameters, and every signal that
// asks it to end leaves no process, no port and no certificate.
func TestSignals(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		r := serve(t, "-serve", "-addr", "127.0.0.1:0", "-template", echo, "-auth", "none", "-param", "Greeting=bye")
		if got := ask(t, r.url, "world"); got != "bye world" {
			t.Errorf("answer %q", got)
		}
		pid, err := strconv.Atoi(strings.TrimPrefix(ask(t, r.url, "pid"), "pid "))
		if err != nil {
			t.Fatal(err)
		}
		if !alive(pid) {
			t.Errorf("no process %d while it runs", pid)
		}
		open, _, err := websocket.Dial(t.Context(), r.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer open.CloseNow()
		if code := r.signalled(t, sig); code != 0 {
			t.Errorf("%v: exit %d", sig, code)
		}
		if alive(pid) {
			t.Errorf("%v: process %d is left", sig, pid)
		}
		if _, _, err := open.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("%v: the socket ended with %v", sig, err)
		}
		addr := strings.TrimSuffix(strings.TrimPrefix(r.url, "ws://"), "/dev")
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			t.Errorf("%v: %s still listens", sig, addr)
		}
		for _, want := range []string{"building 2 functions … ", " echo ", "handling MESSAGE", "ended in "} {
			if !strings.Contains(r.stderr.String(), want) {
				t.Errorf("no %q on stderr", want)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(cacheFolder, "kaiwa", "*", "ca-*")); len(left) > 0 {
			t.Errorf("%v: left behind: %v", sig, left)
		}
	}
}

// What is under way when the end comes is cut short: a reply in the background at
// once, a message's function after closeTime.
func TestSignalUnderLoad(t *testing.T) {
	for message, said := range map[string]string{
		"model @demo tokens=5000 every=20ms": "",
		"slow":                               "1 function did not end within 3 s and was killed: Echo\n",
	} {
		r := serve(t, "-serve", "-addr", "127.0.0.1:0", "-template", echo)
		ws, _, err := websocket.Dial(t.Context(), r.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		r.stderr.await(t, "handling MESSAGE")
		began := time.Now()
		if code := r.signalled(t, syscall.SIGTERM); code != 0 {
			t.Errorf("%s: exit %d", message, code)
		}
		if got := r.stderr.String(); !strings.HasSuffix(got, said) || strings.Contains(got, "local: ") || said == "" && strings.Contains(got, "did not end") {
			t.Errorf("%s: said %q, want %q in the end", message, got, said)
		}
		if took := time.Since(began); took > forEnd {
			t.Errorf("%s: took %v to end", message, took)
		}
		running, err := exec.Command("ps", "-A", "-o", "command=").Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(running)) {
			if strings.HasPrefix(line, cacheFolder) {
				t.Errorf("%s: left behind: %s", message, line)
			}
		}
	}
}

// When whoever read stderr has gone, the program goes on.
func TestStderrGone(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := serveTo(t, write, "-serve", "-addr", "127.0.0.1:0", "-template", echo)
	write.Close()
	read.Close()
	for range 2 {
		if got := ask(t, r.url, "world"); got != "hello world" {
			t.Errorf("answer %q", got)
		}
	}
	if code := r.signalled(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// A signal during the build ends the compilers too.
func TestSignalWhileBuilding(t *testing.T) {
	r := command(t, "-serve", "-addr", "127.0.0.1:0", "-template", echo)
	// An empty cache of the go tool makes the build long enough.
	cold := t.TempDir()
	r.Env = append(r.Env, "GOCACHE="+cold, "GOTMPDIR="+cold)
	stderr := newOutput()
	r.Stderr = stderr
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	stderr.await(t, "building 2 functions … ")
	r.Process.Signal(syscall.SIGTERM)
	if err := r.Wait(); err != nil {
		t.Errorf("%v, stderr %q", err, stderr)
	}
	// The go tool removes its working folder only when it ends in order.
	if left, _ := filepath.Glob(filepath.Join(cold, "go-build*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// alive says whether there is a process with this id.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
