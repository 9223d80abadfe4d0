package stack

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// served are the services that are here, by the name that signatures are for.
var served = []string{"bedrock", "dynamodb", "execute-api", "lambda"}

// A form of the query protocol says what it wants at its beginning.
const maxForm = 64 << 10

// named is who has been told of what is not here.
type named struct {
	mu   sync.Mutex
	done map[string]bool
}

// first says whether something is told for the first time.
func (n *named) first(what string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.done == nil {
		n.done = map[string]bool{}
	}
	was := n.done[what]
	n.done[what] = true
	return !was
}

// unserved refuses requests to services that are not here, in a way their SDKs can
// read, and names each once for every function that calls it.
func (s *Stack) unserved(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := service(r)
		signed := strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-") // a client's own header can be anything
		if !signed || s.apiOf(r.URL.Path) != nil || slices.Contains(served, name) {
			next.ServeHTTP(w, r)
			return
		}
		operation := operationOf(r)
		who := "somebody"
		if c := s.callerOf(r); c != nil {
			who = c.function
		}
		if s.named.first(who + " " + name) {
			s.opt.Logger.Warn("a service that is not here was called", "function", who, "service", name, "operation", operation)
		}
		refuseService(w, r, name, fmt.Sprintf("%s is not here: this local run has no %s", operation, name))
	})
}

// operationOf is what a request asks for, as far as it can be told.
func operationOf(r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndex(target, ".")+1:]
	}
	if isForm(r) {
		start, err := io.ReadAll(io.LimitReader(r.Body, maxForm))
		if form, bad := url.ParseQuery(string(start)); err == nil && bad == nil && form.Get("Action") != "" {
			return form.Get("Action")
		}
	}
	return r.Method + " " + r.URL.Path
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// refuseService answers in the protocol that the request is written in. A status of
// 501 is not tried again.
func refuseService(w http.ResponseWriter, r *http.Request, service, message string) {
	const kind = "NotEmulated"
	var text bytes.Buffer
	xml.EscapeText(&text, []byte(message)) // a buffer takes everything
	failure := "<Error><Code>" + kind + "</Code><Message>" + text.String() + "</Message></Error>"
	contentType, body := "text/xml", failure
	switch {
	case service == "s3":
	case isForm(r):
		body = "<ErrorResponse>" + failure + "</ErrorResponse>"
	default:
		contentType = "application/x-amz-json-1.0"
		object, err := json.Marshal(map[string]string{"__type": kind, "message": message})
		if err != nil {
			panic(err) // strings are always JSON
		}
		body = string(object)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-ErrorType", kind)
	w.WriteHeader(http.StatusNotImplemented)
	io.WriteString(w, body)
}
