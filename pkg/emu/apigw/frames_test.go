package apigw_test

import (
	"io"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// sendFrames sends one message in frames of the given sizes, and an empty last one.
func sendFrames(c *client, sizes ...int) {
	c.t.Helper()
	w, err := c.Writer(c.t.Context(), websocket.MessageText)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, n := range sizes {
		if _, err := io.WriteString(w, strings.Repeat("x", n)); err != nil {
			return // the gateway may close before the last frame
		}
	}
	_ = w.Close()
}

func TestInboundSizes(t *testing.T) {
	const frame = 32 << 10
	for _, tt := range []struct {
		name   string
		frames []int
		ok     bool
	}{
		{"a frame at the limit", []int{frame}, true},
		{"a frame over it", []int{frame + 1}, false},
		{"a message at the limit", []int{frame, frame, frame, frame}, true},
		{"a message over it", []int{frame, frame, frame, frame, 1}, false},
		{"a later frame over it", []int{10, frame + 1}, false},
		{"a frame far over it", []int{4 * frame}, false},
	} {
		r := start(t, testAPI(), nil, nil)
		c := r.dial("", nil)
		r.event()
		sendFrames(c, tt.frames...)
		if !tt.ok {
			t.Log(tt.name)
			wantClose(t, r, c, 1009, "", "")
			continue
		}
		total := 0
		for _, n := range tt.frames {
			total += n
		}
		if got := len(*r.event().Body); got != total {
			t.Errorf("%s: %d bytes arrived, want %d", tt.name, got, total)
		}
	}
}

// frameSizes reads one message and returns the sizes of its frames.
func frameSizes(c *client) (sizes []int) {
	c.t.Helper()
	typ, r, err := c.Reader(c.t.Context())
	if err != nil || typ != websocket.MessageText {
		c.t.Fatalf("type %v, %v", typ, err)
	}
	buf := make([]byte, 1<<20)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			sizes = append(sizes, n)
		}
		if err == io.EOF {
			return sizes
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

func TestPostIsSplit(t *testing.T) {
	r := start(t, testAPI(), nil, nil)
	c := r.dial("", nil)
	if got := r.post(c.id, strings.Repeat("x", 128<<10)); got != 200 {
		t.Fatal(got)
	}
	sizes := frameSizes(c)
	if len(sizes) != 4 || sizes[0] != 32<<10 || sizes[3] != 32<<10 {
		t.Errorf("frames %v", sizes)
	}
	r.post(c.id, strings.Repeat("x", 32<<10))
	if sizes := frameSizes(c); len(sizes) != 1 {
		t.Errorf("a post at the frame limit came in %v", sizes)
	}
}
