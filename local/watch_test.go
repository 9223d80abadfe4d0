package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// watched is a service in a module of its own, with nothing but the standard
// library: a function that says a word of another package.
type watched struct{ folder string }

const (
	watchedTemplate = "Transform: AWS::Serverless-2016-10-31\n" + mock + `
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $default, RouteResponseSelectionExpression: $default, Target: !Sub "integrations/${Integration}"}
  Response:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Api, RouteId: !Ref Route, RouteResponseKey: $default}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Talk.Arn}/invocations
  Talk:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/talk/, Handler: bootstrap, Runtime: provided.al2023, Timeout: 20}
`
	watchedOther = `  Other:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/other/, Handler: bootstrap, Runtime: provided.al2023}
`
	watchedMain = `package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"watched/pkg/words"
)

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		res, err := http.Get(api + "next")
		if err != nil {
			return
		}
		event, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if strings.Contains(string(event), "\"body\":\"slow\"") {
			println("slow begins")
			for _, err := os.Stat("RELEASE"); err != nil; _, err = os.Stat("RELEASE") {
				time.Sleep(5 * time.Millisecond)
			}
		}
		answer := "{\"statusCode\":200,\"body\":\"" + words.One + "\"}"
		if res, err = http.Post(api+res.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", strings.NewReader(answer)); err == nil {
			res.Body.Close()
		}
	}
}
`
)

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{t.TempDir()}
	w.write(t, "template.yaml", watchedTemplate+watchedOther)
	w.write(t, "go.mod", "module watched\n\ngo 1.26.0\n")
	w.write(t, "functions/talk/main.go", strings.ReplaceAll(watchedMain, "RELEASE", filepath.ToSlash(filepath.Join(w.folder, "release"))))
	w.write(t, "functions/other/main.go", "package main\n\nfunc main() { select {} }\n")
	w.word(t, "one")
	return w
}

func (w *watched) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(w.folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	// As editors do it: another file takes the place.
	if err := os.WriteFile(file+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func (w *watched) word(t *testing.T, word string) {
	t.Helper()
	w.write(t, "pkg/words/words.go", "package words\n\nconst One = \""+word+"\"\n")
}

// Sockets stay open while functions are replaced, what runs ends as it began, and
// what does not build replaces nothing.
func TestWatch(t *testing.T) {
	w := newWatched(t)
	r := serve(t, "-serve", "-watch", "-addr", "127.0.0.1:0", "-template", filepath.Join(w.folder, "template.yaml"))
	ws, _, err := websocket.Dial(t.Context(), r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	write := func(text string) {
		t.Helper()
		if err := ws.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	read := func() string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, answer, err := ws.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	says := func(want string) {
		t.Helper()
		if write("hello"); read() != want {
			t.Errorf("it does not say %q", want)
		}
	}
	// next waits for a line that was not there before.
	seen := 0
	next := func(want string) string {
		t.Helper()
		r.stderr.awaitAfter(t, seen, want)
		text := r.stderr.String()
		at := seen + strings.Index(text[seen:], want)
		line := text[strings.LastIndex(text[:at], "\n")+1:]
		line, _, _ = strings.Cut(line, "\n")
		seen = at + len(want)
		return line
	}

	says("one")
	write("slow")
	next("slow begins")
	w.word(t, "two") // a package that the function imports
	if line := next("rebuilt in "); !strings.HasSuffix(line, " s: talk") {
		t.Errorf("replaced: %s", line)
	}
	says("two")
	w.write(t, "release", "")
	if got := read(); got != "one" {
		t.Errorf("the one under way says %q", got)
	}

	w.write(t, "pkg/words/words.go", "package words\n\nconst One = 1 +\n")
	next("it does not build, so what ran before goes on:")
	next("words.go:4:1: syntax error")
	says("two")

	// A package that is imported before it is there.
	w.write(t, "pkg/words/words.go", "package words\n\nimport \"watched/pkg/more\"\n\nconst One = more.Word\n")
	next("watched/pkg/more")
	w.write(t, "pkg/more/more.go", "package more\n\nconst Word = \"three\"\n")
	next("rebuilt in ")
	says("three")

	// Many changes at once are one.
	for range 20 {
		w.write(t, "pkg/more/more.go", "package more\n\nconst Word = \"three and a half\"\n")
	}
	w.write(t, "pkg/more/more.go", "package more\n\nconst Word = \"four\"\n")
	next("rebuilt in ")
	says("four")

	// What is no part of a function's program.
	w.write(t, "pkg/more/more_test.go", "package more\n\nbroken\n")
	w.write(t, "README.md", "nothing")
	w.write(t, "functions/other/main.go", "package main\n\nfunc main() { var c chan int; <-c }\n")
	if line := next("rebuilt in "); !strings.HasSuffix(line, " s: other") {
		t.Errorf("replaced: %s", line)
	}
	w.write(t, "template.yaml", watchedTemplate+watchedOther+"# changed\n")
	next("template.yaml has changed: end this run")
	says("four")
	ws.CloseNow()
	if n := strings.Count(r.stderr.String(), "rebuilt in "); n != 4 {
		t.Errorf("built %d times with success, want 4", n)
	}
	if code := r.signalled(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
	if left, _ := filepath.Glob(filepath.Join(cacheFolder, "kaiwa", "*", "run-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What needs no building is started anew.
func TestWatchNode(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("needs node")
	}
	w := &watched{t.TempDir()}
	w.write(t, "template.yaml", strings.Replace(watchedTemplate, "Handler: bootstrap, Runtime: provided.al2023", "Handler: app.talk, Runtime: nodejs22.x", 1))
	say := func(word string) {
		w.write(t, "functions/talk/lib/word.js", "export default '"+word+"'\n")
	}
	w.write(t, "functions/talk/package.json", `{"type":"module"}`)
	w.write(t, "functions/talk/app.js", "import word from './lib/word.js'\nexport const talk = async () => ({statusCode: 200, body: word})\n")
	say("eins")
	r := serve(t, "-serve", "-watch", "-addr", "127.0.0.1:0", "-template", filepath.Join(w.folder, "template.yaml"))
	if got := ask(t, r.url, "hello"); got != "eins" {
		t.Errorf("first %q", got)
	}
	say("zwei")
	r.stderr.await(t, "restarted: talk")
	if got := ask(t, r.url, "hello"); got != "zwei" {
		t.Errorf("then %q", got)
	}
	w.write(t, "functions/talk/app.js", "\nexport const talk = ;\n")
	r.stderr.awaitAfter(t, strings.LastIndex(r.stderr.String(), "ended in "), "restarted: talk")
	if got := ask(t, r.url, "hello"); !strings.Contains(got, "Internal server error") {
		t.Errorf("with a syntax error %q", got)
	}
	r.stderr.await(t, "functions/talk/app.js:2\n")
	if code := r.signalled(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}
