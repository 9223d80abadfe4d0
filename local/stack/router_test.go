package stack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

const unsigned = "Missing Authentication Token"

// Every path and header leads where AWS would have it.
func TestRoutes(t *testing.T) {
	s := start(t, "none", nil)
	tests := []struct {
		method, path, target string
		status               int
		want                 string
	}{
		{"GET", "/", "", 403, `{"message":"Forbidden"}`},
		{"GET", "/prod", "", 403, `{"message":"Forbidden"}`},
		{"GET", "/_local/nothing", "", 404, "not found"},
		{"POST", "/dev/@connections/abc=", "", 403, unsigned},
		{"GET", "/dev/deeper", "", 403, "Forbidden"},
		{"POST", "/", "DynamoDB_20120810.ListTables", 400, "MissingAuthenticationTokenException"},
		{"POST", "/model/any/converse", "", 403, unsigned},
		{"POST", "/2015-03-31/functions/Echo/invocations", "", 403, "Missing Authentication Token"},
		{"GET", "/2018-06-01/runtime/invocation/next", "", 404, ""},
	}
	for _, tt := range tests {
		status, got := ask(t, tt.method, here(s)+tt.path, "{}", func(r *http.Request) {
			if tt.target != "" {
				r.Header.Set("X-Amz-Target", tt.target)
			}
		})
		if status != tt.status || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", tt.method, tt.path, tt.target, status, got, tt.status, tt.want)
		}
	}
}

// A page elsewhere reaches nothing but the socket, neither by its own name for
// 127.0.0.1 nor across origins.
func TestForeignRequests(t *testing.T) {
	s := start(t, "none", nil)
	_, port, _ := strings.Cut(strings.TrimPrefix(here(s), "http://"), ":")
	tests := []struct {
		host, origin string
		allowed      bool
	}{
		{"", "", true},
		{"localhost:" + port, "", true},
		{"localhost", "", true},
		{"[::1]:" + port, "", true},
		{"127.0.0.2:" + port, "", true},
		{"evil.example:" + port, "", false},
		{"evil.example", "", false},
		{"127.0.0.1.evil.example:" + port, "", false},
		{"10.0.0.1:" + port, "", false},
		{"", here(s), true},
		{"localhost:" + port, "http://localhost:" + port, true},
		{"", "https://evil.example", false},
		{"", "http://127.0.0.1:1", false},
		{"", "null", false},
		{"evil.example", "http://evil.example", false},
	}
	for _, tt := range tests {
		for path, target := range map[string]string{
			"/_local/stats": "", "/_local/faults": "", "/2015-03-31/functions/Echo/invocations": "",
			"/model/any/converse": "", "/": "DynamoDB_20120810.ListTables",
		} {
			_, got := ask(t, "POST", here(s)+path, "post.410=1/1", func(r *http.Request) {
				r.Host = tt.host
				if tt.origin != "" {
					r.Header.Set("Origin", tt.origin)
				}
				if target != "" {
					r.Header.Set("X-Amz-Target", target)
				}
			})
			if refused := strings.Contains(got, "Host or Origin is foreign"); refused == tt.allowed {
				t.Errorf("%s with host %q, origin %q: %s", path, tt.host, tt.origin, got)
			}
		}
	}
	// A signature that nobody verifies must not open the way to other people's sockets.
	for origin, want := range map[string]int{"": 410, "https://evil.example": 403, "null": 403, here(s): 403} {
		status, got := ask(t, "POST", here(s)+"/dev/@connections/L0SM9cOFvHcCIhw=?X-Amz-Algorithm=AWS4-HMAC-SHA256", "x", func(r *http.Request) {
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
		})
		if status != want {
			t.Errorf("a post from %q: %d %s, want %d", origin, status, got, want)
		}
	}
	ws := dial(t, s.URL(), &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}}})
	if got := say(t, ws, "world"); !strings.Contains(got, "Internal server error") && got != "hello world" {
		t.Errorf("the socket from elsewhere: %q", got)
	}
}
