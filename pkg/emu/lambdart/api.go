package lambdart

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// apiRoutes adds the Invoke API, and every other operation to refuse it by name.
func (h *Host) apiRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", h.serveInvoke)
	for pattern, operation := range refused {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { refuse(w, operation) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { refuse(w, r.Method+" "+r.URL.Path) })
}

func refuse(w http.ResponseWriter, operation string) {
	writeError(w, requestID(), &APIError{
		Code: "UnknownOperationException", Status: http.StatusNotFound,
		Message: operation + " is not emulated: of Lambda's operations only Invoke is",
	})
}

// serveInvoke is the operation Invoke.
func (h *Host) serveInvoke(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	if err := h.apiInvoke(w, r, id); err != nil {
		writeError(w, id, err)
	}
}

func (h *Host) apiInvoke(w http.ResponseWriter, r *http.Request, id string) error {
	if !signed(r) {
		return &APIError{Code: "MissingAuthenticationTokenException", Status: http.StatusForbidden, Message: "Missing Authentication Token"}
	}
	kind := or(r.Header.Get("X-Amz-Invocation-Type"), "RequestResponse")
	limit := maxSyncPayload
	switch kind {
	case "RequestResponse", "DryRun":
	case "Event":
		limit = maxAsyncPayload
	default:
		return errBadRequest("ValidationException", "1 validation error detected: Value '%s' at 'invocationType' failed to satisfy "+
			"constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]", kind)
	}
	c, err := readCall(r, id, limit)
	if err != nil {
		return err
	}
	fn, called, err := h.find(r.PathValue("name"), r.URL.Query().Get("Qualifier"))
	if err != nil {
		return err
	}
	c.called = called
	w.Header().Set("X-Amzn-Requestid", id)
	switch kind {
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
		return nil
	case "Event":
		if err := h.enqueue(fn, c); err != nil {
			return err
		}
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	return h.respond(w, r, fn, c)
}

// respond runs a synchronous call and writes its outcome.
func (h *Host) respond(w http.ResponseWriter, r *http.Request, fn *function, c call) error {
	out, err := h.invoke(r.Context(), fn, c)
	if errors.Is(err, context.Canceled) {
		return nil // nobody is there to read it
	}
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("X-Amz-Executed-Version", "$LATEST")
	head.Set("X-Amzn-Trace-Id", c.trace)
	if out.functionError != "" {
		head.Set("X-Amz-Function-Error", out.functionError)
	}
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		head.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(out.log))
	}
	w.Write(out.payload)
	return nil
}

// readCall reads what an Invoke request asks for.
func readCall(r *http.Request, id string, limit int) (call, error) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		return call{}, errBadRequest("InvalidRequestContentException", "Could not read the request body: %v", err)
	}
	if len(payload) > limit {
		return call{}, errTooLarge(limit)
	}
	if len(bytes.TrimSpace(payload)) > 0 && !json.Valid(payload) {
		return call{}, errBadRequest("InvalidRequestContentException", "Could not parse request body into json")
	}
	clientContext, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Amz-Client-Context"))
	if err != nil || len(clientContext) > 0 && !json.Valid(clientContext) {
		return call{}, errBadRequest("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
	}
	return call{
		id: id, payload: payload,
		trace:         or(r.Header.Get("X-Amzn-Trace-Id"), traceID()),
		clientContext: compact(clientContext),
	}, nil
}

// compact makes JSON fit for a header.
func compact(b []byte) string {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return ""
	}
	return out.String()
}

// signed says whether a request carries a signature. Its value is not checked.
func signed(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-") || r.URL.Query().Has("X-Amz-Signature")
}

// refused are the operations that a tool pointed here is likely to try, so that
// the answer can name them (Lambda API reference; botocore 1.43.11).
var refused = map[string]string{
	"GET /2015-03-31/functions":                                        "ListFunctions",
	"POST /2015-03-31/functions":                                       "CreateFunction",
	"GET /2015-03-31/functions/{name}":                                 "GetFunction",
	"DELETE /2015-03-31/functions/{name}":                              "DeleteFunction",
	"GET /2015-03-31/functions/{name}/configuration":                   "GetFunctionConfiguration",
	"PUT /2015-03-31/functions/{name}/configuration":                   "UpdateFunctionConfiguration",
	"PUT /2015-03-31/functions/{name}/code":                            "UpdateFunctionCode",
	"GET /2015-03-31/functions/{name}/policy":                          "GetPolicy",
	"POST /2015-03-31/functions/{name}/policy":                         "AddPermission",
	"GET /2015-03-31/functions/{name}/versions":                        "ListVersionsByFunction",
	"POST /2015-03-31/functions/{name}/versions":                       "PublishVersion",
	"GET /2015-03-31/functions/{name}/aliases":                         "ListAliases",
	"POST /2015-03-31/functions/{name}/aliases":                        "CreateAlias",
	"POST /2014-11-13/functions/{name}/invoke-async":                   "InvokeAsync",
	"POST /2021-11-15/functions/{name}/response-streaming-invocations": "InvokeWithResponseStream",
	"PUT /2017-10-31/functions/{name}/concurrency":                     "PutFunctionConcurrency",
	"DELETE /2017-10-31/functions/{name}/concurrency":                  "DeleteFunctionConcurrency",
	"GET /2019-09-30/functions/{name}/concurrency":                     "GetFunctionConcurrency",
	"PUT /2019-09-30/functions/{name}/provisioned-concurrency":         "PutProvisionedConcurrencyConfig",
	"GET /2019-09-25/functions/{name}/event-invoke-config":             "GetFunctionEventInvokeConfig",
	"PUT /2019-09-25/functions/{name}/event-invoke-config":             "PutFunctionEventInvokeConfig",
	"POST /2019-09-25/functions/{name}/event-invoke-config":            "UpdateFunctionEventInvokeConfig",
	"POST /2021-10-31/functions/{name}/url":                            "CreateFunctionUrlConfig",
	"GET /2021-10-31/functions/{name}/url":                             "GetFunctionUrlConfig",
	"GET /2015-03-31/event-source-mappings":                            "ListEventSourceMappings",
	"POST /2015-03-31/event-source-mappings":                           "CreateEventSourceMapping",
	"GET /2018-10-31/layers":                                           "ListLayers",
	"POST /2018-10-31/layers/{name}/versions":                          "PublishLayerVersion",
	"GET /2016-08-19/account-settings":                                 "GetAccountSettings",
	"GET /2017-03-31/tags/{arn}":                                       "ListTags",
	"POST /2017-03-31/tags/{arn}":                                      "TagResource",
}
