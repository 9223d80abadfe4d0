package logs

import (
	"context"
	"fmt"
	"log/slog"
)

// handler writes what the emulators log into the stream.
type handler struct {
	stream *Stream
	attrs  []slog.Attr
	group  string
}

// Enabled is for Info and above.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle writes one line.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	requestID := ""
	var rest []slog.Attr
	take := func(a slog.Attr) bool {
		if a.Key == "requestId" && requestID == "" {
			requestID = a.Value.String()
		} else {
			rest = append(rest, a)
		}
		return true
	}
	for _, a := range h.attrs {
		take(a)
	}
	r.Attrs(func(a slog.Attr) bool {
		a.Key = h.group + a.Key
		return take(a)
	})
	p := h.stream.begin(own, requestID)
	p.level(r.Level.String())
	p.text(r.Message)
	for _, a := range rest {
		text := a.Value.Resolve().String()
		if ambiguous(text) {
			text = fmt.Sprintf("%q", text)
		}
		p.attribute(a.Key, text)
	}
	h.stream.put(p.end())
	return nil
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = append([]slog.Attr(nil), h.attrs...)
	for _, a := range attrs {
		a.Key = h.group + a.Key
		with.attrs = append(with.attrs, a)
	}
	return &with
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	with := *h
	with.group += name + "."
	return &with
}
