package ddb_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func putRequest(it m) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: attrs(it)}}
}

func deleteRequest(k m) types.WriteRequest {
	return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: attrs(k)}}
}

func (d *db) batchWrite(t *testing.T, requests map[string][]types.WriteRequest) (*dynamodb.BatchWriteItemOutput, error) {
	t.Helper()
	return d.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: requests})
}

func TestContractBatchWrite(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		one, two := d.table(t, schema{}), d.table(t, schema{keys: "id:N"})
		d.put(t, one, with(key, m{"v": "old"}), m{"pk": "gone", "sk": "x"})
		out, err := d.batchWrite(t, map[string][]types.WriteRequest{
			one: {putRequest(with(key, m{"w": "new"})), deleteRequest(m{"pk": "gone", "sk": "x"}), deleteRequest(m{"pk": "never", "sk": "x"})},
			two: {putRequest(m{"id": 1}), putRequest(m{"id": 2})},
		})
		must(t, err)
		if out.UnprocessedItems == nil || len(out.UnprocessedItems) != 0 {
			t.Errorf("unprocessed: %v", out.UnprocessedItems)
		}
		same(t, "put replaces", d.get(t, one, key), with(key, m{"w": "new"}))
		same(t, "deleted", d.get(t, one, m{"pk": "gone", "sk": "x"}), m(nil))
		same(t, "other table", d.get(t, two, m{"id": 2}), m{"id": 2})

		var many []types.WriteRequest
		for i := range 26 {
			many = append(many, putRequest(m{"id": i}))
		}
		for what, c := range map[string]struct {
			requests map[string][]types.WriteRequest
			words    string
		}{
			"none":                 {map[string][]types.WriteRequest{}, ""},
			"26":                   {map[string][]types.WriteRequest{two: many}, "length less than or equal to 25"},
			"26 in two tables":     {map[string][]types.WriteRequest{two: many[:25], one: {putRequest(key)}}, ""},
			"twice":                {map[string][]types.WriteRequest{two: {putRequest(m{"id": 1}), deleteRequest(m{"id": num("1.0")})}}, "Provided list of item keys contains duplicates"},
			"no request":           {map[string][]types.WriteRequest{two: {{}}}, "must contain exactly one of the supported datatypes"},
			"wrong key":            {map[string][]types.WriteRequest{two: {putRequest(m{"id": 9}), deleteRequest(m{"id": "x"})}}, "does not match the schema"},
			"item without its key": {map[string][]types.WriteRequest{two: {putRequest(m{"id": 9}), putRequest(m{"v": "x"})}}, "Missing the key id"},
			"too big":              {map[string][]types.WriteRequest{two: {putRequest(m{"id": 9}), putRequest(m{"id": 8, "v": strings.Repeat("x", 400<<10)})}}, "Item size has exceeded the maximum allowed size"},
		} {
			_, err := d.batchWrite(t, c.requests)
			d.refused(t, what, err, invalid, c.words)
		}
		same(t, "a refused batch writes nothing", d.get(t, two, m{"id": 9}), m(nil))
		_, err = d.batchWrite(t, map[string][]types.WriteRequest{"kaiwa-no-such-table": {putRequest(key)}})
		d.refused(t, "no table", err, "ResourceNotFoundException", "")
	})
}

func TestContractBatchGet(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		one, two := d.table(t, schema{}), d.table(t, schema{keys: "id:N"})
		for i := range 12 {
			d.put(t, two, m{"id": i, "v": fmt.Sprint(i), "w": "w"})
		}
		d.put(t, one, with(key, m{"v": 1}))
		out, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			one: {Keys: []map[string]types.AttributeValue{attrs(key), attrs(m{"pk": "never", "sk": "x"})}, ConsistentRead: aws.Bool(true)},
			two: {Keys: []map[string]types.AttributeValue{attrs(m{"id": 3}), attrs(m{"id": 5}), attrs(m{"id": 99})},
				ProjectionExpression: aws.String("#i, v"), ExpressionAttributeNames: map[string]string{"#i": "id"}},
		}})
		must(t, err)
		same(t, "one", plainItems(out.Responses[one]), []m{with(key, m{"v": 1})})
		found := plainItems(out.Responses[two])
		slices.SortFunc(found, func(a, b m) int { return a["id"].(int) - b["id"].(int) }) // in any order
		same(t, "two", found, []m{{"id": 3, "v": "3"}, {"id": 5, "v": "5"}})
		if out.UnprocessedKeys == nil || len(out.UnprocessedKeys) != 0 {
			t.Errorf("unprocessed: %v", out.UnprocessedKeys)
		}
		out, err = d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{two: {Keys: []map[string]types.AttributeValue{attrs(m{"id": 77})}}}})
		must(t, err)
		if got, ok := out.Responses[two]; !ok || len(got) != 0 {
			t.Errorf("nothing found must be an empty list: %v", out.Responses)
		}

		var many []map[string]types.AttributeValue
		for i := range 101 {
			many = append(many, attrs(m{"id": i}))
		}
		for what, c := range map[string]struct {
			keys  []map[string]types.AttributeValue
			words string
		}{
			"none":      {[]map[string]types.AttributeValue{}, "greater than or equal to 1"},
			"101":       {many, "less than or equal to 100"},
			"twice":     {[]map[string]types.AttributeValue{attrs(m{"id": 1}), attrs(m{"id": 1})}, "Provided list of item keys contains duplicates"},
			"wrong key": {[]map[string]types.AttributeValue{attrs(m{"id": "x"})}, "does not match the schema"},
		} {
			_, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{two: {Keys: c.keys}}})
			d.refused(t, what, err, invalid, c.words)
		}
	})
}

func TestContractBatchGetBeyond16MB(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		if !d.ours { // dynoxide stops elsewhere, and it takes a while
			return
		}
		table := d.table(t, schema{keys: "id:N"})
		var keys []map[string]types.AttributeValue
		for i := range 45 {
			d.put(t, table, m{"id": i, "v": strings.Repeat("x", 400_000)})
			keys = append(keys, attrs(m{"id": i}))
		}
		todo := map[string]types.KeysAndAttributes{table: {Keys: keys, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("id")}}
		seen := 0
		for calls := 0; len(todo) > 0; calls++ {
			out, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: todo})
			must(t, err)
			seen += len(out.Responses[table])
			todo = out.UnprocessedKeys
			if calls == 0 && (seen != 41 || !aws.ToBool(todo[table].ConsistentRead) || aws.ToString(todo[table].ProjectionExpression) != "id") {
				t.Errorf("first call: %d items, left %+v", seen, todo[table])
			}
		}
		same(t, "all in the end", seen, 45)
	})
}
