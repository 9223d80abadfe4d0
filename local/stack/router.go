package stack

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// Lambda's API paths, the Runtime API's among them, begin with the API's date.
var lambdaPath = regexp.MustCompile(`^/(\d{4}-\d\d-\d\d|_runtime)/`)

// routes is the whole listener.
func (s *Stack) routes() http.Handler {
	own := s.ownRoutes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := s.apiOf(r.URL.Path); a != nil {
			if isCallback(r) && r.Header.Get("Origin") != "" {
				refuse(w, "A web page may not post to connections, as on AWS, which has no CORS here")
				return
			}
			a.gateway.ServeHTTP(w, r)
			return
		}
		if !ours(r) {
			refuse(w, "Only this machine may ask, not a web page: Host or Origin is foreign")
			return
		}
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/_local/"):
			own.ServeHTTP(w, r)
		case s.table != nil && strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_"):
			s.table.ServeHTTP(w, r)
		case s.model != nil && strings.HasPrefix(path, "/model/"):
			s.model.ServeHTTP(w, r)
		case lambdaPath.MatchString(path):
			s.host.ServeHTTP(w, r)
		default: // what API Gateway says of a stage that is not there
			refuse(w, "Forbidden")
		}
	})
}

func (s *Stack) apiOf(path string) *api {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	for _, a := range s.apis {
		if a.stage == first {
			return a
		}
	}
	return nil
}

// isCallback says whether r is for a connection, not a connect. A page could send
// one without asking, for a query can hold what only claims to be a signature, and
// ids can be guessed.
func isCallback(r *http.Request) bool { return strings.Contains(r.URL.Path, "/@connections/") }

func refuse(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", "ForbiddenException")
	w.WriteHeader(http.StatusForbidden)
	w.Write([]byte(`{"message":"` + message + `"}`))
}

// ours says whether a request was meant for this listener and comes from no web
// page elsewhere. A page can send requests to any address, which its Origin
// betrays, and have its own name resolve to 127.0.0.1, which the Host does.
func ours(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return false
	}
	for _, origin := range r.Header.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return false
		}
	}
	return true
}
