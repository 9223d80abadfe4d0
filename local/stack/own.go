package stack

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"kaiwa/local/faults"
)

// Where an issuer's own pages are, and where tokens are asked for.
const (
	IssuerPath = "/_local/issuer"
	TokenPath  = "/_local/token"
)

// A text of faults is short; anything longer is none.
const maxFaults = 4 << 10

// ownRoutes are the requests that AWS does not have.
func (s *Stack) ownRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_local/stats", s.getStats)
	mux.HandleFunc("GET /_local/faults", s.getFaults)
	mux.HandleFunc("POST /_local/faults", s.setFaults)
	if s.opt.Issuer != nil {
		s.opt.Issuer.Register(mux, IssuerPath, TokenPath)
	}
	return mux
}

func (s *Stack) getStats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(s.Stats()) // a reader who is gone needs no answer
}

func (s *Stack) getFaults(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, s.dice.String()) }

func (s *Stack) setFaults(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFaults))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	plan, err := faults.Parse(string(text))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.dice.Use(plan)
	s.getFaults(w, r)
}
