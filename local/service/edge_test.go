package service_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"kaiwa/local/stack"
	"kaiwa/pkg/emu/sam"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

const (
	edgeSecret = "EdgeSecretOfThisTestOnly"
	nextSecret = "TheNextEdgeSecretOfThisTest"
)

// distribution is what a request through CloudFront depends on.
type distribution struct {
	Origins []struct {
		OriginPath          string
		OriginCustomHeaders []struct{ HeaderName, HeaderValue string }
	}
	DefaultCacheBehavior struct {
		AllowedMethods                       []string
		CachePolicyId, OriginRequestPolicyId string
	}
}

// edge is what template-edge.yaml puts in front of a stack, as far as headers, path
// and methods go: CloudFront with the managed policy AllViewerExceptHostHeader.
func edge(t *testing.T, s *stack.Stack, secret string) string {
	t.Helper()
	template, err := sam.Load("../../template-edge.yaml", &sam.Options{Parameters: map[string]string{
		"ApiHost": "abcde12345.execute-api.us-east-1.amazonaws.com", "EdgeSecret": secret,
	}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := template.Resources("AWS::CloudFront::Distribution")
	if err != nil || len(found) != 1 {
		t.Fatalf("%d distributions, %v", len(found), err)
	}
	var p struct{ DistributionConfig distribution }
	if err := json.Unmarshal(found[0].Properties, &p); err != nil {
		t.Fatal(err)
	}
	d := p.DistributionConfig
	if got := d.DefaultCacheBehavior.OriginRequestPolicyId; got != "b689b0a8-53d0-40ab-baf2-68738e2966ac" {
		t.Fatalf("origin request policy %s is not the one emulated here", got)
	}
	api, err := url.Parse(strings.Replace(s.URL(), "ws:", "http:", 1))
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", api.Host, api.Host
		r.Out.URL.Path = d.Origins[0].OriginPath + r.In.URL.Path
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		r.SetXForwarded()
		for _, h := range d.Origins[0].OriginCustomHeaders {
			r.Out.Header.Set(h.HeaderName, h.HeaderValue)
		}
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(d.DefaultCacheBehavior.AllowedMethods, r.Method) {
			http.Error(w, "the distribution does not allow this method", http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "http:", "ws:", 1)
}

// knock tries to connect and tells the handshake's status.
func knock(t *testing.T, url string, headers http.Header) int {
	t.Helper()
	ws, res, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPHeader: headers})
	if err == nil {
		ws.CloseNow()
	}
	if res == nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

// TestEdge: with a secret, the API's own address is no way around the edge; through
// it everything works, a browser's Origin is still judged, and both secrets are
// accepted while one is being replaced.
func TestEdge(t *testing.T) {
	s := service(t, map[string]string{"EdgeSecretA": edgeSecret, "EdgeSecretB": nextSecret, "AllowedOrigins": "https://chat.example.com"}, nil)
	through := edge(t, s, edgeSecret) + "/"
	from := func(origin string) http.Header { return http.Header{"Origin": {origin}} }
	tests := []struct {
		name, url string
		headers   http.Header
		want      int
	}{
		{"around the edge", s.URL(), nil, 403},
		{"around it with another key", s.URL(), http.Header{"X-Api-Key": {"AnotherKeyThatIsLongEnough"}}, 403},
		{"through it", through, nil, 101},
		{"through it with the next secret", edge(t, s, nextSecret) + "/", nil, 101},
		{"with a secret that was taken out", edge(t, s, "TheSecretBeforeTheseTwo") + "/", nil, 403},
		{"a client's own key is replaced", through, http.Header{"X-Api-Key": {"AnotherKeyThatIsLongEnough"}}, 101},
		{"a page that is allowed", through, from("https://chat.example.com"), 101},
		{"a page that is not", through, from("https://evil.example.com"), 403},
		{"a browser's subprotocol", through, http.Header{"Sec-Websocket-Protocol": {wire.SubprotocolJSON}}, 101},
	}
	for _, tt := range tests {
		if got := knock(t, tt.url, tt.headers); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	p := dialURL(t, through+"?user=ann", nil)
	const prompt = "@demo tokens=30 every=5ms first=20ms"
	a := p.ask(wire.SendMessage{ID: "p", Text: prompt})
	var j frame.Join
	if end := p.rest(a.Reply, &j); j.Text() != said(t, prompt) || end.Stop != wire.StopEndTurn {
		t.Errorf("through the edge: %q, end %+v", j.Text(), end)
	}
	res, err := http.Post(strings.Replace(through, "ws:", "http:", 1)+"@connections/x", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 403 {
		t.Errorf("a post through the edge: %d", res.StatusCode)
	}
}

// TestEdgeTakesJwtOrNone: CloudFront breaks a client's signature and replaces its
// key, so a stack that wants either takes no secret.
func TestEdgeTakesJwtOrNone(t *testing.T) {
	for auth, want := range map[string]bool{"none": true, "jwt": true, "iam": false, "apikey": false} {
		for _, slot := range []string{"EdgeSecretA", "EdgeSecretB"} {
			params := map[string]string{"Auth": auth, slot: edgeSecret}
			if auth == "jwt" {
				params["JwtIssuer"], params["JwtAudience"] = "https://issuer.example.com", "kaiwa"
			}
			template, err := sam.Load("../../template.yaml", &sam.Options{Parameters: params})
			if (err == nil) != want {
				t.Errorf("Auth=%s with %s: %v", auth, slot, err)
			}
			if err == nil && !template.APIs()[0].Routes["$connect"].APIKeyRequired {
				t.Errorf("Auth=%s with %s: no key is asked for", auth, slot)
			}
		}
	}
	if _, err := sam.Load("../../template.yaml", &sam.Options{Parameters: map[string]string{"Auth": "none", "EdgeSecretA": "short"}}); err == nil {
		t.Error("a short secret is accepted")
	}
}

// Behind CloudFront sourceIp and userAgent are CloudFront's (aws-facts §2), so
// nothing may depend on them.
func TestNothingDependsOnSourceIP(t *testing.T) {
	files, err := filepath.Glob("../../pkg/*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	uses := regexp.MustCompile(`\.(SourceIP|UserAgent)\b`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := uses.Find(text); found != nil {
			t.Errorf("%s uses %s, which is CloudFront's behind the edge; X-Forwarded-For has the client's (docs/edge.md)", name, found)
		}
	}
}
