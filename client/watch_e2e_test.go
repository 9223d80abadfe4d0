package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// watcher is a program that watches a topic.
type watcher struct {
	t     *testing.T
	lines chan string
	leave func()
}

func watch(t *testing.T, url string) *watcher {
	t.Helper()
	cmd := command(t, "watch", "--topic", "ci", "--json", url)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &watcher{t: t, lines: make(chan string, 1000)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			w.lines <- lines.Text()
		}
	}()
	w.leave = func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		<-read
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("it left with %d", code)
		}
		for line := range strings.Lines(errs.String()) {
			if !strings.HasPrefix(line, "kaiwa: no connection (") { // it lived for 3 s only
				t.Errorf("it said %q", line)
			}
		}
	}
	return w
}

// hears says whether a notification of this id comes within a time; others may come
// before it.
func (w *watcher) hears(id string, within time.Duration) bool {
	late := time.After(within)
	for {
		select {
		case line := <-w.lines:
			if strings.Contains(line, `"id":"`+id+`"`) && strings.Contains(line, `"topic":"ci"`) {
				return true
			}
		case <-late:
			return false
		}
	}
}

// Notifications of a topic reach whoever watches, over connections that end after
// seconds: all of them if the service knows who it is, and else those
// that come while there is a connection.
func TestWatchEndToEnd(t *testing.T) {
	url := local(t, "-life", "3s")
	sent := 0
	send := func() (id string) {
		sent++
		id = fmt.Sprintf("n%d", sent)
		notify(t, url, `{"to":{"topic":"ci"},"text":"hello","id":"`+id+`"}`)
		return id
	}
	anybody, taro := watch(t, url), watch(t, url+"?user=taro")
	for _, w := range []*watcher{anybody, taro, anybody} { // the last one over another connection
		tries := 1
		for !w.hears(send(), 3*time.Second) {
			if tries++; tries > 20 {
				t.Fatal("nothing ever came")
			}
		}
	}
	for range 5 { // some of them while it has no connection
		if id := send(); !taro.hears(id, 30*time.Second) {
			t.Errorf("%s was lost", id)
		}
	}
	taro.leave()
	missed := send()
	taro = watch(t, url+"?user=taro")
	if !taro.hears(missed, 30*time.Second) {
		t.Errorf("what came meanwhile was lost")
	}
	taro.leave()
	anybody.leave()
}
