package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kaiwa/pkg/emu/ddb"
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

// The model and the table may be elsewhere.
func TestModelAndTableElsewhere(t *testing.T) {
	var asked string
	openAI := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, `data: {"choices":[{"delta":{"content":"from elsewhere"},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
	}))
	defer openAI.Close()
	endpoint, table := ddb.Start(t, nil)
	r := serve(t, "-addr", "localhost:0", "-template", echo, "-model", "openai:"+openAI.URL+"#tiny", "-dynamodb", endpoint)
	if got := ask(t, r.url, "model hi"); got != "from elsewhere" || asked != "/v1/chat/completions" {
		t.Errorf("answer %q, asked %q", got, asked)
	}
	if n := table.Counts()["PutItem"].Calls; n != 1 {
		t.Errorf("%d items were put elsewhere, want 1", n)
	}
	if code := r.signalled(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}
