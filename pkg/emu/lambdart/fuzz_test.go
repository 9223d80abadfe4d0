package lambdart_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"kaiwa/pkg/emu/lambdart"
)

// FuzzInvoke: whatever asks for an invocation or plays a runtime, it is answered in
// the API's own way, and nothing is started that no function names.
func FuzzInvoke(f *testing.F) {
	const invoke = "/2015-03-31/functions/f/invocations"
	f.Add("POST", invoke, "DryRun", "", []byte(`{}`))
	f.Add("POST", invoke+"?Qualifier=1", "DryRun", "e30=", []byte(`7`))
	f.Add("POST", "/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:g/invocations", "RequestResponse", "", []byte(`{`))
	f.Add("POST", "/2015-03-31/functions/:function:/invocations", "Event", "%%%", []byte(``))
	f.Add("GET", "/_runtime/x/2018-06-01/runtime/invocation/next", "", "", []byte(``))
	f.Add("POST", "/_runtime/x/2018-06-01/runtime/invocation/y/response", "", "", []byte(`{}`))
	f.Add("POST", "/_runtime/x/2020-01-01/extension/register", "", "", []byte(`{"events":["SHUTDOWN"]}`))
	f.Add("DELETE", "/2015-03-31/functions", "", "", []byte(``))
	h := lambdart.New(nil)
	if err := h.Add(lambdart.Function{Name: "f", Command: []string{"/nonexistent"}}); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { h.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, method, path, kind, client string, body []byte) {
		at, err := url.ParseRequestURI(path)
		if err != nil || method == "" {
			t.Skip("net/http would not let it through")
		}
		r := &http.Request{Method: method, URL: at, Header: http.Header{"Authorization": {"AWS4-HMAC-SHA256 x"}, "X-Amz-Invocation-Type": {kind},
			"X-Amz-Client-Context": {client}}, Body: io.NopCloser(bytes.NewReader(body)), Host: "x", RequestURI: path}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code == http.StatusOK || w.Code < 200 || w.Code > 599 {
			t.Errorf("%s %s is answered with %d: %s", method, path, w.Code, w.Body)
		}
		if n := h.Stats()["f"].ColdStarts; n > 0 {
			t.Errorf("%d processes were started", n)
		}
	})
}
