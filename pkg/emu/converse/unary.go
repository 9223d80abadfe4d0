package converse

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// unaryReply is one Converse response: the events of a stream, gathered.
type unaryReply struct {
	call  *call
	w     http.ResponseWriter
	text  strings.Builder
	ended bool
}

func (r *unaryReply) emit(e Event) error {
	if r.ended {
		return errAfterEnd
	}
	switch e := e.(type) {
	case Delta:
		r.call.token(time.Now())
		r.text.WriteString(e.Text)
	case End:
		return r.end(e)
	}
	return nil
}

type unaryPayload struct {
	Metrics     metricsPayload  `json:"metrics"`
	Output      outputPayload   `json:"output"`
	Performance *latencyPayload `json:"performanceConfig,omitempty"`
	StopReason  string          `json:"stopReason"`
	Usage       usagePayload    `json:"usage"`
}

type outputPayload struct {
	Message struct {
		Content []textPayload `json:"content"`
		Role    string        `json:"role"`
	} `json:"message"`
}

type textPayload struct {
	Text string `json:"text"`
}

func (r *unaryReply) end(e End) error {
	r.ended = true
	p := unaryPayload{
		Metrics:     metricsPayload{time.Since(r.call.began).Milliseconds()},
		Performance: newLatency(r.call.req.Latency),
		StopReason:  e.Reason,
		Usage:       newUsage(e.Usage),
	}
	p.Output.Message.Role, p.Output.Message.Content = "assistant", []textPayload{}
	if r.text.Len() > 0 {
		p.Output.Message.Content = []textPayload{{r.text.String()}}
	}
	r.w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(r.w).Encode(p)
}

func (r *unaryReply) fail(e *Error) { refuse(r.w, e) }

// cut: an answer that must be whole cannot end half-way, so a model that breaks off is a model error.
func (r *unaryReply) cut() {
	refuse(r.w, &Error{Exception: ModelError, Message: "The model ended its answer without a stop reason."})
}
