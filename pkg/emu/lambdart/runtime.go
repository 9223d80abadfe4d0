package lambdart

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// runtimePrefix and a token make AWS_LAMBDA_RUNTIME_API a place of its own for
// each process: a runtime puts its paths behind whatever the variable says.
const runtimePrefix = "/_runtime/"

// A functionResult is posted with these trailers when a streamed body broke off.
const (
	trailerErrorType = "Lambda-Runtime-Function-Error-Type"
	trailerErrorBody = "Lambda-Runtime-Function-Error-Body"
)

func (h *Host) routes() *http.ServeMux {
	mux := http.NewServeMux()
	runtime := runtimePrefix + "{token}/2018-06-01/runtime/"
	mux.HandleFunc("GET "+runtime+"invocation/next", h.forProcess(h.next))
	mux.HandleFunc("POST "+runtime+"invocation/{id}/response", h.forProcess(h.response))
	mux.HandleFunc("POST "+runtime+"invocation/{id}/error", h.forProcess(h.functionError))
	mux.HandleFunc("POST "+runtime+"init/error", h.forProcess(h.initError))
	extension := runtimePrefix + "{token}/2020-01-01/extension/"
	mux.HandleFunc("POST "+extension+"register", h.forProcess(h.register))
	mux.HandleFunc("GET "+extension+"event/next", h.forProcess(h.nextEvent))
	mux.HandleFunc(runtimePrefix, func(w http.ResponseWriter, r *http.Request) {
		runtimeError(w, http.StatusNotFound, "NotFound", r.Method+" "+r.URL.Path+" is not emulated")
	})
	h.apiRoutes(mux)
	return mux
}

// forProcess finds the process a request comes from.
func (h *Host) forProcess(serve func(http.ResponseWriter, *http.Request, *process)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		p := h.processes[r.PathValue("token")]
		h.mu.Unlock()
		if p == nil {
			runtimeError(w, http.StatusForbidden, "Forbidden", "no such process")
			return
		}
		serve(w, r, p)
	}
}

// next serves a process that asks for work: it settles the last invocation, all
// of whose output has been read by then, and waits for another. A process that is to end gets no answer at all, for an
// error would only make it write one to its log.
func (h *Host) next(w http.ResponseWriter, r *http.Request, p *process) {
	p.out.catchUp()
	if !h.poll(p) {
		runtimeError(w, http.StatusForbidden, "InvalidStateTransition", "the last invocation is not answered yet")
		return
	}
	inv := h.awaitWork(r.Context(), p)
	if inv == nil {
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	head.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	head.Set("Lambda-Runtime-Invoked-Function-Arn", inv.called)
	head.Set("Lambda-Runtime-Trace-Id", inv.trace)
	if inv.clientContext != "" {
		head.Set("Lambda-Runtime-Client-Context", inv.clientContext)
	}
	payload := inv.payload
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	w.Write(payload)
}

// poll notes that p wants work, and says whether it may.
func (h *Host) poll(p *process) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	gone := h.processes[p.token] != p // its last request may come late
	if gone || p.polling || p.current != nil && !p.current.answered {
		return false
	}
	p.polling = true
	if p.fresh {
		p.fresh = false // it was started for work that waits already
		return true
	}
	if p.current != nil {
		close(p.current.settled)
		p.current = nil
	}
	if p.of != p.fn.replaced {
		p.terminate(h.opt.Grace)
		return true
	}
	p.idleSince = time.Now()
	p.fn.idle = append(p.fn.idle, p)
	h.roomMade()
	return true
}

// awaitWork waits for the next invocation of p and starts its clock. nil means
// that p is gone, going, or has hung up.
func (h *Host) awaitWork(ctx context.Context, p *process) *invocation {
	idle := time.NewTimer(h.opt.IdleTimeout)
	defer idle.Stop()
	for {
		select {
		case inv := <-p.work:
			h.take(p, inv)
			return inv
		case <-p.exited:
			return nil
		case <-ctx.Done():
			p.kill()
			return nil
		case <-idle.C:
			h.mu.Lock()
			if h.unidle(p) { // else work is on its way
				p.terminate(h.opt.Grace)
			}
			h.mu.Unlock()
		}
	}
}

func (h *Host) take(p *process, inv *invocation) {
	p.out.begin(inv.id)
	h.mu.Lock()
	p.polling = false
	p.current = inv
	h.mu.Unlock()
	inv.deadline = time.Now().Add(inv.fn.Timeout)
	close(inv.started)
}

func (h *Host) response(w http.ResponseWriter, r *http.Request, p *process) {
	h.conclude(w, r, p, func(body []byte) outcome {
		if r.Trailer.Get(trailerErrorType) == "" {
			return outcome{payload: body}
		}
		detail, err := base64.StdEncoding.DecodeString(r.Trailer.Get(trailerErrorBody))
		if err != nil || !json.Valid(detail) {
			detail = errorObject(r.Trailer.Get(trailerErrorType), "the response stream broke off")
		}
		return outcome{payload: detail, functionError: "Unhandled"}
	})
}

func (h *Host) functionError(w http.ResponseWriter, r *http.Request, p *process) {
	h.conclude(w, r, p, func(body []byte) outcome {
		return outcome{payload: body, functionError: "Unhandled"}
	})
}

// conclude takes what a process says of its invocation, once.
func (h *Host) conclude(w http.ResponseWriter, r *http.Request, p *process, read func(body []byte) outcome) {
	h.mu.Lock()
	inv := p.current
	known := inv != nil && inv.id == r.PathValue("id")
	h.mu.Unlock()
	if !known {
		runtimeError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	if err != nil {
		runtimeError(w, http.StatusBadRequest, "TruncatedResponse", "the body broke off")
		return
	}
	out := outcome{
		payload: errorObject("Function.ResponseSizeTooLarge",
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse)),
		functionError: "Unhandled",
	}
	tooLarge := len(body) > maxResponse
	if !tooLarge {
		out = read(body)
	}
	h.mu.Lock()
	again := inv.answered
	inv.answered = true
	h.mu.Unlock()
	switch {
	case again:
		runtimeError(w, http.StatusForbidden, "InvalidStateTransition", "the invocation is answered already")
		return
	case tooLarge:
		runtimeError(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", maxResponse))
	default:
		accepted(w)
	}
	inv.answer <- out
}

// initError keeps what a process says of its failed start. It is expected to end
// by itself then.
func (h *Host) initError(w http.ResponseWriter, r *http.Request, p *process) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		body = errorObject("Runtime.InitError", "the process gave no reason")
	}
	h.mu.Lock()
	fresh := p.fresh
	if fresh {
		p.initError = body
	}
	h.mu.Unlock()
	if !fresh {
		runtimeError(w, http.StatusForbidden, "InvalidStateTransition", "init is over")
		return
	}
	accepted(w)
}

// register serves lambda.WithEnableSIGTERM, which registers an extension without
// events. Ones that want events are refused: there are none to give.
func (h *Host) register(w http.ResponseWriter, r *http.Request, p *process) {
	var body struct {
		Events []string `json:"events"`
	}
	err := json.NewDecoder(io.LimitReader(r.Body, maxLine)).Decode(&body)
	switch {
	case err != nil:
		runtimeError(w, http.StatusBadRequest, "InvalidRequestFormat", "the body is not JSON")
	case len(body.Events) > 0:
		runtimeError(w, http.StatusForbidden, "Extension.InvalidEventType", "extension events are not emulated")
	default:
		w.Header().Set("Lambda-Extension-Identifier", requestID())
		writeJSON(w, http.StatusOK, map[string]string{
			"functionName": p.fn.Name, "functionVersion": "$LATEST", "handler": p.fn.Handler,
		})
	}
}

// nextEvent never answers: an extension without events waits for ever.
func (h *Host) nextEvent(_ http.ResponseWriter, r *http.Request, p *process) {
	select {
	case <-p.exited:
	case <-r.Context().Done():
	}
}

func accepted(w http.ResponseWriter) {
	writeJSON(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func runtimeError(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, map[string]string{"errorType": kind, "errorMessage": message})
}
