package ddb_test

import "testing"

// found are programs that were once answered in a wrong way, as TestSideBySide prints them, and the right answer to the last call.
var found = []struct {
	why   string
	steps []step
	want  answer
}{
	{"an empty key refuses a transaction as a whole", []step{
		{"TransactWriteItems", parsed(`{"TransactItems":[{"Delete":{"Key":{},"TableName":"table-a"}},{"Put":{"Item":{"pk":{"S":""}},"TableName":"table-a"}}]}`)},
	}, answer{`ValidationException: The AttributeValue for a key attribute cannot contain an empty string value. Key`, ``}},
	{"a put of a batch with a key of the wrong type", []step{
		{"BatchWriteItem", parsed(`{"RequestItems":{"table-a":[{"PutRequest":{"Item":{"pk":{"N":"1"}}}}]}}`)},
	}, answer{`ValidationException: The provided key element does not match the schema`, ``}},
	{"a table's name in a batch is checked", []step{
		{"BatchWriteItem", parsed(`{"RequestItems":{"not a name":[{"DeleteRequest":{"Key":{}}}]}}`)},
	}, answer{`ValidationException: failed to satisfy constraint`, ``}},
	{"a filter over a local index returns what that holds, whatever it had to see", []step{
		{"PutItem", parsed(`{"Item":{"c":{"S":"x"},"l":{"S":"v"},"pk":{"S":"a"},"sk":{"N":"1"}},"TableName":"table-a"}`)},
		{allScan, parsed(`{"FilterExpression":"attribute_not_exists(b)","IndexName":"local-keys","TableName":"table-a"}`)},
	}, answer{`ok`, `{"Count":1,"Items":[{"l":{"S":"v"},"pk":{"S":"a"},"sk":{"N":"1"}}]}`}},
}

func TestFound(t *testing.T) {
	for _, f := range found {
		r := newRun(t, "")
		var got answer
		for _, s := range f.steps {
			got = r.answer(s)
		}
		if got != f.want {
			t.Errorf("%s:\n got %s\nwant %s", f.why, got, f.want)
		}
	}
}
