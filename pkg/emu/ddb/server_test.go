package ddb_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/emu/ddb"
)

// faulty is a Faults that fails as told, and remembers what it was asked.
type faulty struct {
	mu    sync.Mutex
	err   func(op, table string) error
	asked []string
}

func (f *faulty) set(err func(op, table string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *faulty) always(err error) { f.set(func(string, string) error { return err }) }

func (f *faulty) ask(op, table string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, op)
	if f.err == nil {
		return nil
	}
	return f.err(op, table)
}

// start serves a table named chat, with pk and sk, under these options.
func start(t testing.TB, o *ddb.Options) (*db, *ddb.Server) {
	t.Helper()
	endpoint, s := ddb.Start(t, o)
	if err := s.CreateTable([]byte(chatTable)); err != nil {
		t.Fatal(err)
	}
	return &db{client(endpoint), true}, s
}

func TestFaultsBefore(t *testing.T) {
	var f faulty
	d, s := start(t, &ddb.Options{Faults: f.ask})
	put := func() error {
		_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("chat"), Item: attrs(key)})
		return err
	}
	transact := func() error {
		return d.transact(t, "", transactPut("chat", key), transactPut("chat", m{"pk": "b", "sk": "b"}))
	}
	for _, c := range []struct {
		fault     error
		put, tran string
	}{
		{ddb.Throttle, "ProvisionedThroughputExceededException", "ProvisionedThroughputExceededException"},
		{fmt.Errorf("wrapped: %w", ddb.Throttle), "ProvisionedThroughputExceededException", "ProvisionedThroughputExceededException"},
		{ddb.Unavailable, "InternalServerError", "InternalServerError"},
		{errors.New("anything"), "InternalServerError", "InternalServerError"},
		{ddb.Conflict, "TransactionConflictException", "TransactionCanceledException"},
	} {
		f.always(c.fault)
		d.refused(t, c.fault.Error(), put(), c.put, "")
		d.refused(t, c.fault.Error(), transact(), c.tran, "")
	}
	same(t, "reasons", reasons(t, transact()), []string{"TransactionConflict", "None"})
	same(t, "nothing was written", s.Items("chat"), []map[string]any{})
	f.set(nil)
	must(t, put())
	same(t, "now it was", len(s.Items("chat")), 1)

	n := s.Counts()["PutItem"]
	same(t, "counts", []int{n.Calls, n.Throttled, n.Errors}, []int{6, 2, 3})
	same(t, "units", n.WriteUnits, 1.0)
}

func TestFaultsAfter(t *testing.T) {
	var f faulty
	d, s := start(t, &ddb.Options{FaultsAfter: f.ask})
	f.always(ddb.Throttle)
	for i := range 3 { // the answer is lost, not the write
		_, err := d.update(t, "chat", update{key: key, expr: "ADD n :one", values: m{":one": 1}})
		d.refused(t, "update", err, "InternalServerError", "")
		same(t, "written", s.Items("chat")[0]["n"], any(map[string]any{"N": fmt.Sprint(i + 1)}))
	}
	token := unique()
	d.refused(t, "transaction", d.transact(t, token, transactUpdate("chat", key, "ADD n :one", m{":one": 1})), "InternalServerError", "")
	f.set(nil)
	must(t, d.transact(t, token, transactUpdate("chat", key, "ADD n :one", m{":one": 1})))
	same(t, "a repeated token writes once", s.Items("chat")[0]["n"], any(map[string]any{"N": "4"}))
	_, err := d.update(t, "chat", update{key: key, expr: "ADD n :one", cond: "n = :one", values: m{":one": 1}})
	d.refused(t, "what was refused anyway is not lost", err, failed, "")
}

func TestFaultsInBatches(t *testing.T) {
	var f faulty
	d, s := start(t, &ddb.Options{Faults: f.ask})
	n := 0
	everyOther := func(string, string) error {
		if n++; n%2 == 0 {
			return ddb.Throttle
		}
		return nil
	}
	f.set(everyOther)
	todo := map[string][]types.WriteRequest{"chat": nil}
	for i := range 8 {
		todo["chat"] = append(todo["chat"], putRequest(m{"pk": fmt.Sprint(i), "sk": "x"}))
	}
	calls := 0
	for ; len(todo) > 0; calls++ {
		out, err := d.batchWrite(t, todo)
		must(t, err)
		todo = out.UnprocessedItems
	}
	same(t, "calls until all was written", []int{calls, len(s.Items("chat"))}, []int{4, 8})

	gets := map[string]types.KeysAndAttributes{"chat": {ProjectionExpression: aws.String("pk"), ConsistentRead: aws.Bool(true)}}
	for i := range 8 {
		keys := gets["chat"]
		keys.Keys = append(keys.Keys, attrs(m{"pk": fmt.Sprint(i), "sk": "x"}))
		gets["chat"] = keys
	}
	n = 0
	seen := map[any]int{}
	for len(gets) > 0 {
		out, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: gets})
		must(t, err)
		for _, it := range out.Responses["chat"] {
			seen[plainAttrs(it)["pk"]]++
		}
		if gets = out.UnprocessedKeys; len(gets) > 0 && aws.ToString(gets["chat"].ProjectionExpression) != "pk" {
			t.Errorf("unprocessed keys forget the rest of the request: %+v", gets)
		}
	}
	same(t, "each once", len(seen), 8)

	f.always(ddb.Throttle)
	_, err := d.batchWrite(t, map[string][]types.WriteRequest{"chat": {putRequest(key)}})
	d.refused(t, "all throttled", err, "ProvisionedThroughputExceededException", "")
	f.always(ddb.Unavailable)
	_, err = d.batchWrite(t, map[string][]types.WriteRequest{"chat": {putRequest(key)}})
	d.refused(t, "unavailable", err, "InternalServerError", "")
}

func TestFaultsAreAskedOncePerTable(t *testing.T) {
	var before, after faulty
	d, _ := start(t, &ddb.Options{Faults: before.ask, FaultsAfter: after.ask})
	must(t, d.transact(t, "", transactPut("chat", key), transactPut("chat", m{"pk": "b", "sk": "b"})))
	_, err := d.ListTables(t.Context(), nil)
	must(t, err)
	same(t, "before", before.asked, []string{"TransactWriteItems", "ListTables"})
	same(t, "after", after.asked, before.asked)
}

func TestFaultsReachEveryOperation(t *testing.T) {
	var f faulty
	s := withTable(t, &ddb.Options{Faults: f.ask})
	f.always(ddb.Unavailable)
	const k = `"Key":{"pk":{"S":"a"},"sk":{"S":"b"}}`
	operations := map[string]string{
		"CreateTable": chatTable, "DescribeTable": `{"TableName":"chat"}`, "ListTables": `{}`, "DeleteTable": `{"TableName":"chat"}`,
		"UpdateTimeToLive": `{"TableName":"chat","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}}`, "DescribeTimeToLive": `{"TableName":"chat"}`,
		"GetItem": `{"TableName":"chat",` + k + `}`, "PutItem": `{"TableName":"chat","Item":{"pk":{"S":"a"},"sk":{"S":"b"}}}`,
		"UpdateItem": `{"TableName":"chat",` + k + `}`, "DeleteItem": `{"TableName":"chat",` + k + `}`,
		"Query": `{"TableName":"chat","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}}}`, "Scan": `{"TableName":"chat"}`,
		"BatchGetItem":     `{"RequestItems":{"chat":{"Keys":[{"pk":{"S":"a"},"sk":{"S":"b"}}]}},"ReturnConsumedCapacity":"TOTAL"}`,
		"BatchWriteItem":   `{"RequestItems":{"chat":[{"DeleteRequest":{` + k + `}}]},"ReturnConsumedCapacity":"TOTAL"}`,
		"TransactGetItems": `{"TransactItems":[{"Get":{"TableName":"chat",` + k + `}}]}`, "TransactWriteItems": `{"TransactItems":[{"Delete":{"TableName":"chat",` + k + `}}]}`,
	}
	for op, body := range operations {
		if status, answer := raw(t, s, request(op, body)); status != 500 || answer["__type"] != "com.amazonaws.dynamodb.v20120810#InternalServerError" {
			t.Errorf("%s: %d %v", op, status, answer)
		}
	}
	f.set(nil)
	for op, body := range operations {
		if op == "CreateTable" || op == "DeleteTable" {
			continue
		}
		if status, answer := raw(t, s, request(op, body)); status != 200 {
			t.Errorf("%s: %d %v", op, status, answer)
		}
		if n := s.Counts()[op]; n.Calls != 2 || n.Errors != 1 {
			t.Errorf("%s: %+v", op, n)
		}
	}
	if n := s.Counts(); n["BatchGetItem"].ReadUnits != 0.5 || n["BatchWriteItem"].WriteUnits != 1 || n["TransactGetItems"].ReadUnits != 2 || n["TransactWriteItems"].WriteUnits != 2 {
		t.Errorf("units: %+v", n)
	}
}

func TestTokensAreForgottenAfterTenMinutes(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	d, s := start(t, &ddb.Options{Clock: func() time.Time { return now }})
	increment := transactUpdate("chat", key, "ADD n :one", m{":one": 1})
	counter := func() any { return s.Items("chat")[0]["n"].(map[string]any)["N"] }
	for _, c := range []struct {
		later time.Duration
		want  string
	}{{0, "1"}, {9 * time.Minute, "1"}, {59 * time.Second, "1"}, {time.Second, "2"}, {9 * time.Minute, "2"}} {
		now = now.Add(c.later)
		must(t, d.transact(t, "token", increment))
		same(t, now.String(), counter(), any(c.want))
	}
}

func TestSweep(t *testing.T) {
	d, s := start(t, nil)
	_, err := d.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{TableName: aws.String("chat"),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)}})
	must(t, err)
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	at := func(d time.Duration) int { return int(now.Add(d).Unix()) }
	for name, ttl := range map[string]any{
		"passed": at(-time.Second), "passing": at(0), "fraction": num(fmt.Sprint(at(-time.Minute), ".5")), "exponent": num(fmt.Sprint(at(0)/10, "e1")),
		"future": at(time.Second), "ancient": at(-6 * 365 * 24 * time.Hour), "text": fmt.Sprint(at(-time.Hour)), "none": nil,
	} {
		d.put(t, "chat", m{"pk": name, "sk": "x", "g": "G", "ttl": ttl})
	}
	same(t, "before the time", s.Sweep(now.Add(-time.Hour)), 0)
	same(t, "all are still read", len(s.Items("chat")), 8)
	same(t, "swept", s.Sweep(now), 4)
	same(t, "again", s.Sweep(now), 0)
	left := map[any]bool{}
	for _, it := range s.Items("chat") {
		left[it["pk"].(map[string]any)["S"]] = true
	}
	same(t, "left", left, map[any]bool{"future": true, "ancient": true, "text": true, "none": true})
	out, err := d.query(t, &dynamodb.QueryInput{TableName: aws.String("chat"), IndexName: aws.String("by-g")}, "g = :g", m{":g": "G"})
	must(t, err)
	same(t, "left in the index", int(out.Count), 4)
}

func TestInspectors(t *testing.T) {
	d, s := start(t, nil)
	d.put(t, "chat", with(key, m{"n": num("1.50"), "l": l{nil, true, []byte("x")}, "m": m{"s": ss{"b", "a"}}}))
	same(t, "items", s.Items("chat"), []map[string]any{{
		"pk": map[string]any{"S": "a"}, "sk": map[string]any{"S": "b"}, "n": map[string]any{"N": "1.5"},
		"l": map[string]any{"L": []any{map[string]any{"NULL": true}, map[string]any{"BOOL": true}, map[string]any{"B": "eA=="}}},
		"m": map[string]any{"M": map[string]any{"s": map[string]any{"SS": []any{"a", "b"}}}},
	}})
	same(t, "no table", s.Items("none"), []map[string]any(nil))
	for body, want := range map[string]string{
		chatTable: "ResourceInUseException: Table already exists: chat", "{": "create table: unexpected EOF",
		`{}`: "ValidationException: 3 validation errors detected: ", `{"Oops":1}`: "ValidationException: The member Oops is not emulated",
		strings.Replace(chatTable, "HASH", "RANGE", 1): "ValidationException: Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
	} {
		if err := s.CreateTable([]byte(body)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", body, err, want)
		}
	}
	if n := s.Counts()["CreateTable"]; n.Calls != 0 {
		t.Errorf("the inspector's own calls are counted: %+v", n)
	}
}

func TestLogsNoValues(t *testing.T) {
	var log bytes.Buffer
	d, _ := start(t, &ddb.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	d.put(t, "chat", m{"pk": "secret-key", "sk": "x", "text": "secret-text"})
	if got := log.String(); !strings.Contains(got, "op=PutItem") || !strings.Contains(got, "chat") || strings.Contains(got, "secret") {
		t.Errorf("log: %s", got)
	}
}
