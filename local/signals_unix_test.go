//go:build unix

package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// ask says one thing on a new socket and returns the answer.
func ask(t *testing.T, url, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if err := ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	_, answer, err := ws.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

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
		for _, want := range []string{"building 2 functions … ", "Echo", "handling MESSAGE"} {
			if !strings.Contains(r.stderr.String(), want) {
				t.Errorf("no %q on stderr", want)
			}
		}
		checkCache(t, r, "bin")
	}
}

// checkCache says whether a run left in its cache folder what it should, besides
// the file that tells whose it is.
func checkCache(t *testing.T, r *running, want ...string) {
	t.Helper()
	left := map[string]bool{ownerFile: true}
	for _, name := range want {
		left[name] = true
	}
	for _, setting := range r.Env {
		base, ok := strings.CutPrefix(setting, "XDG_CACHE_HOME=")
		if !ok {
			continue
		}
		files, err := filepath.Glob(filepath.Join(base, "kaiwa", "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !left[filepath.Base(f)] {
				t.Errorf("left behind: %s", f)
			}
		}
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
