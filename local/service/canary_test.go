package service_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kaiwa/local/build"
	"kaiwa/local/stack"
	"kaiwa/pkg/emu/converse"
	"kaiwa/pkg/emu/sam"
	"kaiwa/pkg/wire"
)

// diary is all that is logged in a run: the functions' lines, and those of local
// and its emulators.
type diary struct {
	mu        sync.Mutex
	lines     []string
	functions map[string]bool // that have logged anything
}

func (d *diary) line(function, _ string, line []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.functions == nil {
		d.functions = map[string]bool{}
	}
	d.functions[function] = true
	d.lines = append(d.lines, function+": "+string(line))
}

// Write takes the lines of a slog.Handler.
func (d *diary) Write(b []byte) (int, error) {
	d.line("local", "", bytes.TrimSpace(b))
	return len(b), nil
}

func (d *diary) options() *stack.Options {
	return &stack.Options{
		FunctionLog: d.line, Model: parrot{}, AsyncRetry: 2 * time.Second,
		Logger: slog.New(slog.NewTextHandler(d, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// leaks are the lines that hold a canary, as it is or encoded.
func (d *diary) leaks(c canaries) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []string
	for _, line := range d.lines {
		for _, name := range slices.Sorted(maps.Keys(c)) {
			if slices.ContainsFunc(disguises(c[name]), func(text string) bool { return strings.Contains(line, text) }) {
				found = append(found, fmt.Sprintf("%s is in the log: %s", name, line))
			}
		}
	}
	return found
}

// disguises are a text as it is, in hexadecimal, and what base64 makes of its middle
// wherever in a group of three it begins.
func disguises(text string) []string {
	all := []string{text, hex.EncodeToString([]byte(text)), url.QueryEscape(text)}
	for skip := range 3 {
		whole := base64.RawStdEncoding.EncodeToString([]byte("ooo"[:skip] + text))
		all = append(all, whole[4:len(whole)-4])
	}
	return all
}

// canaries are texts that must not be in any log, by what they are.
type canaries map[string]string

// new makes one more.
func (c canaries) new(what string) string {
	c[what] = "canary" + rand.Text()
	return c[what]
}

// number makes one of digits, because some errors quote numbers only.
func (c canaries) number(what string) string {
	var b [8]byte
	rand.Read(b[:])
	c[what] = fmt.Sprintf("9%017d", binary.BigEndian.Uint64(b[:])%1e17)
	return c[what]
}

// parrot says what it is told. Prompts that begin with fail are refused and those
// with break are broken off, with errors that quote them.
type parrot struct{}

func (parrot) Stream(_ context.Context, req converse.Request, emit func(converse.Event) error) error {
	last := req.Messages[len(req.Messages)-1].Text()
	if strings.HasPrefix(last, "fail") {
		return &converse.Error{Exception: converse.Validation, Message: "Malformed input request: " + last}
	}
	if err := emit(converse.Delta{Text: "you said: " + last}); err != nil {
		return err
	}
	if strings.HasPrefix(last, "break") {
		return &converse.Error{Exception: converse.ModelStreamError, Message: "cannot go on after: " + last}
	}
	return emit(converse.End{Reason: "end_turn", Usage: converse.Usage{Input: 1, Output: 1}})
}

// TestNothingSaidIsLogged: no text of anybody, no token, key or signature gets into
// any log, whatever goes wrong, at the most talkative level.
func TestNothingSaidIsLogged(t *testing.T) {
	var d diary
	c := canaries{}
	t.Run("tokens", func(t *testing.T) { withTokens(t, &d, c) })
	t.Run("signatures", func(t *testing.T) { withSignatures(t, &d, c) })
	t.Run("keys", func(t *testing.T) { withKeys(t, &d, c) })
	for _, leak := range d.leaks(c) {
		t.Error(leak)
	}
	for _, f := range []string{"local", "local-AuthorizerFunction", "local-ConnectFunction", "local-SendMessageFunction", "local-ReplyFunction", "local-NotifyFunction"} {
		if !d.functions[f] {
			t.Errorf("%s has logged nothing: something is wrong with the test", f)
		}
	}
}

func withTokens(t *testing.T, d *diary, c canaries) {
	is := newIssuer(t)
	params := is.params()
	params["LogLevel"] = "DEBUG"
	params["WebhookSecret"] = c.new("the webhooks' secret")
	params["AllowedOrigins"] = "https://chat.example.com"
	s := service(t, params, d.options())
	w := guarded(t, s, is)
	token := is.token("ann", map[string]any{"note": c.new("a claim")})
	c["a token"], c["a token's signature"], c["a token's claims"] = token, part(token, 2), part(token, 1)
	w.dial = func() *peer { return dialURL(t, s.URL(), bearer(token)) }
	for what, headers := range map[string]http.Header{
		"no token":             nil,
		"a word":               bearer(c.new("a word for a token")),
		"three words":          bearer(c.new("a head") + "." + c.new("a body") + "." + c.new("a tail")),
		"somebody else's":      bearer(newIssuer(t).token("ann", map[string]any{"note": c.new("a foreign claim")})),
		"one that ran out":     bearer(is.token("ann", map[string]any{"exp": 1, "note": c.new("an old claim")})),
		"a browser's":          {"Sec-Websocket-Protocol": {wire.SubprotocolBearer + c.new("a browser's token")}},
		"a page's":             {"Origin": {"https://evil.example.com"}, "Authorization": {"Bearer " + token}},
		"another scheme":       {"Authorization": {"Basic " + c.new("a password")}},
		"an unknown protocol":  {"Authorization": {"Bearer " + token}, "Sec-Websocket-Protocol": {"x." + c.new("a protocol")}},
		"a subject not a text": bearer(is.token("ann", map[string]any{"sub": json.RawMessage(c.number("a subject"))})),
	} {
		if status := knock(t, s.URL(), headers); status < 400 {
			t.Errorf("%s: %d", what, status)
		}
	}
	if status := knock(t, s.URL()+"?token="+c.new("a token in the query"), bearer(token)); status != 101 {
		t.Errorf("with a query: %d", status)
	}
	w.speak(c)
	w.auth(is, c)
	w.notices(c)
	w.webhooks(c)
	use(t, s, "post.500=1/4,post.429=1/5,ddb.500=1/6,ddb.throttle=1/7,ddb.lost=1/9,invoke.duplicate=1/2,invoke.kill=1/5")
	for range 4 {
		w.speakQuickly(c)
	}
	w.notices(c)
	use(t, s, "")
}

func part(token string, i int) string { return strings.Split(token, ".")[i] }

// speak says canaries in every way there is, well and badly formed.
func (w *world) speak(c canaries) {
	p := w.dial()
	a := &actor{peer: p, world: w, sent: map[string]bool{}}
	first := a.reply(wire.SendMessage{ID: "p1", Text: "remember " + c.new("a prompt")})
	for _, how := range []string{"fail", "break"} {
		p.send(wire.SendMessage{ID: how, Text: how + " " + c.new("a prompt that "+how+"s")})
		for p.next().Type() != "end" {
		}
	}
	a.do(wire.Rename{Conversation: first.Conversation, Title: c.new("a title")})
	a.answer("renamed")
	a.do(wire.Rename{Conversation: "nobody's", Title: c.new("a title of nothing")})
	a.answer("renamed")
	a.do(wire.Subscribe{Topic: c.new("a topic")})
	a.answer("subscribed")
	for _, body := range []string{
		`{"action":"` + c.new("an action") + `"}`,
		`{"action":"sendMessage","text":` + c.number("a number for a text") + `}`,
		`{"action":"sendMessage","text":["` + c.new("a list for a text") + `"]}`,
		`{"action":["` + c.new("a list for an action") + `"]}`,
		`{"action":"sendMessage","id":"x","part":0,"parts":` + c.number("a number of parts") + `,"text":"x"}`,
		`{"action":"rename","title":` + c.number("a number for a title") + `}`,
		`{"action":"history","limit":"` + c.new("a limit") + `"}`,
		`{"action":"sendMessage","text":"` + c.new("text that is cut off"),
		`{` + c.new("no JSON"),
		`{"action":"auth","token":` + c.number("a number for a token") + `}`,
	} {
		p.sendText(body)
		a.answer()
	}
	plain := w.dial()
	for _, line := range []string{"hello " + c.new("a line"), "/" + c.new("a command"), "/new " + c.new("a line after /new"), "/open " + c.new("a number to open"), "/list"} {
		plain.sendText(line)
		plain.nextText()
	}
	w.tooBig(c)
}

// tooBig sends what is over a limit: a prompt, a frame, a message; and bytes.
func (w *world) tooBig(c canaries) {
	p := w.dial()
	big := strings.Repeat(c.new("a prompt that is too big")+" ", 3800)
	for i := range 6 { // 600 KB
		n := 6
		p.send(wire.SendMessage{ID: "big", Text: big, Part: i, Parts: &n})
	}
	for p.next().Type() != "error" {
	}
	for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		p := w.dial()
		p.ws.Write(p.ctx, kind, []byte(big)) // one frame: the gateway hangs up
		for {
			if _, _, err := p.ws.Read(p.ctx); err != nil {
				break
			}
		}
	}
}

// speakQuickly says something and does not wait to be understood.
func (w *world) speakQuickly(c canaries) {
	ws, _, err := websocket.Dial(w.t.Context(), w.s.URL(), &websocket.DialOptions{HTTPHeader: bearer(w.token())})
	if err != nil {
		return
	}
	defer ws.CloseNow()
	for i := range 5 {
		text := fmt.Sprintf(`{"action":"sendMessage","id":"%s","conversation":"new","text":"%s"}`, c.new(fmt.Sprint("a prompt's id ", i)), c.new(fmt.Sprint("a prompt in trouble ", i)))
		if ws.Write(w.t.Context(), websocket.MessageText, []byte(text)) != nil {
			return
		}
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
	defer cancel()
	for {
		if _, _, err := ws.Read(ctx); err != nil {
			return
		}
	}
}

// auth brings new tokens over the open socket, good and bad.
func (w *world) auth(is *issuer, c canaries) {
	a := w.actor()
	fresh := is.token("ann", nil)
	c["a fresh token"] = fresh
	for _, token := range []string{fresh, c.new("a token that is none"), is.token("bob", map[string]any{"note": c.new("another user's claim")})} {
		a.do(wire.Auth{Token: token})
		a.answer("authorized")
	}
}

// notices sends notifications, well and badly formed.
func (w *world) notices(c canaries) {
	notice := func(what string) string {
		return fmt.Sprintf(`"id":"%s","title":"%s","text":"%s","level":"%s","data":{"x":"%s"}`, c.new(what+"'s id"), c.new(what+"'s title"), c.new(what+"'s text"), c.new(what+"'s level"), c.new(what+"'s data"))
	}
	var all sync.WaitGroup
	defer all.Wait()
	for _, payload := range []string{
		`{"to":{"user":"` + w.user + `"},` + notice("a notification") + `}`,
		`{"to":{"connection":"nobody="},` + notice("nobody's notification") + `}`,
		`{"to":{"topic":"` + c.new("a notification's topic") + `"},` + notice("a topic's notification") + `}`,
		`{` + notice("a notification to nobody") + `}`,
		`{"to":{"user":"ann","connection":"x"},` + notice("a notification to two") + `}`,
		`{"to":{"user":"ann"},"text":` + c.number("a number for a notification") + `}`,
		`{"to":{"user":` + c.number("a number for a user") + `},"text":"x"}`,
		`{"to":"` + c.new("a text for a target") + `","text":"x"}`,
		`"` + c.new("a notification that is a text") + `"`,
		`{"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"m","Subject":"` + c.new("an SNS subject") + `","Message":"` + c.new("an SNS message") + `"}}]}`,
		`{"Records":[{"eventSource":"aws:sqs","messageId":"m","body":"` + c.new("an SQS body") + `"}]}`,
		`{"id":"e","source":"x","detail-type":"` + c.new("an event's type") + `","detail":{"x":"` + c.new("an event's detail") + `"}}`,
		`{"to":{"user":"` + w.user + `"},"text":"` + strings.Repeat(c.new("a notification that is too big"), 4500) + `"}`,
	} {
		all.Go(func() { w.invoke("notify", payload) }) // one of them waits for a connection that never comes
	}
}

// webhooks come in by the function's URL: with the secret, with a wrong one, with
// half a body.
func (w *world) webhooks(c canaries) {
	for _, bearer := range []string{c["the webhooks' secret"], c.new("a wrong secret")} {
		for _, body := range []string{`{"to":{"user":"ann"},"text":"` + c.new("a webhook's text") + `"}`, `{"` + c.new("half a webhook"), c.new("a webhook that is a text")} {
			event, err := json.Marshal(map[string]any{
				"version": "2.0", "rawPath": "/", "rawQueryString": "user=" + c.new("a webhook's query"), "body": body,
				"headers":        map[string]string{"authorization": "Bearer " + bearer, "x-hub-signature-256": ""},
				"requestContext": map[string]any{"http": map[string]string{"method": "POST", "path": "/"}},
			})
			if err != nil {
				w.t.Fatal(err)
			}
			w.invoke("notify", string(event))
		}
	}
}

func withSignatures(t *testing.T, d *diary, c canaries) {
	s := service(t, map[string]string{"Auth": "iam", "LogLevel": "DEBUG"}, d.options())
	a := s.Access()
	signed, err := url.Parse(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	c["a presigned URL's signature"], c["a secret key"] = signed.Query().Get("X-Amz-Signature"), a.SecretAccessKey
	p := dialURL(t, a.URL, nil)
	p.sendText("hello " + c.new("a line of a signed connection"))
	p.nextText()
	bad := signed.Query()
	bad.Set("X-Amz-Signature", c.new("a wrong signature"))
	signed.RawQuery = bad.Encode()
	for _, address := range []string{signed.String(), s.URL(), s.URL() + "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=" + c.new("half a signature")} {
		if status := knock(t, address, nil); status != 403 {
			t.Errorf("%s: %d", address, status)
		}
	}
}

func withKeys(t *testing.T, d *diary, c canaries) {
	for _, params := range []map[string]string{{"Auth": "apikey"}, {"Auth": "none", "EdgeSecretA": edgeSecret}} {
		params["LogLevel"] = "DEBUG"
		s := service(t, params, d.options())
		c["the key of "+params["Auth"]] = s.Access().APIKey
		p := dialURL(t, s.URL(), http.Header{"X-Api-Key": {s.Access().APIKey}})
		p.sendText("hello " + c.new("a line of a connection with a key"))
		p.nextText()
		if status := knock(t, s.URL(), http.Header{"X-Api-Key": {c.new("a wrong key")}}); status != 403 {
			t.Errorf("a wrong key: %d", status)
		}
	}
}

// TestCanariesAreFound: a function that logs what it gets is caught, and so is a
// canary in disguise.
func TestCanariesAreFound(t *testing.T) {
	var d diary
	c := canaries{}
	leaky, err := build.Binaries(t.Context(), t.TempDir(), []string{"testdata/leaky"})
	if err != nil {
		t.Fatal(err)
	}
	s := runWith(t, load(t, nil), d.options(), func(f *sam.Function) {
		if f.LogicalID == "SendMessageFunction" || f.LogicalID == "NotifyFunction" {
			f.Command = []string{leaky["testdata/leaky"]}
		}
	})
	w := open(t, s)
	p := w.dial()
	p.sendText("hello " + c.new("a line"))
	p.send(wire.SendMessage{Text: c.new("a prompt")})
	w.invoke("notify", `{"text":"`+c.new("a notification")+`"}`)
	for _, how := range []func([]byte) string{hex.EncodeToString, base64.StdEncoding.EncodeToString, base64.URLEncoding.EncodeToString} {
		d.line("f", "", []byte("body="+how([]byte(`{"text":"`+c.new(fmt.Sprint("a disguise ", len(c)))+`"}`))))
	}
	eventually(t, "all of them are found", func() bool { return len(d.leaks(c)) >= len(c) })
	if more := d.leaks(canaries{"a canary that nobody said": "canary" + rand.Text()}); len(more) > 0 {
		t.Errorf("found %q", more)
	}
}
