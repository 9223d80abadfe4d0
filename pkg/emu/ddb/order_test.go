package ddb_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// Thousands of items, put and deleted at random, are read back in order, both ways, by pages, whole and in segments.
func TestManyItems(t *testing.T) {
	s := withNumbers(t)
	r := rand.New(rand.NewPCG(1, 2))
	model := map[string]map[int]bool{}
	call := func(op string, body m) map[string]any {
		body["TableName"] = "numbers"
		text, err := json.Marshal(body)
		must(t, err)
		status, answer := raw(t, s, request(op, string(text)))
		if status != 200 {
			t.Fatalf("%s %s: %v", op, text, answer)
		}
		return answer
	}
	key := func(pk string, sk int) m { return m{"pk": m{"S": pk}, "sk": m{"N": fmt.Sprint(sk)}} }
	for i := range 12_000 {
		pk, sk := fmt.Sprint("p", r.IntN(3)), r.IntN(4000)-2000
		if model[pk] == nil {
			model[pk] = map[int]bool{}
		}
		if i > 9000 || r.IntN(4) == 0 { // shrinks in the end
			call("DeleteItem", m{"Key": key(pk, sk)})
			delete(model[pk], sk)
		} else {
			call("PutItem", m{"Item": key(pk, sk)})
			model[pk][sk] = true
		}
	}
	read := func(op string, body m) []int {
		var got []int
		for {
			out := call(op, body)
			for _, it := range out["Items"].([]any) {
				var sk int
				fmt.Sscan(it.(m)["sk"].(m)["N"].(string), &sk)
				got = append(got, sk)
			}
			if body["ExclusiveStartKey"] = out["LastEvaluatedKey"]; out["LastEvaluatedKey"] == nil {
				return got
			}
		}
	}
	total := 0
	for pk, sks := range model {
		want := slices.Sorted(maps.Keys(sks))
		total += len(want)
		query := func(forward bool) m {
			return m{"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": m{":p": m{"S": pk}}, "Limit": 1 + r.IntN(300), "ScanIndexForward": forward}
		}
		same(t, pk, read("Query", query(true)), want)
		slices.Reverse(want)
		same(t, pk+" backwards", read("Query", query(false)), want)
	}
	same(t, "items", len(s.Items("numbers")), total)
	scanned := 0
	for segment := range 5 {
		scanned += len(read("Scan", m{"Segment": segment, "TotalSegments": 5, "Limit": 100}))
	}
	same(t, "segments", scanned, total)
	same(t, "described", int(call("DescribeTable", m{})["Table"].(m)["ItemCount"].(float64)), total)
	for pk, sks := range model {
		for sk := range sks {
			call("DeleteItem", m{"Key": key(pk, sk)})
		}
	}
	table := call("DescribeTable", m{})["Table"].(m)
	same(t, "empty", []any{len(s.Items("numbers")), table["ItemCount"], table["TableSizeBytes"]}, []any{0, 0.0, 0.0})
}
