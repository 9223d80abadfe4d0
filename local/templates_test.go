package main

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/coder/websocket"

	"kaiwa/local/stack"
	"kaiwa/pkg/emu/ddb"
)

// Templates in the style of public samples are run as their owners would run them,
// with the machine's node and python3 and the AWS SDKs that Lambda has: real
// functions, real SDK clients, real sockets.

// samples is where CI installs the Node.js SDKs: npm ci --prefix .ci/samples.
const samples = "../.ci/samples/node_modules"

// sample copies a template with its functions to a folder of its own, with the
// packages it needs above it. CI has all of them; elsewhere the test is skipped
// without.
func sample(t *testing.T, name string, needs ...string) (template string) {
	t.Helper()
	for _, need := range needs {
		if why := lacks(need); why != "" && os.Getenv("CI") != "" {
			t.Fatalf("CI needs %s", why)
		} else if why != "" {
			t.Skipf("this machine lacks %s", why)
		}
	}
	root := t.TempDir()
	folder := filepath.Join(root, name)
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("testdata/templates", name))); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(needs, "node") {
		packages, err := filepath.Abs(samples)
		if err == nil {
			err = os.Symlink(packages, filepath.Join(root, "node_modules"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, folder)
	t.Cleanup(func() {
		if after := tree(t, folder); !slices.Equal(after, before) {
			t.Errorf("the run changed the template's folder from %q to %q", before, after)
		}
	})
	return filepath.Join(folder, "template.yaml")
}

// lacks says what a machine lacks for node or boto3, "" if nothing.
func lacks(need string) string {
	if need == "boto3" {
		if out, err := exec.Command("python3", "-c", "import boto3").CombinedOutput(); err != nil {
			return "python3 with boto3: " + err.Error() + " " + string(out)
		}
		return ""
	}
	if _, err := exec.LookPath("node"); err != nil {
		return err.Error()
	}
	if _, err := os.Stat(samples); err != nil {
		return "the AWS SDK for node: run npm ci --prefix .ci/samples"
	}
	return ""
}

func tree(t *testing.T, folder string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(file string, _ fs.DirEntry, err error) error {
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// member is one open socket.
type member struct {
	t  *testing.T
	ws *websocket.Conn
}

// forCold is what a function's first answer may take where many others start too.
const forCold = time.Minute

func join(t *testing.T, url string) *member {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), forCold)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	return &member{t, ws}
}

func (m *member) say(text string) {
	m.t.Helper()
	if err := m.ws.Write(m.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *member) hears(want string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), forCold)
	defer cancel()
	_, got, err := m.ws.Read(ctx)
	if err != nil || !strings.HasPrefix(string(got), want) {
		m.t.Errorf("heard %q, %v, want %q", got, err, want)
	}
}

// runSample serves a template. The test must end it.
func runSample(t *testing.T, template string, args ...string) *running {
	t.Helper()
	return serve(t, append([]string{"-addr", "127.0.0.1:0", "-template", template}, args...)...)
}

// end ends a run with its sockets open.
func (r *running) end(t *testing.T) {
	t.Helper()
	if code := r.signalled(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// here is the run's address as http://127.0.0.1:PORT.
func (r *running) here() string {
	at := strings.Replace(r.url, "ws:", "http:", 1)
	return at[:strings.LastIndex(at, "/")]
}

// invoked waits until a function has done its work so many times.
func (r *running) invoked(t *testing.T, function string, times int64) {
	t.Helper()
	tick, limit := time.NewTicker(20*time.Millisecond), time.After(forCold)
	defer tick.Stop()
	for {
		var stats stack.Stats
		res, err := http.Get(r.here() + "/_local/stats")
		if err == nil {
			err = json.NewDecoder(res.Body).Decode(&stats)
			res.Body.Close()
		}
		if f := stats.Functions[function]; err == nil && f.Invocations >= times && f.InFlight == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s has run %d times, %v", function, stats.Functions[function].Invocations, err)
		}
	}
}

// tableAt is a client of the run's DynamoDB, or another.
func tableAt(t *testing.T, endpoint string) *dynamodb.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
}

// items counts what is in a table.
func items(t *testing.T, db *dynamodb.Client, name string) int32 {
	t.Helper()
	out, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(name)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Count
}

// CommonJS, an API of raw resources, and a broadcast over a Scan to an endpoint
// built from domainName and stage, with a connection in the table that is gone.
func TestChatSample(t *testing.T) {
	r := runSample(t, sample(t, "chat", "node"), "-param", "TableName=other_connections")
	defer r.end(t)
	if !strings.HasSuffix(r.url, "/Prod") {
		t.Errorf("url %s", r.url)
	}
	a, b := join(t, r.url), join(t, r.url)
	a.say(`{"message":"sendmessage","data":"hello all 会話"}`)
	a.hears("hello all 会話")
	b.hears("hello all 会話")

	db, name := tableAt(t, r.here()), aws.String("other_connections")
	gone := map[string]types.AttributeValue{"connectionId": &types.AttributeValueMemberS{Value: "AAAAAAAAAAAAAAA="}}
	if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: name, Item: gone}); err != nil {
		t.Fatal(err)
	}
	b.ws.Close(websocket.StatusNormalClosure, "")
	r.invoked(t, "local-OnDisconnect", 1)
	a.say(`{"message":"sendmessage","data":"who is left"}`)
	a.hears("who is left")
	r.invoked(t, "local-SendMessage", 2)
	if n := items(t, db, *name); n != 1 {
		t.Errorf("%d connections in the table, want one", n)
	}
	a.say(`{"message":"nosuch"}`)
	a.hears(`{"message": "Forbidden", `)
	if said := r.stderr.String(); !strings.Contains(said, "stale connection, deleting AAAAAAAAAAAAAAA=") {
		t.Errorf("the log is %s", said)
	}
}

// ES modules by package.json and by name, code in the template, an endpoint built
// from the API's id and region, a local index, a route response.
func TestESMSample(t *testing.T) {
	r := runSample(t, sample(t, "esm", "node"))
	defer r.end(t)
	m := join(t, r.url)
	m.say(`{"action":"hello","name":"Taro"}`)
	m.hears("hello Taro")
	for _, want := range []string{"count 1", "count 2"} {
		m.say(`{"action":"count"}`)
		m.hears(want)
	}
	m.say("anything")
	m.hears("you said anything")
}

// SAM's WebSocketApi: routes inline, an authorizer, Globals, a SimpleTable, stage
// variables, and the callback's address in a variable.
func TestWebSocketAPISample(t *testing.T) {
	r := runSample(t, sample(t, "websocketapi", "node"))
	defer r.end(t)
	for query, want := range map[string]int{"": 401, "?token=wrong": 401} {
		_, res, err := websocket.Dial(t.Context(), r.url+query, nil)
		if err == nil || res == nil || res.StatusCode != want {
			t.Errorf("with %q: %v, want %d", query, err, want)
		}
	}
	for _, step := range []struct{ name, want string }{{"Ana", "welcome Ana"}, {"Ben", "welcome Ana, Ben"}} {
		m := join(t, r.url+"?token=open-sesame&name="+step.name)
		m.say(`{"action":"join","room":"garden"}`)
		m.hears(step.want)
		m.say(`{"action":"ping"}`)
		m.hears("pong")
	}
}

// Version 2 of the AWS SDK finds DynamoDB here although it reads no endpoints.
func TestSDK2Sample(t *testing.T) {
	r := runSample(t, sample(t, "sdk2", "node"))
	defer r.end(t)
	m := join(t, r.url)
	m.say("old but gold")
	m.hears("stored old but gold")
	m.hears("GoneException 410")
	m.hears("NotEmulated: PUT /uploads/a is not here: this local run has no s3")
	if n := items(t, tableAt(t, r.here()), "local-Table"); n != 1 {
		t.Errorf("%d items here, want 1", n)
	}
}

// Python with boto3, which insists on https for the endpoint it builds, and a table
// with an index and a TTL in another DynamoDB.
func TestPythonSample(t *testing.T) {
	endpoint, _ := ddb.Start(t, nil)
	r := runSample(t, sample(t, "python", "boto3"), "-dynamodb", endpoint)
	defer r.end(t)
	a, b, other := join(t, r.url), join(t, r.url+"?room=lobby"), join(t, r.url+"?room=attic")
	a.say(`{"action":"say","text":"hello lobby"}`)
	a.hears("hello lobby")
	b.hears("hello lobby")
	a.say(`{"action":"say","room":"attic","text":"hello attic"}`)
	other.hears("hello attic")
	b.ws.Close(websocket.StatusNormalClosure, "")
	r.invoked(t, "local-Presence", 4)
	if n := items(t, tableAt(t, endpoint), "local-Connections"); n != 2 {
		t.Errorf("%d connections in the table, want 2", n)
	}
	r.stderr.await(t, "said to 2")
}

// What cannot run is named, a line each; the rest runs.
func TestMixedSample(t *testing.T) {
	r := runSample(t, sample(t, "mixed", "boto3"), "-import", "shared-network=vpc-1")
	defer r.end(t)
	m := join(t, r.url)
	m.say(`{"action":"echo","text":"hi"}`)
	m.hears("hi from vpc-1")
	m.say(`{"action":"echo","text":"upload"}`)
	m.hears("An error occurred (NotEmulated) when calling the PutObject operation: PUT /local-Uploads/a is not here: this local run has no s3")
	for _, route := range []string{"report", "draw", "forward", "shared"} {
		m.say(`{"action":"` + route + `"}`)
		m.hears(`{"message": "Internal server error", `)
	}
	said := r.stderr.String()
	for _, want := range []string{
		"Echo: layers cannot run here: put what they have into the function",
		"Echo: event Nightly of type Schedule cannot run here: invoke the function yourself",
		"template.yaml:61: Draw: a container image cannot run here: use a zip package",
		"template.yaml:68: ForwardIntegration: an integration of type HTTP_PROXY cannot run here: only AWS_PROXY and MOCK are emulated",
		"template.yaml:78: IntegrationUri leads to a function that is not in this template: shared-function",
		"Uploads: AWS::S3::Bucket cannot run here: there are no buckets here",
		"Work: AWS::SQS::Queue cannot run here: there are no queues here",
		"Reader: AWS::Lambda::EventSourceMapping cannot run here: nothing reads streams and queues here",
		"without effect here: AWS::CloudWatch::Alarm\n",
		": ReportRoute: route report answers “Internal server error”: Report: java21 cannot run here: only Go, Node.js and Python do\n",
		": DrawRoute: route draw answers “Internal server error”: Draw: a container image cannot run here: use a zip package\n",
		": ForwardRoute: route forward answers “Internal server error”: ForwardIntegration: an integration of type HTTP_PROXY cannot run here: only AWS_PROXY and MOCK are emulated\n",
		": SharedRoute: route shared answers “Internal server error”: IntegrationUri leads to a function that is not in this template: shared-function\n",
		": Cleanup: ruby3.3 cannot run here: only Go, Node.js and Python do\n",
		"a service that is not here was called function=Echo service=s3",
	} {
		if strings.Count(said, want) != 1 {
			t.Errorf("not once %q in\n%s", want, said)
		}
	}
	if strings.Contains(said, "shared-network") {
		t.Errorf("a given import is complained of:\n%s", said)
	}
}
