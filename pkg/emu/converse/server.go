package converse

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// maxBody is how large a request may be. What Bedrock does beyond its own limit was not established, so this is only a
// guard: over it the call is refused as invalid.
const maxBody = 20 << 20

// breath is how long after the request the first event goes out at the earliest. Real models take far longer, and
// aws-sdk-go-v2 relies on it: smithy-go v1.28.8 closes its request body as soon as a response begins, and if net/http is
// not quite done with that body it takes the request for failed and closes the connection under the stream.
const breath = 10 * time.Millisecond

// Options of New. The zero value is the demo model without faults and without a log.
type Options struct {
	Model  Model        // nil: Demo()
	Logger *slog.Logger // nil: none; never sees message text
	// Faults is asked before every valid call reaches the model; nil: never. An *Error refuses the call as it is, any
	// other error as a ServiceUnavailableException with that text. It is called concurrently.
	Faults func() error
}

// Server answers Converse and ConverseStream. It is an http.Handler, safe for concurrent use.
type Server struct {
	model  Model
	log    *slog.Logger
	faults func() error
	mux    *http.ServeMux
	ledger ledger
}

// New makes a Server. o may be nil.
func New(o *Options) *Server {
	if o == nil {
		o = &Options{}
	}
	s := &Server{model: o.Model, log: o.Logger, faults: o.Faults, mux: http.NewServeMux()}
	if s.model == nil {
		s.model = Demo()
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.mux.HandleFunc("POST /model/{modelId}/converse-stream", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, true)
	})
	s.mux.HandleFunc("POST /model/{modelId}/converse", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, false)
	})
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &Error{Exception: unknownOperation, Message: r.Method + " " + r.URL.Path +
			" is not emulated: only Converse and ConverseStream are."})
	})
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", requestID())
	s.mux.ServeHTTP(w, r)
}

// reply is a response being written: a stream or a single body.
type reply interface {
	emit(Event) error
	fail(*Error)
	cut()
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, streaming bool) {
	c := s.ledger.begin()
	how, err := s.run(c, w, r, streaming)
	c.finish(how)
	log := s.log.With("requestId", w.Header().Get("X-Amzn-Requestid"))
	if raised := (*Error)(nil); errors.As(err, &raised) {
		log = log.With("exception", raised.Exception) // its message may quote the request; the caller has it
	} else if err != nil {
		log = log.With("error", err)
	}
	log.Info("converse", "model", c.req.ModelID, "streaming", streaming, "outcome", string(how), "tokens", c.tokens)
}

func (s *Server) run(c *call, w http.ResponseWriter, r *http.Request, streaming bool) (outcome, error) {
	if err := s.admit(c, r, streaming); err != nil {
		refuse(w, err)
		return failed, err
	}
	var out reply = &unaryReply{call: c, w: w}
	if streaming {
		out = newStreamReply(c, w)
	}
	ctx, ready := r.Context(), time.Now().Add(breath)
	ended := false
	var broken error // why the client cannot be told any more
	err := s.model.Stream(ctx, c.req, func(e Event) error {
		if broken == nil {
			broken = until(ctx, ready)
		}
		if broken == nil {
			broken = out.emit(e)
		}
		_, isEnd := e.(End)
		ended = ended || isEnd && broken == nil
		return broken
	})
	switch {
	case ended:
		return completed, err
	case ctx.Err() != nil: // the client is gone, or else this server is going
		out.fail(&Error{Exception: ServiceUnavailable, Message: "The connection is being closed."})
		return cancelled, ctx.Err()
	case broken != nil:
		return cancelled, broken
	case err != nil:
		out.fail(asError(err))
		return failed, err
	}
	if err := until(ctx, ready); err != nil {
		return cancelled, err
	}
	out.cut()
	return cut, nil
}

// admit reads the request and says why it must be refused, if it must.
func (s *Server) admit(c *call, r *http.Request, streaming bool) *Error {
	if err := signed(r.Header.Get("Authorization")); err != nil {
		return err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return invalid("read request: %v", err)
	}
	req, err := decode(r.PathValue("modelId"), body, streaming)
	if err != nil {
		return asError(err)
	}
	c.admitted(req)
	if s.faults == nil {
		return nil
	}
	if err := s.faults(); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return e
		}
		return &Error{Exception: ServiceUnavailable, Message: err.Error()}
	}
	return nil
}

// signed wants a SigV4 signature for service bedrock, or a bearer token. Neither is verified.
func signed(authorization string) *Error {
	if token, ok := strings.CutPrefix(authorization, "Bearer "); ok && token != "" {
		return nil
	}
	scope, ok := strings.CutPrefix(authorization, "AWS4-HMAC-SHA256 ")
	if !ok {
		return &Error{Exception: missingToken, Message: "Missing Authentication Token"}
	}
	if !strings.Contains(scope, "/bedrock/aws4_request") {
		return &Error{Exception: invalidSignature, Message: "Credential should be scoped to correct service: 'bedrock'."}
	}
	return nil
}

// refuse answers with an exception at call time. SDKs take its type from X-Amzn-ErrorType (aws-facts §4).
func refuse(w http.ResponseWriter, e *Error) {
	f := formOf(e.Exception)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", string(f.name))
	w.WriteHeader(f.status)
	payload := exceptionPayload{Message: e.Message, OriginalStatusCode: e.OriginalStatus}
	_ = json.NewEncoder(w).Encode(payload) // a client that is gone needs no answer
}

func asError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Exception: ModelTimeout, Message: "The model took too long to answer."}
	}
	return &Error{Exception: InternalServer, Message: err.Error()}
}

// requestID is a random UUID, the form of Bedrock's request ids.
func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
