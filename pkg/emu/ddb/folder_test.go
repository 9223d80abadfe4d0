package ddb_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kaiwa/pkg/emu/ddb"
)

// opened is a server whose tables are kept in dir, closed at the end of the test.
func opened(t testing.TB, dir string, o *ddb.Options) *ddb.Server {
	t.Helper()
	s, err := ddb.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// done serves a request that must succeed.
func done(t testing.TB, s *ddb.Server, op, body string) map[string]any {
	t.Helper()
	status, answer := raw(t, s, request(op, body))
	if status != 200 {
		t.Fatalf("%s %.100s: %d %v", op, body, status, answer)
	}
	return answer
}

const everyKind = `{"S":"日本\n"},"n":{"N":"-1.50e3"},"b":{"B":"AP8="},"t":{"BOOL":true},"f":{"BOOL":false},"nil":{"NULL":true},
	"ss":{"SS":["b","a"]},"ns":{"NS":["2","1"]},"bs":{"BS":["AA=="]},"l":{"L":[{"L":[]},{"S":""}]},"m":{"M":{"":{"M":{}},"x.y":{"N":"0"}}}`

// All that writes is there after a restart, and all that reads answers the same.
func TestFolderKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 22, 1, 2, 3, 4e6, time.UTC)
	o := &ddb.Options{Clock: func() time.Time { return now }}
	s := opened(t, dir, o)
	transaction := func(token string) string {
		return `{"ClientRequestToken":"` + token + `","TransactItems":[
			{"Update":{"TableName":"chat","Key":{"pk":{"S":"t"},"sk":{"S":"1"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}},
			{"ConditionCheck":{"TableName":"chat","Key":{"pk":{"S":"t"},"sk":{"S":"2"}},"ConditionExpression":"attribute_not_exists(pk)"}}]}`
	}
	for _, step := range []struct{ op, body string }{
		{"CreateTable", chatTable},
		{"CreateTable", strings.Replace(chatTable, `"chat"`, `"gone"`, 1)},
		{"CreateTable", `{"TableName":"provisioned","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6},"DeletionProtectionEnabled":true,
			"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"B"}]}`},
		{"PutItem", `{"TableName":"chat","Item":{"pk":{"S":"a"},"sk":{"S":"1"},"g":{"S":"G"},"s":` + everyKind + `}}`},
		{"PutItem", `{"TableName":"chat","Item":{"pk":{"S":"a"},"sk":{"S":"2"},"g":{"S":"G"}}}`},
		{"DeleteItem", `{"TableName":"chat","Key":{"pk":{"S":"a"},"sk":{"S":"2"}}}`},
		{"DeleteItem", `{"TableName":"chat","Key":{"pk":{"S":"a"},"sk":{"S":"never"}}}`},
		{"UpdateItem", `{"TableName":"chat","Key":{"pk":{"S":"u"},"sk":{"S":"1"}},"UpdateExpression":"SET g = :g","ExpressionAttributeValues":{":g":{"S":"G"}}}`},
		{"BatchWriteItem", `{"RequestItems":{"chat":[{"PutRequest":{"Item":{"pk":{"S":"b"},"sk":{"S":"1"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"b"},"sk":{"S":"2"}}}}]}}`},
		{"TransactWriteItems", transaction("token")},
		{"UpdateTimeToLive", `{"TableName":"chat","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}}`},
		{"UpdateTimeToLive", `{"TableName":"provisioned","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}}`},
		{"UpdateTimeToLive", `{"TableName":"provisioned","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":false}}`},
		{"PutItem", `{"TableName":"chat","Item":{"pk":{"S":"e"},"sk":{"S":"1"},"ttl":{"N":"` + fmt.Sprint(now.Unix()) + `"}}}`},
		{"DeleteTable", `{"TableName":"gone"}`},
	} {
		done(t, s, step.op, step.body)
	}
	same(t, "swept", s.Sweep(now), 1)
	ask := func(s *ddb.Server) (answers []map[string]any) {
		for _, c := range []struct{ op, body string }{
			{"ListTables", `{}`}, {"DescribeTable", `{"TableName":"chat"}`}, {"DescribeTable", `{"TableName":"provisioned"}`},
			{"DescribeTimeToLive", `{"TableName":"chat"}`}, {"DescribeTimeToLive", `{"TableName":"provisioned"}`}, {"Scan", `{"TableName":"chat"}`},
			{"Query", `{"TableName":"chat","IndexName":"by-g","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"G"}}}`},
		} {
			answers = append(answers, done(t, s, c.op, c.body))
		}
		return answers
	}
	before := ask(s)
	must(t, s.Close())
	for range 2 { // the second has read what the first wrote, if anything
		s = opened(t, dir, o)
		same(t, "after a restart", ask(s), before)
		done(t, s, "TransactWriteItems", transaction("token"))
		same(t, "a repeated token writes nothing", ask(s), before)
		if status, answer := raw(t, s, request("TransactWriteItems", strings.Replace(transaction("token"), `"1"`, `"9"`, 1))); status != 400 || !strings.Contains(fmt.Sprint(answer["__type"]), "IdempotentParameterMismatch") {
			t.Errorf("another request under the token: %d %v", status, answer)
		}
		must(t, s.Close())
	}
	now = now.Add(11 * time.Minute)
	s = opened(t, dir, o)
	done(t, s, "TransactWriteItems", transaction("token"))
	if got := fmt.Sprint(ask(s)); got == fmt.Sprint(before) {
		t.Error("the token is never forgotten")
	}
	if status, _ := raw(t, s, request("CreateTable", chatTable)); status != 400 {
		t.Error("a table is made twice")
	}
}

// What grew is rewritten, while it is in use and by Open, and nothing of it is lost.
func TestFolderIsRewritten(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, nil)
	done(t, s, "CreateTable", chatTable)
	done(t, s, "UpdateTimeToLive", `{"TableName":"chat","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}}`)
	done(t, s, "TransactWriteItems", `{"ClientRequestToken":"token","TransactItems":[{"Put":{"TableName":"chat","Item":{"pk":{"S":"t"},"sk":{"S":"t"}}}}]}`)
	for i := range 250 { // more than stand in one record
		done(t, s, "PutItem", fmt.Sprintf(`{"TableName":"chat","Item":{"pk":{"S":"few"},"sk":{"S":"%d"},"g":{"S":"G"}}}`, i))
	}
	size := func() int {
		b, err := os.ReadFile(filepath.Join(dir, "records.log"))
		must(t, err)
		return len(b)
	}
	most := 0
	pad := strings.Repeat("x", 100_000)
	for i := range 200 {
		done(t, s, "PutItem", fmt.Sprintf(`{"TableName":"chat","Item":{"pk":{"S":"a"},"sk":{"S":"%d"},"pad":{"S":"%s"}}}`, i%3, pad))
		most = max(most, size())
	}
	if most > 6<<20 {
		t.Errorf("the log grew to %d bytes", most)
	}
	before := s.Items("chat")
	must(t, s.Close())
	s = opened(t, dir, nil)
	same(t, "items", s.Items("chat"), before)
	same(t, "index", done(t, s, "Query", `{"TableName":"chat","IndexName":"by-g","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"G"}}}`)["Count"], any(250.0))
	same(t, "ttl", done(t, s, "DescribeTimeToLive", `{"TableName":"chat"}`)["TimeToLiveDescription"].(map[string]any)["AttributeName"], any("ttl"))
	done(t, s, "TransactWriteItems", `{"ClientRequestToken":"token","TransactItems":[{"Put":{"TableName":"chat","Item":{"pk":{"S":"t"},"sk":{"S":"t"}}}}]}`)
	if status, _ := raw(t, s, request("TransactWriteItems", `{"ClientRequestToken":"token","TransactItems":[{"Delete":{"TableName":"chat","Key":{"pk":{"S":"t"},"sk":{"S":"t"}}}}]}`)); status != 400 {
		t.Error("the token was forgotten")
	}
}

func TestFolderRefuses(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, nil)
	done(t, s, "CreateTable", chatTable)
	refused := func(want string) {
		t.Helper()
		if s, err := ddb.Open(dir, nil); err == nil || err.Error() != want {
			t.Errorf("got %v, %v, want %s", s, err, want)
		}
	}
	refused(fmt.Sprintf("tables in %s: another process (%d) uses it: end that, or name another folder", dir, os.Getpid()))
	must(t, s.Close())
	for op, body := range map[string]string{
		"PutItem": `{"TableName":"chat","Item":{"pk":{"S":"a"},"sk":{"S":"b"}}}`, "CreateTable": strings.Replace(chatTable, `"chat"`, `"more"`, 1),
		"DeleteTable": `{"TableName":"chat"}`, "UpdateTimeToLive": `{"TableName":"chat","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}}`,
	} {
		if status, _ := raw(t, s, request(op, body)); status != 500 {
			t.Errorf("%s after Close: %d", op, status)
		}
	}
	same(t, "what could not be kept did not happen", done(t, s, "Scan", `{"TableName":"chat"}`)["Count"], any(0.0))
	same(t, "nor tables", fmt.Sprint(done(t, s, "ListTables", `{}`)["TableNames"]), "[chat]")

	log := filepath.Join(dir, "records.log")
	b, err := os.ReadFile(log)
	must(t, err)
	must(t, os.WriteFile(log, append(bytes.Clone(b[:len(b)-3]), "???"...), 0o600))
	refused("tables in " + dir + ": " + log + ": damaged at byte 16, by a power cut or another program: " +
		"remove the file, or cut it there (truncate -s 16) to keep what was written before")
	must(t, os.WriteFile(log, b[:len(b)-3], 0o600))
	var said bytes.Buffer
	s = opened(t, dir, &ddb.Options{Logger: slog.New(slog.NewTextHandler(&said, nil))})
	if !strings.Contains(said.String(), "cut off") || len(done(t, s, "ListTables", `{}`)["TableNames"].([]any)) != 0 {
		t.Errorf("after a write that was not finished: %s", &said)
	}
}
