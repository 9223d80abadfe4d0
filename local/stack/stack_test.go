package stack_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/coder/websocket"

	"kaiwa/local/faults"
	"kaiwa/local/stack"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/emu/sam"
)

// A function answers over a real socket, plain and TLS, through all four
// endpoints, and through the address in its event.
func TestEcho(t *testing.T) {
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	s := start(t, "none", &stack.Options{CAFile: caFile})
	for _, url := range []string{s.URL(), strings.Replace(s.URL(), "ws:", "wss:", 1)} {
		ws := dial(t, url, &websocket.DialOptions{HTTPClient: client(t, caFile)})
		if got := say(t, ws, "world"); got != "hello world" {
			t.Errorf("%s: %q", url, got)
		}
		if got := say(t, ws, "tls"); got != "over tls" {
			t.Errorf("%s: %q", url, got)
		}
		if got := say(t, ws, "model "+demoModel); len(got) < 5 {
			t.Errorf("%s: the model says %q", url, got)
		}
	}
	if tables, items := scan(t, here(s)); tables != 1 || items != 2 {
		t.Errorf("%d tables with %d items, want 1 with 2", tables, items)
	}
}

// scan counts the tables and items of a DynamoDB with the real SDK.
func scan(t *testing.T, endpoint string) (tables, items int) {
	t.Helper()
	db := dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: aws.String(endpoint), HTTPClient: client(t, ""),
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	list, err := db.ListTables(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list.TableNames {
		out, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		items += int(out.Count)
	}
	return len(list.TableNames), items
}

// DynamoDB calls a table what the template's own GetAtt does.
func TestTableARN(t *testing.T) {
	const text = `
Outputs: {Arn: {Value: !GetAtt T.Arn}}
Resources:
  T:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Api, StageName: dev, AutoDeploy: true}}
`
	template, err := sam.Parse("template.yaml", []byte(text), &sam.Options{Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	s := run(t, template, &stack.Options{Region: "eu-west-1"})
	_, answer := ask(t, http.MethodPost, here(s), `{"TableName":"local-T"}`, func(r *http.Request) {
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.DescribeTable")
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	})
	if want := template.Outputs()["Arn"]; !strings.Contains(answer, `"TableArn":"`+want+`"`) {
		t.Errorf("GetAtt says %s, DynamoDB %s", want, answer)
	}
}

func TestStats(t *testing.T) {
	s := start(t, "none", nil)
	ws := dial(t, s.URL(), nil)
	posted := say(t, ws, "one") + say(t, ws, "model "+demoModel)
	eventually(t, func() bool { // a message arrives before its post is answered
		n := s.Stats()
		return n.Posts[200] == 2 && n.Model.Completed == 1 && n.Functions["local-Worker"].InFlight == 0
	})

	status, body := ask(t, "GET", here(s)+"/_local/stats", "", nil)
	var got stack.Stats
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
		t.Fatalf("status %d, %v", status, err)
	}
	if got.Posts[200] != 2 || got.PostedBytes != int64(len(posted)) || got.Connections != 1 || got.Opened != 1 || got.Messages != 2 {
		t.Errorf("posts %v, %d bytes, %d connections, %d opened, %d messages",
			got.Posts, got.PostedBytes, got.Connections, got.Opened, got.Messages)
	}
	if got.Table["PutItem"] != (stack.TableStats{Calls: 1, WriteUnits: 1}) {
		t.Errorf("table %+v", got.Table)
	}
	if got.Model.Calls != 1 || got.Model.Tokens != 5 {
		t.Errorf("model %+v", got.Model)
	}
	var invocations, cold int64
	var billed float64
	for _, f := range got.Functions {
		invocations, cold, billed = invocations+f.Invocations, cold+f.ColdStarts, billed+f.GBSeconds
	}
	// A function that is slow to ask for more work gets a second process.
	if invocations != 4 || cold < 2 || cold != int64(got.Processes) || billed <= 0 || len(got.Functions) != 2 || got.Goroutines == 0 {
		t.Errorf("functions %+v, %d processes, %d goroutines", got.Functions, got.Processes, got.Goroutines)
	}
	for _, name := range []string{`"postedBytes"`, `"coldStarts"`, `"gbSeconds"`, `"writeUnits"`, `"tokens"`, `"processes"`} {
		if !strings.Contains(body, name) {
			t.Errorf("no %s in %s", name, body)
		}
	}

	// Sockets leave the open ones and are counted by what closed them.
	binary := dial(t, s.URL(), nil)
	if err := binary.Write(t.Context(), websocket.MessageBinary, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := binary.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusUnsupportedData {
		t.Errorf("binary: %v", err)
	}
	if err := ws.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		n := s.Stats()
		return n.Connections == 0 && n.Opened == 2 && n.Closed[1000] == 1 && n.Closed[1003] == 1 && len(n.Closed) == 2
	})
}

func TestFaultsOverHTTP(t *testing.T) {
	plan, err := faults.Parse("socket.cut=1/1")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, "none", &stack.Options{Faults: plan})
	url := here(s) + "/_local/faults"

	ws := dial(t, s.URL(), nil)
	if err := ws.Write(t.Context(), websocket.MessageText, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != -1 || err == nil {
		t.Errorf("the socket was not cut: %v", err)
	}
	for _, step := range []struct {
		method, body string
		status       int
		want         string
	}{
		{"GET", "", 200, "socket.cut=1/1"},
		{"POST", "post.410=1/1\n", 200, "post.410=1/1"},
		{"POST", "post.410=sometimes", 400, `fault post.410: "sometimes" is neither 1/5 (every fifth) nor 5 (the fifth only)`},
		{"GET", "", 200, "post.410=1/1"},
		{"PUT", "", 405, "Method Not Allowed"},
	} {
		if status, got := ask(t, step.method, url, step.body, nil); status != step.status || got != step.want {
			t.Errorf("%s %q: %d %q, want %d %q", step.method, step.body, status, got, step.status, step.want)
		}
	}
	ws = dial(t, s.URL(), nil)
	if got := say(t, ws, "two"); !strings.Contains(got, "Internal server error") {
		t.Errorf("with every post refused: %q", got)
	}
	if status, got := ask(t, "POST", url, "", nil); status != 200 || got != "" {
		t.Errorf("clear: %d %q", status, got)
	}
	if got := say(t, ws, "three"); got != "hello three" {
		t.Errorf("without faults: %q", got)
	}
	if n := s.Stats().Posts[410]; n != 1 {
		t.Errorf("%d posts were 410, want 1", n)
	}
}

// With another DynamoDB the tables and items are there, and the embedded one does
// not answer.
func TestOtherDynamoDB(t *testing.T) {
	endpoint, _ := ddb.Start(t, nil)
	for range 2 { // the second finds its tables made
		s := start(t, "none", &stack.Options{DynamoDB: endpoint})
		dial(t, s.URL(), nil)
		if status, _ := ask(t, "POST", here(s), "{}", func(r *http.Request) {
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
		}); status != 403 {
			t.Errorf("the embedded one answers %d", status)
		}
	}
	if tables, items := scan(t, endpoint); tables != 1 || items != 2 {
		t.Errorf("%d tables with %d items, want 1 with 2", tables, items)
	}
}

// When Start fails nothing is left: neither the listener nor what was started.
func TestStartFails(t *testing.T) {
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	one := load(t, "none", "")
	tests := []struct {
		name     string
		template *sam.Template
		o        stack.Options
		want     string
	}{
		{"no API", parse(t, "empty.yaml", "Resources: {T: {Type: AWS::SNS::Topic}}", nil), stack.Options{}, stack.ErrNoAPI.Error()},
		{"one stage twice", parse(t, "two.yaml", strings.Replace(twoAPIs, "two", "one", 1), nil), stack.Options{}, "two APIs have a stage one"},
		{"table refused", one, stack.Options{DynamoDB: "http://127.0.0.1:1", CAFile: caFile}, "create table"},
		{"certificate refused", one, stack.Options{CAFile: filepath.Join(caFile, "deeper")}, "certificate"},
		{"no credentials", one, stack.Options{DynamoDB: "https://dynamodb.eu-west-1.amazonaws.com"}, "AWS_ACCESS_KEY_ID"},
	}
	for _, tt := range tests {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, err = stack.Start(t.Context(), l, tt.template, functions(t, tt.template), &tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: the listener is open: %v", tt.name, err)
		}
	}
	if _, err := os.Stat(caFile); !os.IsNotExist(err) {
		t.Errorf("the certificate is left: %v", err)
	}
}
