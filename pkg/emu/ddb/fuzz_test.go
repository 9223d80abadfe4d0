package ddb_test

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"testing"
)

// fuzzedValues are given to the value references of a fuzzed expression in turn.
var fuzzedValues = []m{{"N": "1"}, {"S": "x"}, {"SS": []string{"x"}}, {"L": []m{{"N": "1"}}}, {"M": m{"a": m{"N": "1"}}}, {"BOOL": true}, {"NULL": true}, {"B": "AA=="}}

// FuzzExpressions: no expression of any kind makes the server panic or fail, or breaks the item it updates.
func FuzzExpressions(f *testing.F) {
	for i, c := range updateCases {
		f.Add(c.expr, uint8(i))
	}
	for i, c := range conditionCases {
		f.Add(c.expr, uint8(i))
	}
	f.Add("pk = :p AND begins_with(sk, :s)", uint8(1))
	f.Add("a.b[0].c, #n, d[1][2]", uint8(0))
	f.Add("((((((((((", uint8(0))
	f.Add("NOT NOT (a < b OR size(c) IN (:a, :b)) AND d BETWEEN e AND f", uint8(0))
	s := withTable(f, nil)
	refs := regexp.MustCompile(`[#:][A-Za-z0-9_]+`)
	f.Fuzz(func(t *testing.T, expr string, turn uint8) {
		names, vals := m{}, m{}
		for i, ref := range refs.FindAllString(expr, -1) {
			if ref[0] == '#' {
				names[ref] = "n" + ref[1:]
			} else {
				vals[ref] = fuzzedValues[(int(turn)+i)%len(fuzzedValues)]
			}
		}
		k := m{"pk": m{"S": "x"}, "sk": m{"S": "x"}}
		it := m{"pk": m{"S": "x"}, "sk": m{"S": "x"}, "a": m{"N": "1"}, "b": m{"SS": []string{"x", "y"}}, "d": m{"M": m{"x": m{"L": []m{{"N": "1"}}}}}, "l": m{"L": []m{{"S": "x"}, {"M": m{}}}}}
		send := func(op string, body m) {
			body["TableName"] = "chat"
			if len(names) > 0 {
				body["ExpressionAttributeNames"] = names
			}
			if len(vals) > 0 {
				body["ExpressionAttributeValues"] = vals
			}
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			if status, answer := raw(t, s, request(op, string(text))); status != 200 && status != 400 {
				t.Errorf("%s %s: %d %v", op, text, status, answer)
			}
		}
		send("PutItem", m{"Item": it, "ConditionExpression": expr})
		send("UpdateItem", m{"Key": k, "UpdateExpression": expr, "ReturnValues": "UPDATED_NEW"})
		send("Query", m{"KeyConditionExpression": expr})
		send("Query", m{"KeyConditionExpression": expr, "FilterExpression": expr, "IndexName": "by-g"})
		send("Scan", m{"FilterExpression": expr, "ProjectionExpression": expr})
		for _, found := range s.Items("chat") {
			if found["pk"] == nil || found["sk"] == nil {
				t.Errorf("%s broke the item: %v", expr, found)
			}
		}
	})
}

// FuzzNumbers: what is stored equals what was sent, its canonical form is stable, and sort keys come by their value.
func FuzzNumbers(f *testing.F) {
	for _, n := range []string{"0", "-0.0", "1", "10", "-1", "1e125", "9.9e-130", "123.456", "00012.5000", "-99999999999999999999999999999999999999", "1e-1", ".5", "5.", "+1E+2", "-1.5e-3"} {
		f.Add(n, "1")
		f.Add(n, "-12.5")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		s := withNumbers(t)
		var stored []*big.Rat
		for _, n := range []string{a, b} {
			body, _ := json.Marshal(m{"TableName": "numbers", "Item": m{"pk": m{"S": "x"}, "sk": m{"N": n}}})
			status, answer := raw(t, s, request("PutItem", string(body)))
			if status == 400 {
				continue
			}
			if status != 200 {
				t.Fatalf("%q: %d %v", n, status, answer)
			}
			if len(n) > 400 {
				return // big.Rat would take its time
			}
			sent, ok := new(big.Rat).SetString(n)
			if !ok {
				t.Fatalf("%q was taken for a number", n)
			}
			stored = append(stored, sent)
		}
		_, answer := raw(t, s, request("Query", `{"TableName":"numbers","KeyConditionExpression":"pk = :x","ExpressionAttributeValues":{":x":{"S":"x"}}}`))
		var last *big.Rat
		for _, it := range answer["Items"].([]any) {
			got, ok := new(big.Rat).SetString(it.(m)["sk"].(m)["N"].(string))
			if !ok || last != nil && got.Cmp(last) <= 0 {
				t.Errorf("%q, %q: %v out of order", a, b, answer["Items"])
			}
			last = got
			stored = deleteEqual(stored, got)
		}
		if len(stored) > 0 {
			t.Errorf("%q, %q: stored %v, lost %v", a, b, answer["Items"], stored)
		}
	})
}

func deleteEqual(all []*big.Rat, n *big.Rat) []*big.Rat {
	var rest []*big.Rat
	for _, r := range all {
		if r.Cmp(n) != 0 {
			rest = append(rest, r)
		}
	}
	return rest
}

// FuzzRequests: no body makes the server panic or fail.
func FuzzRequests(f *testing.F) {
	operations := strings.Fields("CreateTable DescribeTable ListTables DeleteTable UpdateTimeToLive DescribeTimeToLive GetItem PutItem UpdateItem DeleteItem " +
		"Query Scan BatchGetItem BatchWriteItem TransactGetItems TransactWriteItems Nothing")
	for i, body := range []string{
		chatTable, `{"TableName":"chat"}`, `{"Limit":1}`, `{"TableName":"none"}`, `{"TableName":"chat","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}}`,
		`{"TableName":"chat"}`, `{"TableName":"chat","Key":{"pk":{"S":"a"},"sk":{"S":"b"}}}`, `{"TableName":"chat","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"l":{"L":[{"M":{}}]}}}`,
		`{"TableName":"chat","Key":{"pk":{"S":"a"},"sk":{"S":"b"}},"UpdateExpression":"SET a = :a","ExpressionAttributeValues":{":a":{"N":"1"}}}`,
		`{"TableName":"chat","Key":{"pk":{"S":"a"},"sk":{"S":"b"}}}`, `{"TableName":"chat","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}},"Limit":1}`,
		`{"TableName":"chat","Segment":0,"TotalSegments":2,"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"S":"b"}}}`,
		`{"RequestItems":{"chat":{"Keys":[{"pk":{"S":"a"},"sk":{"S":"b"}}]}}}`, `{"RequestItems":{"chat":[{"PutRequest":{"Item":{"pk":{"S":"a"},"sk":{"S":"b"}}}},{}]}}`,
		`{"TransactItems":[{"Get":{"TableName":"chat","Key":{"pk":{"S":"a"},"sk":{"S":"b"}}}}]}`,
		`{"TransactItems":[{"Put":{"TableName":"chat","Item":{"pk":{"S":"a"},"sk":{"S":"b"}}}},{"ConditionCheck":{}}],"ClientRequestToken":"t"}`, `[null]`,
	} {
		f.Add(uint8(i), body)
	}
	f.Fuzz(func(t *testing.T, op uint8, body string) {
		s := withTable(t, nil)
		if status, answer := raw(t, s, request(operations[int(op)%len(operations)], body)); status != 200 && status != 400 {
			t.Errorf("%s: %d %v", body, status, answer)
		}
	})
}
