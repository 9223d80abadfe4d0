package converse

import (
	"errors"
	"net/http"
	"time"
)

// streamReply is one ConverseStream response. It begins with the model's first event.
type streamReply struct {
	call  *call
	w     http.ResponseWriter
	flush func() error
	enc   *encoder
	began bool
	block bool // a content block is open
	ended bool
}

func newStreamReply(c *call, w http.ResponseWriter) *streamReply {
	return &streamReply{call: c, w: w, flush: http.NewResponseController(w).Flush, enc: newEncoder(w)}
}

var errAfterEnd = errors.New("model emitted an event after its End")

func (r *streamReply) emit(e Event) error {
	if r.ended {
		return errAfterEnd
	}
	if err := r.begin(); err != nil {
		return err
	}
	switch e := e.(type) {
	case Delta:
		return r.delta(e)
	case End:
		return r.end(e)
	}
	return nil
}

func (r *streamReply) begin() error {
	if r.began {
		return nil
	}
	r.began = true
	r.w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	r.w.WriteHeader(http.StatusOK)
	return r.send("messageStart", startPayload{P: r.enc.padding(), Role: "assistant"})
}

func (r *streamReply) delta(d Delta) error {
	r.block = true
	r.call.token(time.Now())
	p := deltaPayload{P: r.enc.padding()}
	p.Delta.Text = d.Text
	return r.send("contentBlockDelta", p)
}

func (r *streamReply) end(e End) error {
	r.ended = true
	if r.block {
		if err := r.send("contentBlockStop", blockStopPayload{P: r.enc.padding()}); err != nil {
			return err
		}
	}
	if err := r.send("messageStop", stopPayload{P: r.enc.padding(), StopReason: e.Reason}); err != nil {
		return err
	}
	return r.send("metadata", metadataPayload{
		Metrics:     metricsPayload{time.Since(r.call.began).Milliseconds()},
		P:           r.enc.padding(),
		Performance: newLatency(r.call.req.Latency),
		Usage:       newUsage(e.Usage),
	})
}

func (r *streamReply) send(name string, payload any) error {
	if err := r.enc.event(name, payload); err != nil {
		return err
	}
	return r.flush()
}

// fail refuses the call, or ends the stream that has begun with an exception.
func (r *streamReply) fail(e *Error) {
	if !r.began {
		refuse(r.w, e)
		return
	}
	if r.enc.exception(e) == nil {
		r.flush()
	}
}

// cut ends the response where it is. One that never began is an empty stream.
func (r *streamReply) cut() { r.begin() }
