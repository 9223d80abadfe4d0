package bootstrap_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kaiwa/pkg/emu/bootstrap"
	"kaiwa/pkg/emu/lambdart"
)

// A program that builds an API's name on AWS itself reaches it here, whatever
// library it uses; any other name it does not.
func TestHosts(t *testing.T) {
	var asked []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Host+r.URL.Path)
	}))
	defer elsewhere.Close()
	f := lambdart.Function{Handler: "app.handler", Env: map[string]string{
		"BOOTSTRAP_HOSTS": "api.invalid=" + strings.TrimPrefix(elsewhere.URL, "http://"),
	}}
	for _, tt := range []struct {
		l            bootstrap.Language
		name, source string
	}{
		{bootstrap.Node, "app.mjs", `
import http from 'node:http';
export const handler = async () => {
  await fetch('http://api.invalid/fetch');
  await new Promise((done, fail) => http.get('http://api.invalid/http', (r) => r.resume().on('end', done)).on('error', fail));
  return fetch('http://other.invalid/').then(() => 'reached', () => 'not there');
}`},
		{bootstrap.Python, "app.py", `
import http.client, urllib.request
def handler(event, context):
    urllib.request.urlopen("http://api.invalid/fetch")
    connection = http.client.HTTPConnection("api.invalid")
    connection.request("GET", "/http")
    connection.getresponse()
    try:
        urllib.request.urlopen("http://other.invalid/")
    except OSError:
        return "not there"
`},
	} {
		asked = nil
		fn := start(t, tt.l, map[string]string{tt.name: tt.source}, f)
		if got, failed := fn.invoke("{}"); failed || got != `"not there"` {
			t.Errorf("%s: %s", tt.l, got)
		}
		if got := strings.Join(asked, " "); got != "api.invalid/fetch api.invalid/http" {
			t.Errorf("%s: asked for %s", tt.l, got)
		}
	}
}
