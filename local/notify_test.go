package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestNotify: the message goes out by Invoke, and what became of it is told.
func TestNotify(t *testing.T) {
	var mu sync.Mutex // over what the server and the test share
	var path, body, answer, failed string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		path, body = r.URL.Path, string(b)
		if failed != "" {
			w.Header().Set("X-Amz-Function-Error", failed)
		}
		io.WriteString(w, answer)
	}))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"Records":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args, sent string
	}{
		{"-user alice -title T hello there", `{"to":{"user":"alice"},"title":"T","text":"hello there"}`},
		{"-topic builds -level error -id b-7 -ttl 60 -data {\"n\":7} broken", `{"to":{"topic":"builds"},"text":"broken","level":"error","data":{"n":7},"id":"b-7","ttl":60}`},
		{"-conversation c1 -ask why", `{"to":{"conversation":"c1"},"text":"why","ask":true}`},
		{"-all -title only", `{"to":{"all":true},"title":"only"}`},
		{"to the default", `{"text":"to the default"}`},
		{"-event " + event, `{"Records":[]}`},
	} {
		const done = `{"delivered":1,"gone":0}`
		mu.Lock()
		answer = done
		mu.Unlock()
		code, out, errs := ends(t, append([]string{"notify", "-addr", addr}, strings.Fields(tt.args)...)...)
		mu.Lock()
		path, body := path, body
		mu.Unlock()
		if code != 0 || out != done+"\n" || errs != "" || body != tt.sent || path != "/2015-03-31/functions/notify/invocations" {
			t.Errorf("%s: exit %d, %q, %q; sent %s to %s", tt.args, code, out, errs, body, path)
		}
		if !json.Valid([]byte(body)) {
			t.Errorf("%s: not JSON: %s", tt.args, body)
		}
	}
	mu.Lock()
	answer, failed = `{"errorMessage":"to names nobody","errorType":"errorString"}`, "Unhandled"
	mu.Unlock()
	if code, _, errs := ends(t, "notify", "-addr", addr, "x"); code != 1 || errs != "local notify: to names nobody\n" {
		t.Errorf("exit %d, %q", code, errs)
	}
	for _, args := range []string{"", "-user alice", "-data {", "-ttl x hi", "-nonsense"} {
		if code, _, errs := ends(t, append([]string{"notify", "-addr", addr}, strings.Fields(args)...)...); code != 2 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: exit %d, %q", args, code, errs)
		}
	}
	if code, _, errs := ends(t, "notify", "-addr", "127.0.0.1:1", "x"); code != 1 || !strings.Contains(errs, "is go run ./local running there?") {
		t.Errorf("nobody there: exit %d, %q", code, errs)
	}
}
