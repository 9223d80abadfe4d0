package ddb_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"kaiwa/pkg/emu/ddb"
)

// The contract suite: tests that call contract run with the real SDK client against the emulator, and, if KAIWA_CONTRACT_ENDPOINT
// names the endpoint of another DynamoDB, against that as well. In CI it is dynoxide 1.2.1:
//
//	npm i @dynoxide/linux-x64@1.2.1
//	node_modules/@dynoxide/linux-x64/dynoxide serve --host 127.0.0.1 --port 8000 &
//	KAIWA_CONTRACT_ENDPOINT=http://127.0.0.1:8000 go test ./pkg/emu/ddb
//
// Where dynoxide is known to differ from AWS, the test follows AWS, asks ours alone, and names its source.

// db is one DynamoDB under test.
type db struct {
	*dynamodb.Client
	ours bool
}

// contract runs test on every DynamoDB there is.
func contract(t *testing.T, test func(t *testing.T, d *db)) {
	t.Run("kaiwa", func(t *testing.T) {
		endpoint, _ := ddb.Start(t, nil)
		test(t, &db{client(endpoint), true})
	})
	oracle := os.Getenv("KAIWA_CONTRACT_ENDPOINT")
	if oracle == "" {
		return
	}
	t.Run("oracle", func(t *testing.T) { test(t, &db{client(oracle), false}) })
}

// client does not retry, so that tests see the errors.
func client(endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String(endpoint),
		Credentials:      credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Transport: wholeBodies{}},
	})
}

// wholeBodies sends request bodies from memory. The SDK closes the body of a request as soon as it has the answer, which a server
// on the same machine can give before net/http has looked for the end of the body; then net/http drops the connection, now and
// then with the answer half read. Bodies in memory are sent with the header, in one write, and have no such moment.
type wholeBodies struct{}

// transport is shared so that TestMain can close what is idle.
var transport = &http.Transport{MaxIdleConnsPerHost: 64}

func (wholeBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return transport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return transport.RoundTrip(r)
}

// unique makes a table name that no run had before.
func unique() string { return "kaiwa-" + strings.ToLower(rand.Text()[:16]) }

// schema describes a table in few words: "pk:S sk:N" and indexes.
type schema struct {
	keys    string
	indexes []indexSchema
}

type indexSchema struct {
	name, keys, projection string
	include                []string
	local                  bool
}

// table creates a table and deletes it at the end of the test. The default has pk and sk, both strings.
func (d *db) table(t *testing.T, s schema) string {
	t.Helper()
	if s.keys == "" {
		s.keys = "pk:S sk:S"
	}
	in := &dynamodb.CreateTableInput{TableName: aws.String(unique()), BillingMode: types.BillingModePayPerRequest}
	defined := map[string]bool{}
	in.KeySchema = keySchema(s.keys, in, defined)
	for _, x := range s.indexes {
		keys := keySchema(x.keys, in, defined)
		projection := &types.Projection{ProjectionType: types.ProjectionType(x.projection), NonKeyAttributes: x.include}
		if x.local {
			in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{IndexName: aws.String(x.name), KeySchema: keys, Projection: projection})
		} else {
			in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{IndexName: aws.String(x.name), KeySchema: keys, Projection: projection})
		}
	}
	if _, err := d.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	active := dynamodb.NewTableExistsWaiter(d.Client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 5 * time.Millisecond })
	must(t, active.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: in.TableName}, time.Minute))
	t.Cleanup(func() {
		if _, err := d.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: in.TableName}); err != nil {
			t.Error(err)
		}
	})
	return *in.TableName
}

func keySchema(keys string, in *dynamodb.CreateTableInput, defined map[string]bool) []types.KeySchemaElement {
	var elements []types.KeySchemaElement
	for i, field := range strings.Fields(keys) {
		name, kind, _ := strings.Cut(field, ":")
		role := []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]
		elements = append(elements, types.KeySchemaElement{AttributeName: aws.String(name), KeyType: role})
		if !defined[name] {
			defined[name] = true
			in.AttributeDefinitions = append(in.AttributeDefinitions,
				types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeType(kind)})
		}
	}
	return elements
}

// num, ss, ns and bs stand for the attribute values that have no Go type of their own in these tests.
type (
	num string
	ss  []string
	ns  []string
	bs  []string
	m   = map[string]any
	l   = []any
)

// av makes an attribute value: string, int or num, []byte, bool, nil, l, m, ss, ns, bs.
func av(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case int:
		return &types.AttributeValueMemberN{Value: strconv.Itoa(v)}
	case num:
		return &types.AttributeValueMemberN{Value: string(v)}
	case []byte:
		return &types.AttributeValueMemberB{Value: v}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case nil:
		return &types.AttributeValueMemberNULL{Value: true}
	case l:
		all := []types.AttributeValue{}
		for _, e := range v {
			all = append(all, av(e))
		}
		return &types.AttributeValueMemberL{Value: all}
	case m:
		return &types.AttributeValueMemberM{Value: attrs(v)}
	case ss:
		return &types.AttributeValueMemberSS{Value: v}
	case ns:
		return &types.AttributeValueMemberNS{Value: v}
	case bs:
		var all [][]byte
		for _, e := range v {
			all = append(all, []byte(e))
		}
		return &types.AttributeValueMemberBS{Value: all}
	}
	panic(fmt.Sprintf("av: %T", v))
}

func attrs(all m) map[string]types.AttributeValue {
	out := map[string]types.AttributeValue{}
	for name, v := range all {
		out[name] = av(v)
	}
	return out
}

// values is attrs for expressions, nil if there are none.
func values(all m) map[string]types.AttributeValue {
	if len(all) == 0 {
		return nil
	}
	return attrs(all)
}

// plain is av backwards; whole numbers become ints, sets are sorted.
func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		if n, err := strconv.Atoi(v.Value); err == nil {
			return n
		}
		return num(v.Value)
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberL:
		all := l{}
		for _, e := range v.Value {
			all = append(all, plain(e))
		}
		return all
	case *types.AttributeValueMemberM:
		return plainAttrs(v.Value)
	case *types.AttributeValueMemberSS:
		return ss(slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberNS:
		return ns(slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberBS:
		all := bs{}
		for _, e := range v.Value {
			all = append(all, string(e))
		}
		slices.Sort(all)
		return all
	}
	return nil
}

func plainAttrs(all map[string]types.AttributeValue) m {
	if all == nil {
		return nil
	}
	out := m{}
	for name, v := range all {
		out[name] = plain(v)
	}
	return out
}

func plainItems(all []map[string]types.AttributeValue) []m {
	out := []m{}
	for _, it := range all {
		out = append(out, plainAttrs(it))
	}
	return out
}

// with is an item that has both.
func with(base, more m) m {
	out := maps.Clone(base)
	maps.Copy(out, more)
	return out
}

func (d *db) put(t *testing.T, table string, items ...m) {
	t.Helper()
	for _, it := range items {
		if _, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: attrs(it)}); err != nil {
			t.Fatalf("put %v: %v", it, err)
		}
	}
}

// get reads consistently; nil if there is no item.
func (d *db) get(t *testing.T, table string, key m) m {
	t.Helper()
	out, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: attrs(key), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatalf("get %v: %v", key, err)
	}
	return plainAttrs(out.Item)
}

// update is an UpdateItem in one line.
type update struct {
	key    m
	expr   string
	cond   string
	values m
	names  map[string]string
	want   types.ReturnValue
	onFail types.ReturnValuesOnConditionCheckFailure
}

func (d *db) update(t *testing.T, table string, u update) (m, error) {
	t.Helper()
	in := &dynamodb.UpdateItemInput{
		TableName: &table, Key: attrs(u.key), ExpressionAttributeNames: u.names, ExpressionAttributeValues: values(u.values),
		ReturnValues: u.want, ReturnValuesOnConditionCheckFailure: u.onFail,
	}
	if u.expr != "" {
		in.UpdateExpression = &u.expr
	}
	if u.cond != "" {
		in.ConditionExpression = &u.cond
	}
	out, err := d.UpdateItem(t.Context(), in)
	if err != nil {
		return nil, err
	}
	return plainAttrs(out.Attributes), nil
}

// same compares what came with what should have.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

// refused checks the type of an error and words that its message must have. Everybody has their own words for a syntax error.
func (d *db) refused(t *testing.T, what string, err error, code, words string) {
	t.Helper()
	if words == syntaxError && !d.ours {
		words = ""
	}
	var api smithy.APIError
	switch {
	case !errors.As(err, &api):
		t.Errorf("%s: got %v, want %s", what, err, code)
	case api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), words):
		t.Errorf("%s: got %s: %s\nwant %s: …%s…", what, api.ErrorCode(), api.ErrorMessage(), code, words)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const (
	invalid = "ValidationException"
	failed  = "ConditionalCheckFailedException"

	syntaxError = "Syntax error"
)

var key = m{"pk": "a", "sk": "b"}
