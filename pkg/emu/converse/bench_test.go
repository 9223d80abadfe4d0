package converse_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kaiwa/pkg/emu/converse"
)

// BenchmarkEvents is the encoder and everything above it, without a socket: one op is one contentBlockDelta, flushed.
func BenchmarkEvents(b *testing.B) {
	for name, k := range map[string]converse.Knobs{"en": {Tokens: 1000}, "ja": {Tokens: 1000, Lang: "ja"}, "escape": {Tokens: 1000, Escape: true}} {
		b.Run(name, func(b *testing.B) {
			tokens := converse.Tokens(k)
			s := converse.New(&converse.Options{Model: odd(func(emit func(converse.Event) error) error {
				emit(converse.Delta{Text: "opening"})
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if err := emit(converse.Delta{Text: tokens[i%len(tokens)]}); err != nil {
						return err
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
				return emit(converse.End{Reason: "end_turn"})
			})})
			r := httptest.NewRequest("POST", "/model/m/converse-stream", strings.NewReader(`{"messages":[{"role":"user","content":[{"text":"a"}]}]}`))
			r.Header.Set("Authorization", signature)
			s.ServeHTTP(&sink{header: http.Header{}}, r)
			if s.Stats().Completed != 1 {
				b.Errorf("stats %+v", s.Stats())
			}
		})
	}
}

type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Flush()                      {}
