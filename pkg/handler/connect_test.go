package handler_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/wire"
)

// door records what Connect stores.
type door struct {
	opened []chat.Connection
	left   []string // withdrawn
	handler.Crowds
	revoked time.Time // tokens from before
	fail    error
	handler.Topics
}

func (d *door) Open(_ context.Context, c chat.Connection) error {
	d.opened = append(d.opened, c)
	return d.fail
}

func (d *door) Withdraw(_ context.Context, _, id string) error {
	d.left = append(d.left, id)
	return d.fail
}

func (d *door) Revoked(_ context.Context, id chat.Identity) (bool, error) {
	return id.Issued.Before(d.revoked), d.fail
}

func (d *door) Home(context.Context, string) (chat.Home, error) { return chat.Home{}, d.fail }

func (d *door) Join(context.Context, string, string, []string) error { return d.fail }

// TestConnectStatus: the status becomes that of the handshake, and a browser
// wants exactly one subprotocol back (aws-facts §3).
func TestConnectStatus(t *testing.T) {
	list := []string{"https://chat.example", "http://localhost:5173"}
	tests := map[string]struct {
		origins  []string
		headers  map[string]string
		fail     error
		status   int
		protocol string // answered
		mode     chat.Mode
	}{
		"wscat":                       {status: 200},
		"an allowed origin":           {list, map[string]string{"Origin": "https://chat.example"}, nil, 200, "", ""},
		"another one":                 {list, map[string]string{"origin": "http://localhost:5173"}, nil, 200, "", ""},
		"in capitals":                 {list, map[string]string{"ORIGIN": "HTTPS://CHAT.example"}, nil, 200, "", ""},
		"no origin is no browser":     {list, map[string]string{"User-Agent": "x"}, nil, 200, "", ""},
		"a foreign origin":            {list, map[string]string{"Origin": "https://evil.example"}, nil, 403, "", ""},
		"a longer origin":             {list, map[string]string{"Origin": "https://chat.example.evil.example"}, nil, 403, "", ""},
		"another scheme":              {list, map[string]string{"Origin": "http://chat.example"}, nil, 403, "", ""},
		"another port":                {list, map[string]string{"Origin": "https://chat.example:8443"}, nil, 403, "", ""},
		"a sandboxed frame":           {list, map[string]string{"Origin": "null"}, nil, 403, "", ""},
		"all origins":                 {[]string{"*"}, map[string]string{"Origin": "https://any.example"}, nil, 200, "", ""},
		"no browsers at all":          {nil, map[string]string{"Origin": "https://chat.example"}, nil, 403, "", ""},
		"JSON":                        {nil, map[string]string{"Sec-WebSocket-Protocol": "kaiwa.v1"}, nil, 200, "kaiwa.v1", chat.ModeJSON},
		"lines":                       {nil, map[string]string{"sec-websocket-protocol": "kaiwa.text.v1"}, nil, 200, "kaiwa.text.v1", chat.ModePlain},
		"a browser's list":            {nil, map[string]string{"Sec-WebSocket-Protocol": "graphql-ws, kaiwa.v1, chat"}, nil, 200, "kaiwa.v1", chat.ModeJSON},
		"a list without spaces":       {nil, map[string]string{"Sec-WebSocket-Protocol": "x,kaiwa.text.v1,kaiwa.v1"}, nil, 200, "kaiwa.text.v1", chat.ModePlain},
		"a token beside it":           {nil, map[string]string{"Sec-WebSocket-Protocol": "bearer.eyJhbGciOi, kaiwa.v1"}, nil, 200, "kaiwa.v1", chat.ModeJSON},
		"a token alone":               {nil, map[string]string{"Sec-WebSocket-Protocol": "bearer.eyJhbGciOi"}, nil, 400, "", ""},
		"a protocol nobody speaks":    {nil, map[string]string{"Sec-WebSocket-Protocol": "graphql-ws"}, nil, 400, "", ""},
		"another version":             {nil, map[string]string{"Sec-WebSocket-Protocol": "kaiwa.v2, KAIWA.V1"}, nil, 400, "", ""},
		"an empty list":               {nil, map[string]string{"Sec-WebSocket-Protocol": " "}, nil, 200, "", ""},
		"a list of nothing":           {nil, map[string]string{"Sec-WebSocket-Protocol": ","}, nil, 400, "", ""},
		"the table is down":           {nil, nil, errDead, 500, "", ""},
		"foreign, the table down too": {list, map[string]string{"Origin": "https://evil.example"}, errDead, 403, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			log, store := &syncBuffer{}, &door{fail: tt.fail}
			h := &handler.Connect{Store: store, Auth: "none", Origins: tt.origins, Logger: log.logger()}
			res, err := h.Handle(t.Context(), events.APIGatewayWebsocketProxyRequest{Headers: tt.headers,
				RequestContext: events.APIGatewayWebsocketProxyRequestContext{ConnectionID: "c1=", ConnectedAt: 1763805600123}})
			if err != nil || res.StatusCode != tt.status || res.Headers["Sec-WebSocket-Protocol"] != tt.protocol || (tt.protocol == "") != (len(res.Headers) == 0) {
				t.Fatalf("got %+v, %v", res, err)
			}
			if (res.StatusCode == http.StatusOK) != (log.String() == "") || strings.Contains(log.String(), "eyJ") {
				t.Errorf("logged %q", log.String())
			}
			if tt.status == 400 || tt.status == 403 {
				if len(store.opened) != 0 {
					t.Errorf("stored %+v", store.opened)
				}
				return
			}
			c := store.opened[0]
			if c.ID != "c1=" || c.User != "anonymous" || c.Mode != tt.mode || c.Fixed != (tt.protocol != "") ||
				c.At.UnixMilli() != 1763805600123 || len(c.Conversation) != 22 || c.Gone || c.Warned {
				t.Errorf("stored %+v", c)
			}
		})
	}
}

// TestConnectUser: who somebody is, by way of authorization (DESIGN §3.1).
func TestConnectUser(t *testing.T) {
	identity := func(i events.APIGatewayRequestIdentity) events.APIGatewayWebsocketProxyRequestContext {
		return events.APIGatewayWebsocketProxyRequestContext{Identity: i}
	}
	authorizer := func(a any) events.APIGatewayWebsocketProxyRequestContext {
		return events.APIGatewayWebsocketProxyRequestContext{Authorizer: a}
	}
	everything := events.APIGatewayWebsocketProxyRequestContext{Authorizer: map[string]any{"principalId": "iss sub", "expires": "1763809200"},
		Identity: events.APIGatewayRequestIdentity{CognitoIdentityID: "cognito", UserArn: "arn", APIKeyID: "key"}}
	const none = "" // refused
	tests := map[string]struct {
		auth    string
		query   string
		context events.APIGatewayWebsocketProxyRequestContext
		user    string
	}{
		"jwt":                            {"jwt", "mallory", everything, "iss sub"},
		"iam with Cognito":               {"iam", "mallory", everything, "cognito"},
		"iam":                            {"iam", "mallory", identity(events.APIGatewayRequestIdentity{UserArn: "arn:aws:iam::1:user/a", APIKeyID: "key"}), "arn:aws:iam::1:user/a"},
		"apikey":                         {"apikey", "mallory", everything, "key"},
		"none":                           {"none", "alice", everything, "alice"},
		"none without a name":            {"none", "", everything, "anonymous"},
		"none in Japanese":               {"none", "太郎 👩‍👧", everything, "太郎 👩‍👧"},
		"jwt without authorizer":         {"jwt", "mallory", events.APIGatewayWebsocketProxyRequestContext{}, none},
		"jwt without principal":          {"jwt", "mallory", authorizer(map[string]any{"sub": "a", "expires": "1763809200"}), none},
		"jwt with an odd principal":      {"jwt", "mallory", authorizer(map[string]any{"principalId": 5, "expires": "1763809200"}), none},
		"jwt with an odd authorizer":     {"jwt", "mallory", authorizer("iss sub"), none},
		"iam without identity":           {"iam", "mallory", identity(events.APIGatewayRequestIdentity{APIKeyID: "key"}), none},
		"apikey without key id":          {"apikey", "mallory", identity(events.APIGatewayRequestIdentity{APIKey: "the key itself"}), none},
		"an authorization nobody offers": {"basic", "mallory", everything, none},
		"no authorization configured":    {"", "mallory", everything, none},
		"512 bytes":                      {"none", strings.Repeat("x", 512), everything, strings.Repeat("x", 512)},
		"513 bytes":                      {"none", strings.Repeat("x", 513), everything, none},
		"513 bytes of 171 characters":    {"none", strings.Repeat("語", 171), everything, none},
		"a line end":                     {"none", "alice\n", everything, none},
		"NUL":                            {"none", "\x00", everything, none},
		"escape":                         {"none", "\x1b[31malice", everything, none},
		"C1":                             {"none", "\u009b31m", everything, none},
		"a control in a principal":       {"jwt", "", authorizer(map[string]any{"principalId": "iss \x7f", "expires": "1763809200"}), none},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			store := &door{}
			ev := events.APIGatewayWebsocketProxyRequest{RequestContext: tt.context}
			if tt.query != "" {
				ev.QueryStringParameters = map[string]string{"user": tt.query}
			}
			res, err := (&handler.Connect{Store: store, Auth: tt.auth}).Handle(t.Context(), ev)
			if err != nil {
				t.Fatal(err)
			}
			if tt.user == none {
				if res.StatusCode != http.StatusForbidden || len(store.opened) != 0 {
					t.Errorf("got %d, stored %+v", res.StatusCode, store.opened)
				}
				return
			}
			if res.StatusCode != http.StatusOK || store.opened[0].User != tt.user {
				t.Errorf("got %d, stored %+v", res.StatusCode, store.opened)
			}
		})
	}
}

// TestConnectStores: what the real table makes of a handshake.
func TestConnectStores(t *testing.T) {
	d := newDesk(t)
	d.connect("c1", "alice", "graphql, kaiwa.text.v1")
	c := d.connection("c1")
	if c.User != "alice" || c.Mode != chat.ModePlain || !c.Fixed || c.Gone || time.Since(c.At) > time.Minute {
		t.Errorf("stored %+v", c)
	}
}

// TestUserConnections: a user has so many connections and no more, a place that
// becomes free is free, and one's bound is not another's.
func TestUserConnections(t *testing.T) {
	bubble(t, func(d *desk) {
		d.most = 3
		for _, conn := range []string{"c1", "c2", "c3"} {
			d.connect(conn, "alice", wire.SubprotocolJSON)
		}
		items := d.items()
		if got := d.handshake("c4", "alice", wire.SubprotocolJSON); got != http.StatusTooManyRequests {
			t.Errorf("one too many: %d", got)
		}
		if after := d.items(); after != items {
			t.Errorf("%d items became %d", items, after)
		}
		d.connect("b1", "bob", "")
		for i := range 5 { // these have no name, so that they are not one user
			d.connect(fmt.Sprint("n", i), chat.Anonymous, "")
		}
		if err := d.table.Close(d.t.Context(), "c2"); err != nil {
			t.Fatal(err)
		}
		d.connect("c5", "alice", "")
		if got := d.handshake("c6", "alice", ""); got != http.StatusTooManyRequests {
			t.Errorf("one too many: %d", got)
		}
		time.Sleep(4 * time.Hour) // nobody told the end of any of them
		d.connect("c7", "alice", "")
		d.fault.set("Query", ddb.Unavailable)
		if got := d.handshake("c8", "alice", ""); got != http.StatusInternalServerError {
			t.Errorf("nobody can count: %d", got)
		}
		d.fault.set("", nil)
		if n, err := d.table.CountConnections(d.t.Context(), "alice", 9); n != 1 || err != nil {
			t.Errorf("%d are counted, %v", n, err)
		}
	})
}

// TestUserConnectionsAtOnce: however many come at once, no more than there may be
// stay, and whoever was refused leaves nothing.
func TestUserConnectionsAtOnce(t *testing.T) {
	d := newDesk(t)
	d.most = 5
	for i := range 4 {
		d.connect(fmt.Sprint("c", i), "alice", "")
	}
	door := d.door()
	answers := make([]int, 12)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			res, err := door.Handle(t.Context(), events.APIGatewayWebsocketProxyRequest{QueryStringParameters: map[string]string{"user": "alice"},
				RequestContext: events.APIGatewayWebsocketProxyRequestContext{ConnectionID: fmt.Sprint("d", i)}})
			if err != nil {
				t.Error(err)
			}
			answers[i] = res.StatusCode
		})
	}
	all.Wait()
	in := 0
	for _, status := range answers {
		switch status {
		case http.StatusOK:
			in++
		case http.StatusTooManyRequests:
		default:
			t.Errorf("answered %d", status)
		}
	}
	conns, err := d.table.UserConnections(t.Context(), "alice")
	if err != nil || in > 1 || len(conns) != 4+in {
		t.Errorf("%d came in, %d are open, %v", in, len(conns), err)
	}
	if n, err := d.table.CountConnections(t.Context(), "alice", 5); err != nil || n != 4+in {
		t.Errorf("%d are counted, %v", n, err)
	}
}

// TestNewOrigins: what an operator writes is what browsers send, or is refused.
func TestNewOrigins(t *testing.T) {
	for text, want := range map[string][]string{
		"":                              nil,
		"*":                             {"*"},
		"https://chat.example":          {"https://chat.example"},
		"HTTPS://Chat.Example/":         {"https://chat.example"},
		"https://chat.example:443":      {"https://chat.example"},
		"http://chat.example:80, x":     {"http://chat.example", "?"},
		"https://chat.example:8443":     {"https://chat.example:8443"},
		"http://chat.example:443":       {"http://chat.example:443"},
		"http://[::1]:5173":             {"http://[::1]:5173"},
		"chrome-extension://abc":        {"chrome-extension://abc"},
		"https://a.example,*":           {"https://a.example", "*"},
		"null":                          {"?"},
		"chat.example":                  {"?"},
		"https://":                      {"?"},
		"https://chat.example/app":      {"?"},
		"https://chat.example?x":        {"?"},
		"https://user@chat.example":     {"?"},
		"https://*.chat.example":        {"?"},
		"https://chat.example:8443/#x":  {"?"},
		"javascript:alert(1)":           {"?"},
		"https://chat.example https://": {"?"},
	} {
		env := handler.NewEnv(func(string) string { return text })
		got := handler.NewOrigins(env, "ALLOWED_ORIGINS")
		if env.Err() != nil {
			got = append(got, "?")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", text, got, env.Err())
		}
	}
}
