package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// openTerminal makes a pseudo-terminal.
func openTerminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	var unlock, number int32
	for request, arg := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, ours.Fd(), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
			t.Fatal(errno)
		}
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	return ours, theirs
}

// talk is a run in a terminal of its own, with the client of testdata/chat.
type talk struct {
	*exec.Cmd
	keys   *os.File
	screen *output
	read   chan struct{} // closed when the screen is complete
}

func openTalk(t *testing.T, args ...string) *talk {
	t.Helper()
	ours, theirs := openTerminal(t)
	k := &talk{Cmd: command(t, append([]string{"-addr", "127.0.0.1:0", "-template", "../echo/template.yaml"}, args...)...)}
	k.keys, k.screen, k.read = ours, newOutput(), make(chan struct{})
	k.Dir = "testdata/chat"
	k.Stdin, k.Stdout, k.Stderr = theirs, theirs, theirs
	k.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := k.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	go func() {
		defer close(k.read)
		buf := make([]byte, 4096)
		for {
			n, err := ours.Read(buf)
			k.screen.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		if k.ProcessState == nil {
			k.Process.Kill()
			k.Wait()
		}
		<-k.read
	})
	return k
}

func (k *talk) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := k.keys.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// code waits for the end.
func (k *talk) code(t *testing.T) int {
	t.Helper()
	k.Wait()
	<-k.read
	return k.ProcessState.ExitCode()
}

// In a terminal the client opens once all is ready, owns the terminal, and takes
// everything with it when it ends.
func TestChat(t *testing.T) {
	k := openTalk(t, "-auth", "iam")
	k.screen.await(t, "client of [ws://127.0.0.1:")
	k.press(t, "one\n")
	k.screen.await(t, "client heard one")
	for _, word := range []string{"two", "three", "four"} {
		k.press(t, "\x03") // ^C is the client's
		k.screen.await(t, "client interrupted")
		k.press(t, word+"\n")
		k.screen.await(t, "client heard "+word)
	}
	k.press(t, "leave\n")
	if code := k.code(t); code != 0 {
		t.Errorf("exit %d", code)
	}
	screen := k.screen.String()
	for _, want := range []string{"building 2 functions and the client … ", "ready ws://127.0.0.1:", "/dev?", "X-Amz-Signature=", "function logs in "} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q on the screen:\n%s", want, screen)
		}
	}
	if _, after, _ := strings.Cut(screen, "client of "); strings.Contains(after, "Echo") || strings.Contains(after, "level=") {
		t.Errorf("somebody wrote into the chat:\n%s", screen)
	}
}

func TestChatFails(t *testing.T) {
	k := openTalk(t, "-auth", "apikey")
	k.screen.await(t, "client of [-H x-api-key: local-")
	k.press(t, "fail\n")
	if code := k.code(t); code != 3 {
		t.Errorf("exit %d, want the client's 3", code)
	}
}

// SIGTERM ends the client with the rest.
func TestChatTerminated(t *testing.T) {
	k := openTalk(t)
	k.screen.await(t, "client of ")
	k.Process.Signal(syscall.SIGTERM)
	if code := k.code(t); code != 0 {
		t.Errorf("exit %d\n%s", code, k.screen)
	}
}
