package session_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kaiwa/client/internal/fake"
	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

func TestDialTakesNoForEver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := session.Dial(ctx, "ws://"+l.Addr().String(), nil); err == nil || !strings.HasSuffix(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
}

func TestCheckURL(t *testing.T) {
	for _, good := range []string{"ws://127.0.0.1:3001/dev", "wss://x.execute-api.us-east-1.amazonaws.com/prod?user=a"} {
		if err := session.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "localhost:3001", "http://x/dev", "ws:///dev", "ws://%zz", "://", "ws://x.execute-api.us-east-1.amazonaws.com/prod"} {
		if session.CheckURL(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

// TestFrames reads the bytes of a connection: the handshake, and frames that API
// Gateway takes.
func TestFrames(t *testing.T) {
	type result struct {
		header http.Header
		frames []int
		err    error
	}
	got := make(chan result, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		frames, err := record(w, r)
		got <- result{r.Header, frames, err}
	}))
	defer s.Close()
	c, err := session.Dial(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http"), &session.Config{
		Header: http.Header{"Authorization": {"Bearer x"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Prompt(strings.Repeat("a", 100_000)); err != nil {
		t.Fatal(err)
	}
	r := <-got
	c.Close()
	if r.err != nil {
		t.Fatal(r.err)
	}
	if p, a := r.header.Get("Sec-Websocket-Protocol"), r.header.Get("Authorization"); p != wire.SubprotocolJSON || a != "Bearer x" {
		t.Errorf("subprotocol %q, authorization %q", p, a)
	}
	total := 0
	for _, n := range r.frames {
		if total += n; n > wire.MaxFrame {
			t.Errorf("a frame of %d bytes", n)
		}
	}
	if len(r.frames) < 4 || total < 100_000 {
		t.Errorf("frames of %v bytes", r.frames)
	}
}

// record shakes hands and reads the frames of one message: their sizes, headers
// included.
func record(w http.ResponseWriter, r *http.Request) (sizes []int, err error) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	for {
		size, last, err := readFrame(rw.Reader)
		if err != nil {
			return sizes, err
		}
		if sizes = append(sizes, size); last {
			return sizes, nil
		}
	}
}

func readFrame(r *bufio.Reader) (size int, last bool, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, false, err
	}
	n, extra := int64(head[1]&0x7f), 0
	switch n {
	case 126:
		extra = 2
	case 127:
		extra = 8
	}
	long := make([]byte, 8)
	if _, err := io.ReadFull(r, long[8-extra:]); err != nil {
		return 0, false, err
	}
	if extra > 0 {
		n = int64(binary.BigEndian.Uint64(long))
	}
	_, err = io.CopyN(io.Discard, r, n+4) // and the mask
	return 2 + extra + 4 + int(n), head[0]&0x80 != 0, err
}

// A session that ends says goodbye, and one whose service says it tells why.
func TestGoodbye(t *testing.T) {
	server := fake.NewServer(nil)
	s := httptest.NewServer(server)
	defer s.Close()
	defer server.Close()
	c, err := session.Dial(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	conns := func(n int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := server.Await(ctx, func(_ []wire.Request, conns int) bool { return conns == n }); err != nil {
			t.Fatal(err)
		}
	}
	conns(1)
	server.Hangup(1001, "Going away")
	if e := (<-c.Events()).(session.Lost); e.Err.Error() != "the service closed the connection (1001 Going away)" {
		t.Errorf("got %v", e.Err)
	}
	if _, ok := (<-c.Events()).(session.Back); !ok {
		t.Error("it did not connect again")
	}
	conns(1)
	c.Close()
	conns(0)
}
