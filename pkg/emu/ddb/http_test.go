package ddb_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/emu/ddb"
)

const authorization = "AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-west-9/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"

// request is a call of an operation as it comes over the wire.
func request(op, body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization", authorization)
	return r
}

// raw serves a request and decodes the answer.
func raw(t testing.TB, s http.Handler, r *http.Request) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if got := w.Header().Get("X-Amz-Crc32"); got != strconv.Itoa(int(crc32.ChecksumIEEE(w.Body.Bytes()))) {
		t.Errorf("checksum %s of %s", got, w.Body)
	}
	if w.Header().Get("X-Amzn-Requestid") == "" {
		t.Error("no request id")
	}
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil && w.Body.Len() > 0 {
		t.Errorf("not JSON: %s", w.Body)
	}
	return w.Code, body
}

// withTable is a server that has the table chat, with pk and sk.
func withTable(t testing.TB, o *ddb.Options) *ddb.Server {
	t.Helper()
	s := ddb.New(o)
	if err := s.CreateTable([]byte(chatTable)); err != nil {
		t.Fatal(err)
	}
	return s
}

const chatTable = `{"TableName":"chat","BillingMode":"PAY_PER_REQUEST",
	"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
	"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},{"AttributeName":"g","AttributeType":"S"}],
	"GlobalSecondaryIndexes":[{"IndexName":"by-g","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]}`

// withNumbers is a server that has the table numbers, with pk and a numeric sk.
func withNumbers(t testing.TB) *ddb.Server {
	t.Helper()
	s := ddb.New(nil)
	if err := s.CreateTable([]byte(`{"TableName":"numbers","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}]}`)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWireErrors(t *testing.T) {
	s := withTable(t, nil)
	change := func(f func(r *http.Request)) *http.Request {
		r := request("ListTables", "{}")
		f(r)
		return r
	}
	const service, validate, dynamo = "com.amazon.coral.service#", "com.amazon.coral.validate#", "com.amazonaws.dynamodb.v20120810#"
	for what, c := range map[string]struct {
		r      *http.Request
		status int
		kind   string
		words  string
	}{
		"no body":            {request("ListTables", ""), 400, service + "SerializationException", ""},
		"no JSON":            {request("ListTables", "{"), 400, service + "SerializationException", ""},
		"two values":         {request("ListTables", "{} {}"), 400, service + "SerializationException", ""},
		"a list":             {request("ListTables", "[]"), 400, service + "SerializationException", "Unrecognized collection type"},
		"no target":          {change(func(r *http.Request) { r.Header.Del("X-Amz-Target") }), 400, service + "UnknownOperationException", ""},
		"other service":      {change(func(r *http.Request) { r.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810.ListStreams") }), 400, service + "UnknownOperationException", ""},
		"no such operation":  {request("Frobnicate", "{}"), 400, service + "UnknownOperationException", "Frobnicate is not emulated"},
		"operation left out": {request("ExecuteStatement", "{}"), 400, service + "UnknownOperationException", "ExecuteStatement is not emulated"},
		"not signed":         {change(func(r *http.Request) { r.Header.Del("Authorization") }), 400, service + "MissingAuthenticationTokenException", "missing Authentication Token"},
		"bearer":             {change(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }), 400, service + "MissingAuthenticationTokenException", ""},
		"half signed":        {change(func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x") }), 400, service + "IncompleteSignatureException", "'Signature'"},
		"number for text":    {request("DescribeTable", `{"TableName":1}`), 400, service + "SerializationException", "NUMBER_VALUE cannot be converted to String"},
		"text for number":    {request("ListTables", `{"Limit":"1"}`), 400, service + "SerializationException", "STRING_VALUE cannot be converted to Integer"},
		"text for flag":      {request("GetItem", `{"TableName":"chat","Key":{},"ConsistentRead":"x"}`), 400, service + "SerializationException", "STRING_VALUE cannot be converted to Boolean"},
		"list for a map":     {request("GetItem", `{"TableName":"chat","Key":[]}`), 400, service + "SerializationException", "Unrecognized collection type java.util.Map"},
		"bare value":         {request("GetItem", `{"TableName":"chat","Key":{"pk":"x"}}`), 400, service + "SerializationException", "Unexpected value type in payload"},
		"number in JSON":     {request("PutItem", `{"TableName":"chat","Item":{"pk":{"N":1}}}`), 400, service + "SerializationException", "NUMBER_VALUE cannot be converted to String"},
		"bad base64":         {request("PutItem", `{"TableName":"chat","Item":{"pk":{"B":"AAA"}}}`), 400, service + "SerializationException", "multiple of 4"},
		"fraction for text":  {request("DescribeTable", `{"TableName":1.5}`), 400, service + "SerializationException", "DECIMAL_VALUE cannot be converted to String"},
		"flag for text":      {request("DescribeTable", `{"TableName":true}`), 400, service + "SerializationException", "TRUE_VALUE cannot be converted to String"},
		"list for text":      {request("DescribeTable", `{"TableName":[]}`), 400, service + "SerializationException", "Unrecognized collection type class java.lang.String"},
		"map for text":       {request("DescribeTable", `{"TableName":{}}`), 400, service + "SerializationException", "Start of structure or map found"},
		"text for a map":     {request("GetItem", `{"TableName":"chat","Key":"x"}`), 400, service + "SerializationException", "Unexpected field type"},
		"text for a list":    {request("BatchGetItem", `{"RequestItems":{"chat":{"Keys":"x"}}}`), 400, service + "SerializationException", "Unexpected field type"},
		"list for requests":  {request("BatchGetItem", `{"RequestItems":[]}`), 400, service + "SerializationException", "Unexpected field type"},
		"list for names":     {request("GetItem", `{"TableName":"chat","Key":{},"ExpressionAttributeNames":[]}`), 400, service + "SerializationException", "Unexpected field type"},
		"number for a name":  {request("GetItem", `{"TableName":"chat","Key":{},"ExpressionAttributeNames":{"#a":1}}`), 400, service + "SerializationException", "NUMBER_VALUE"},
		"number for binary":  {request("PutItem", `{"TableName":"chat","Item":{"pk":{"B":1}}}`), 400, service + "SerializationException", "only base-64-encoded strings"},
		"text for a set":     {request("PutItem", `{"TableName":"chat","Item":{"pk":{"SS":"x"}}}`), 400, service + "SerializationException", "Unexpected field type"},
		"text for list":      {request("PutItem", `{"TableName":"chat","Item":{"pk":{"L":"x"}}}`), 400, service + "SerializationException", "Unexpected field type"},
		"list for map":       {request("PutItem", `{"TableName":"chat","Item":{"pk":{"M":[]}}}`), 400, service + "SerializationException", "Unrecognized collection type java.util.Map"},
		"text for BOOL":      {request("PutItem", `{"TableName":"chat","Item":{"pk":{"BOOL":"x"}}}`), 400, service + "SerializationException", "STRING_VALUE cannot be converted to Boolean"},
		"loose base64":       {request("PutItem", `{"TableName":"chat","Item":{"pk":{"B":"AAB="}}}`), 400, service + "SerializationException", "non-pad Base64 character"},
		"null member":        {request("PutItem", `{"TableName":"chat","Item":{"pk":{"S":null,"N":"1"}}}`), 400, validate + "ValidationException", "Type mismatch for key pk expected: S actual: N"},
		"nameless attribute": {request("PutItem", `{"TableName":"chat","Item":{"":{"S":"x"}}}`), 400, validate + "ValidationException", "Attribute name must not be empty"},
		"long name":          {request("PutItem", `{"TableName":"chat","Item":{"`+strings.Repeat("n", 65536)+`":{"S":"x"}}}`), 400, validate + "ValidationException", "less than 65536 bytes"},
		"long name by ref":   {request("GetItem", `{"TableName":"chat","Key":{},"ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"`+strings.Repeat("n", 65536)+`"}}`), 400, validate + "ValidationException", "less than 65536 bytes"},
		"deep JSON":          {request("PutItem", `{"TableName":"chat","Item":{"pk":`+strings.Repeat(`{"M":{"a":`, 4000)+`{"S":"x"}`+strings.Repeat("}}", 4000)+`}}`), 400, validate + "ValidationException", "Nesting Levels"},
		"no names":           {request("GetItem", `{"TableName":"chat","Key":{},"ProjectionExpression":"a","ExpressionAttributeNames":{}}`), 400, validate + "ValidationException", "ExpressionAttributeNames must not be empty"},
		"no values":          {request("Scan", `{"TableName":"chat","FilterExpression":"a = :a","ExpressionAttributeValues":{}}`), 400, validate + "ValidationException", "ExpressionAttributeValues must not be empty"},
		"bad value name":     {request("Scan", `{"TableName":"chat","FilterExpression":"a = :a","ExpressionAttributeValues":{":a b":{"S":"x"}}}`), 400, validate + "ValidationException", "ExpressionAttributeValues contains invalid key: Syntax error; key: \":a b\""},
		"bad number in it":   {request("Scan", `{"TableName":"chat","FilterExpression":"a = :a","ExpressionAttributeValues":{":a":{"N":"x"}}}`), 400, validate + "ValidationException", "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :a"},
		"no table name":      {request("DescribeTable", `{}`), 400, validate + "ValidationException", "The parameter 'TableName' is required"},
		"short table name":   {request("DescribeTable", `{"TableName":"ab"}`), 400, validate + "ValidationException", "TableName must be at least 3 characters long"},
		"limit too high":     {request("ListTables", `{"Limit":101}`), 400, validate + "ValidationException", "less than or equal to 100"},
		"projection or all":  {request("Scan", `{"TableName":"chat","ProjectionExpression":"a","Select":"ALL_ATTRIBUTES"}`), 400, validate + "ValidationException", "choosing to get ALL_ATTRIBUTES"},
		"put and delete":     {request("BatchWriteItem", `{"RequestItems":{"chat":[{"PutRequest":{"Item":{}},"DeleteRequest":{"Key":{}}}]}}`), 400, validate + "ValidationException", "more than one datatypes"},
		"no type":            {request("PutItem", `{"TableName":"chat","Item":{"pk":{}}}`), 400, validate + "ValidationException", "Supplied AttributeValue is empty"},
		"unknown type":       {request("PutItem", `{"TableName":"chat","Item":{"pk":{"X":"x"}}}`), 400, validate + "ValidationException", "Supplied AttributeValue is empty"},
		"two types":          {request("PutItem", `{"TableName":"chat","Item":{"pk":{"S":"x","N":"1"}}}`), 400, validate + "ValidationException", "more than one datatypes"},
		"false NULL":         {request("PutItem", `{"TableName":"chat","Item":{"pk":{"NULL":false}}}`), 400, validate + "ValidationException", "must have the value of true"},
		"two constraints": {request("GetItem", `{"TableName":"a b"}`), 400, validate + "ValidationException",
			"2 validation errors detected: Value 'a b' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; " +
				"Value null at 'key' failed to satisfy constraint: Member must not be null"},
		"no table":         {request("DescribeTable", `{"TableName":"none"}`), 400, dynamo + "ResourceNotFoundException", "Table: none not found"},
		"failed condition": {request("DeleteItem", `{"TableName":"chat","Key":{"pk":{"S":"a"},"sk":{"S":"b"}},"ConditionExpression":"attribute_exists(pk)"}`), 400, dynamo + "ConditionalCheckFailedException", "The conditional request failed"},
	} {
		status, body := raw(t, s, c.r)
		message, _ := body["message"].(string)
		if upper, ok := body["Message"].(string); ok {
			message = upper
		}
		if status != c.status || body["__type"] != c.kind || !strings.Contains(message, c.words) {
			t.Errorf("%s: %d %v\nwant %d %s …%s…", what, status, body, c.status, c.kind, c.words)
		}
	}
}

func TestWireOtherMethodsAndSizes(t *testing.T) {
	s := ddb.New(nil)
	for _, c := range []struct {
		r      *http.Request
		status int
		body   string
	}{
		{httptest.NewRequest("GET", "/", nil), 200, "healthy: dynamodb"},
		{httptest.NewRequest("PUT", "/", nil), 404, "UnknownOperationException"},
		{request("ListTables", `{"x":"`+strings.Repeat("x", 17<<20)+`"}`), 413, ""},
		{func() *http.Request {
			r := httptest.NewRequest("POST", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00", strings.NewReader("{}"))
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
			return r
		}(), 200, `{"TableNames":[]}`},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, c.r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s %s: %d %s", c.r.Method, c.r.URL, w.Code, w.Body)
		}
	}
}

func TestCreateTableDetails(t *testing.T) {
	s := ddb.New(nil)
	index := func(n int, list, keys string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"IndexName":"index-%d","KeySchema":[%s],"Projection":{"ProjectionType":"ALL"}}`, i, keys))
		}
		return `,"` + list + `":[` + strings.Join(all, ",") + `]}`
	}
	indexed := strings.TrimSuffix(chatTable, "}")
	noIndex := chatTable[:strings.Index(chatTable, ",\n\t\"GlobalSecondaryIndexes\"")]
	const pk, sk, g = `{"AttributeName":"pk","KeyType":"HASH"}`, `{"AttributeName":"sk","KeyType":"RANGE"}`, `{"AttributeName":"g","KeyType":"RANGE"}`
	noSort := strings.Replace(strings.Replace(chatTable, ","+sk, "", 1), `{"AttributeName":"sk","AttributeType":"S"},`, "", 1)
	for body, words := range map[string]string{
		indexed + index(6, "LocalSecondaryIndexes", pk+","+sk):                                    "exceeds per-table limit of 5",
		noIndex + index(21, "GlobalSecondaryIndexes", pk):                                         "exceeds the per-table limit of 20",
		indexed + index(1, "LocalSecondaryIndexes", `{"AttributeName":"g","KeyType":"HASH"},`+sk): "does not have the same leading hash key as table KeySchema for index: index-0. index hash key: g, table hash key: pk",
		strings.Replace(noSort, `"BillingMode"`, `"LocalSecondaryIndexes":[{"IndexName":"lsi","KeySchema":[`+pk+`,`+g+`],"Projection":{"ProjectionType":"ALL"}}],"BillingMode"`, 1): "Table KeySchema does not have a range key",
		strings.Replace(chatTable, sk, `{"AttributeName":"pk","KeyType":"RANGE"}`, 1):                                                                                               "the Hash Key and the Range Key element in the KeySchema have the same name",
		strings.Replace(chatTable, `{"AttributeName":"g","AttributeType":"S"}`, `{"AttributeName":"g","AttributeType":"S"},{"AttributeName":"h","AttributeType":"S"}`, 1):           "Some AttributeDefinitions are not used. AttributeDefinitions: [pk, sk, g, h], keys used: [g, pk, sk]",
		strings.Replace(chatTable, `"Projection"`, `"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1},"Projection"`, 1):                                        "should not be specified for index: by-g when BillingMode is PAY_PER_REQUEST",
	} {
		if err := s.CreateTable([]byte(body)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s:\n%v\nwant …%s…", body, err, words)
		}
	}
	provisioned := strings.Replace(chatTable, `"BillingMode":"PAY_PER_REQUEST"`, `"ProvisionedThroughput":{"ReadCapacityUnits":3,"WriteCapacityUnits":4}`, 1)
	if err := s.CreateTable([]byte(strings.Replace(provisioned, "KEYS_ONLY", "ALL", 1))); err != nil {
		t.Fatal(err)
	}
	_, body := raw(t, s, request("DescribeTable", `{"TableName":"chat"}`))
	same(t, "capacity", body["Table"].(m)["ProvisionedThroughput"], any(m{"ReadCapacityUnits": 3.0, "WriteCapacityUnits": 4.0, "NumberOfDecreasesToday": 0.0}))
}

// What is not emulated is refused by its name, never taken in silence.
func TestUnemulatedMembersAreRefused(t *testing.T) {
	s := withTable(t, nil)
	const k = `"TableName":"chat","Key":{"pk":{"S":"a"},"sk":{"S":"b"}}`
	for body, op := range map[string]string{
		`{` + k + `,"AttributesToGet":["a"]}`:                                    "GetItem",
		`{` + k + `,"AttributeUpdates":{}}`:                                      "UpdateItem",
		`{` + k + `,"Expected":{}}`:                                              "DeleteItem",
		`{` + k + `,"ConditionalOperator":"AND"}`:                                "DeleteItem",
		`{` + k + `,"ReturnItemCollectionMetrics":"SIZE"}`:                       "DeleteItem",
		`{"TableName":"chat","KeyConditions":{}}`:                                "Query",
		`{"TableName":"chat","QueryFilter":{}}`:                                  "Query",
		`{"TableName":"chat","ScanFilter":{}}`:                                   "Scan",
		`{"RequestItems":{"chat":{"Keys":[],"AttributesToGet":["a"]}}}`:          "BatchGetItem",
		strings.Replace(chatTable, "{", `{"StreamSpecification":{},`, 1):         "CreateTable",
		strings.Replace(chatTable, "{", `{"SSESpecification":{},`, 1):            "CreateTable",
		strings.Replace(chatTable, "{", `{"Tags":[],`, 1):                        "CreateTable",
		strings.Replace(chatTable, "{", `{"OnDemandThroughput":{},`, 1):          "CreateTable",
		`{"TransactItems":[{"Put":{"TableName":"chat","Item":{},"Unheard":1}}]}`: "TransactWriteItems",
		`{"tablename":"chat"}`:                                                   "DescribeTable",
	} {
		status, answer := raw(t, s, request(op, body))
		message, _ := answer["message"].(string)
		if status != 400 || !strings.Contains(message, "is not emulated by kaiwa's DynamoDB") {
			t.Errorf("%s %s: %d %v", op, body, status, answer)
		}
	}
	for _, op := range []string{"UpdateTable", "TagResource", "BatchExecuteStatement", "DescribeEndpoints", "CreateBackup", "DescribeLimits"} {
		if _, answer := raw(t, s, request(op, "{}")); answer["message"] != op+" is not emulated by kaiwa's DynamoDB" {
			t.Errorf("%s: %v", op, answer)
		}
	}
}

func TestARNInPlaceOfAName(t *testing.T) {
	endpoint, _ := ddb.Start(t, nil)
	d := &db{client(endpoint), true}
	table := d.table(t, schema{})
	out, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	must(t, err)
	_, err = d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: out.Table.TableArn, Item: attrs(key)})
	must(t, err)
	same(t, "item", d.get(t, table, key), key)
	_, err = d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("arn:aws:dynamodb:eu-west-1:123456789012:table/" + table)})
	must(t, err)
}

func TestARNs(t *testing.T) {
	for _, c := range []struct {
		o    *ddb.Options
		want string
	}{
		{nil, "arn:aws:dynamodb:us-east-1:000000000000:table/"},
		{&ddb.Options{Region: "eu-west-1", AccountID: "123456789012"}, "arn:aws:dynamodb:eu-west-1:123456789012:table/"},
	} {
		endpoint, _ := ddb.Start(t, c.o)
		d := &db{client(endpoint), true}
		table := d.table(t, schema{indexes: []indexSchema{{name: "by-g", keys: "g:S", projection: "ALL"}}})
		out, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
		must(t, err)
		same(t, "table", *out.Table.TableArn, c.want+table)
		same(t, "index", *out.Table.GlobalSecondaryIndexes[0].IndexArn, c.want+table+"/index/by-g")
	}
}

func TestDeletionProtection(t *testing.T) {
	s := ddb.New(nil)
	if err := s.CreateTable([]byte(strings.Replace(chatTable, "{", `{"DeletionProtectionEnabled":true,"TableClass":"STANDARD_INFREQUENT_ACCESS",`, 1))); err != nil {
		t.Fatal(err)
	}
	if status, body := raw(t, s, request("DeleteTable", `{"TableName":"chat"}`)); status != 400 || !strings.Contains(body["message"].(string), "protected against deletion") {
		t.Errorf("%d %v", status, body)
	}
	_, body := raw(t, s, request("DescribeTable", `{"TableName":"chat"}`))
	table := body["Table"].(map[string]any)
	same(t, "described", []any{table["DeletionProtectionEnabled"], table["TableClassSummary"]}, []any{true, map[string]any{"TableClass": "STANDARD_INFREQUENT_ACCESS"}})
}
