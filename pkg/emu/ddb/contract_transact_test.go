package ddb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func transactPut(table string, it m) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: attrs(it)}}
}

func transactPutIf(table string, it m, cond string) types.TransactWriteItem {
	w := transactPut(table, it)
	w.Put.ConditionExpression = &cond
	w.Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	return w
}

func transactUpdate(table string, k m, expr string, vals m) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{TableName: &table, Key: attrs(k), UpdateExpression: &expr, ExpressionAttributeValues: values(vals)}}
}

func transactCheck(table string, k m, cond string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: &table, Key: attrs(k), ConditionExpression: &cond}}
}

func transactDelete(table string, k m) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &table, Key: attrs(k)}}
}

func (d *db) transact(t *testing.T, token string, items ...types.TransactWriteItem) error {
	t.Helper()
	in := &dynamodb.TransactWriteItemsInput{TransactItems: items}
	if token != "" {
		in.ClientRequestToken = &token
	}
	_, err := d.TransactWriteItems(t.Context(), in)
	return err
}

// reasons are the codes of a cancelled transaction, with the items found.
func reasons(t *testing.T, err error) []string {
	t.Helper()
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		t.Fatalf("got %v, want a cancelled transaction", err)
	}
	var out []string
	for _, r := range cancelled.CancellationReasons {
		code := aws.ToString(r.Code)
		if (code == "None") != (r.Message == nil) {
			t.Errorf("reason %s with message %v", code, r.Message)
		}
		if r.Item != nil {
			code += fmt.Sprint(" ", plainAttrs(r.Item))
		}
		out = append(out, code)
	}
	return out
}

func TestContractTransactWrite(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		one, two := d.table(t, schema{}), d.table(t, schema{keys: "id:N"})
		d.put(t, one, m{"pk": "counter", "sk": "x", "n": 1}, m{"pk": "gone", "sk": "x"}, m{"pk": "guard", "sk": "x"})
		must(t, d.transact(t, "",
			transactPutIf(one, key, "attribute_not_exists(pk)"),
			transactUpdate(one, m{"pk": "counter", "sk": "x"}, "SET n = n + :one", m{":one": 1}),
			transactDelete(one, m{"pk": "gone", "sk": "x"}),
			transactCheck(one, m{"pk": "guard", "sk": "x"}, "attribute_exists(pk)"),
			transactUpdate(two, m{"id": 1}, "ADD n :one", m{":one": 1})))
		same(t, "put", d.get(t, one, key), key)
		same(t, "updated", d.get(t, one, m{"pk": "counter", "sk": "x"})["n"], 2)
		same(t, "deleted", d.get(t, one, m{"pk": "gone", "sk": "x"}), m(nil))
		same(t, "checked", d.get(t, one, m{"pk": "guard", "sk": "x"}), m{"pk": "guard", "sk": "x"})
		same(t, "made", d.get(t, two, m{"id": 1}), m{"id": 1, "n": 1})

		err := d.transact(t, "",
			transactPut(two, m{"id": 2}),
			transactPutIf(one, with(key, m{"v": 1}), "attribute_not_exists(pk)"),
			transactUpdate(two, m{"id": 1}, "ADD n :one", m{":one": 1}),
			transactCheck(one, m{"pk": "never", "sk": "x"}, "attribute_exists(pk)"))
		d.refused(t, "cancelled", err, "TransactionCanceledException", "[None, ConditionalCheckFailed, None, ConditionalCheckFailed]")
		same(t, "reasons in order, with the item asked for", reasons(t, err),
			[]string{"None", "ConditionalCheckFailed " + fmt.Sprint(key), "None", "ConditionalCheckFailed"})
		same(t, "nothing happened", []m{d.get(t, two, m{"id": 2}), d.get(t, two, m{"id": 1})}, []m{nil, {"id": 1, "n": 1}})
	})
}

func TestContractTransactRefusals(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{keys: "id:N"})
		var many []types.TransactWriteItem
		var big []types.TransactWriteItem
		for i := range 101 {
			many = append(many, transactPut(table, m{"id": i}))
			big = append(big, transactPut(table, m{"id": i, "v": strings.Repeat("x", 100_000)}))
		}
		for what, c := range map[string]struct {
			items []types.TransactWriteItem
			words string
			aws   bool
		}{
			// aws: mistakes in expressions refuse the whole request (scylladb/alternator test_transact); dynoxide cancels the transaction.
			"none":                {[]types.TransactWriteItem{}, "greater than or equal to 1", false},
			"101":                 {many, "less than or equal to 100", false},
			"5 MB":                {big[:50], "4MB", false},
			"twice":               {[]types.TransactWriteItem{transactPut(table, m{"id": 1}), transactCheck(table, m{"id": num("1.0")}, "attribute_exists(id)")}, "cannot include multiple operations on one item", false},
			"no action":           {[]types.TransactWriteItem{{}}, "", false},
			"two actions":         {[]types.TransactWriteItem{{Put: many[0].Put, Delete: transactDelete(table, m{"id": 1}).Delete}}, "can only contain one", true},
			"syntax":              {[]types.TransactWriteItem{many[0], transactPutIf(table, m{"id": 1}, "id =")}, syntaxError, true},
			"undefined value":     {[]types.TransactWriteItem{many[0], transactPutIf(table, m{"id": 1}, "id = :x")}, ":x", true},
			"unused value":        {[]types.TransactWriteItem{transactUpdate(table, m{"id": 1}, "REMOVE v", m{":x": 1})}, "unused in expressions: keys: {:x}", true},
			"item beyond 400 KB":  {[]types.TransactWriteItem{transactPut(table, m{"id": 1, "v": strings.Repeat("x", 400<<10)})}, "Item size has exceeded the maximum allowed size", false},
			"value of the wrong":  {[]types.TransactWriteItem{transactPut(table, m{"id": 1, "v": num("x")})}, "numeric value", false},
			"token of 37 letters": {nil, "Member must have length less than or equal to 36", false},
		} {
			if c.aws && !d.ours {
				continue
			}
			token := ""
			if c.items == nil {
				token, c.items = strings.Repeat("t", 37), many[:1]
			}
			d.refused(t, what, d.transact(t, token, c.items...), invalid, c.words)
		}
		must(t, d.transact(t, "", many[:100]...))
		must(t, d.transact(t, "", big[:30]...))
		d.refused(t, "no table", d.transact(t, "", transactPut("kaiwa-no-such-table", m{"id": 1})), "ResourceNotFoundException", "")

		if d.ours {
			// Writes that do not suit their table cancel the transaction; only the first of them is told, and no condition is tried
			// (scylladb/alternator test_transact, run against AWS); dynoxide tells all.
			err := d.transact(t, "", transactPutIf(table, m{"id": 200}, "attribute_exists(id)"), transactPut(table, m{"id": "x"}), transactPut(table, m{"v": 1}))
			same(t, "mistakes", reasons(t, err), []string{"None", "ValidationError", "None"})
		}
		err := d.transact(t, "", transactPut(table, m{"id": 200}), transactUpdate(table, m{"id": 201}, "SET a = b", nil))
		same(t, "mistakes of updates", reasons(t, err), []string{"None", "ValidationError"})
		same(t, "nothing happened", d.get(t, table, m{"id": 200}), m(nil))
	})
}

func TestContractTransactToken(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{keys: "id:N"})
		increment := transactUpdate(table, m{"id": 1}, "ADD n :one", m{":one": 1})
		token := unique()
		for range 3 {
			must(t, d.transact(t, token, increment))
		}
		same(t, "once", d.get(t, table, m{"id": 1})["n"], 1)
		other := transactUpdate(table, m{"id": 1}, "ADD n :one", m{":one": 2})
		d.refused(t, "another request", d.transact(t, token, other), "IdempotentParameterMismatchException", "")
		must(t, d.transact(t, unique(), increment))
		must(t, d.transact(t, unique(), increment))
		same(t, "other tokens", d.get(t, table, m{"id": 1})["n"], 3)

		fails := transactCheck(table, m{"id": 2}, "attribute_exists(id)")
		token = unique()
		reasons(t, d.transact(t, token, increment, fails))
		d.put(t, table, m{"id": 2})
		must(t, d.transact(t, token, increment, fails))
		same(t, "a cancelled transaction may be tried again", d.get(t, table, m{"id": 1})["n"], 4)
	})
}

func TestContractTransactGet(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		one, two := d.table(t, schema{}), d.table(t, schema{keys: "id:N"})
		d.put(t, one, with(key, m{"v": 1, "w": 2}))
		d.put(t, two, m{"id": 1})
		get := func(items ...types.TransactGetItem) ([]m, error) {
			out, err := d.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: items})
			if err != nil {
				return nil, err
			}
			var got []m
			for _, r := range out.Responses {
				got = append(got, plainAttrs(r.Item))
			}
			return got, nil
		}
		item := func(table string, k m) types.TransactGetItem {
			return types.TransactGetItem{Get: &types.Get{TableName: &table, Key: attrs(k)}}
		}
		some := item(one, key)
		// dynoxide always adds the key, so it is asked for.
		some.Get.ProjectionExpression, some.Get.ExpressionAttributeNames = aws.String("#v, pk, sk"), map[string]string{"#v": "v"}
		got, err := get(item(two, m{"id": 1}), item(two, m{"id": 2}), some)
		must(t, err)
		same(t, "in order", got, []m{{"id": 1}, nil, with(key, m{"v": 1})})

		_, err = get(item(one, key), item(one, key))
		d.refused(t, "twice", err, invalid, "cannot include multiple operations on one item")
		_, err = get([]types.TransactGetItem{}...)
		d.refused(t, "none", err, invalid, "greater than or equal to 1")
		_, err = get(item("kaiwa-no-such-table", key))
		d.refused(t, "no table", err, "ResourceNotFoundException", "")
		_, err = get(item(one, key), item(two, key))
		same(t, "wrong key", reasons(t, err), []string{"None", "ValidationError"})
		var many []types.TransactGetItem
		for i := range 101 {
			many = append(many, item(two, m{"id": i}))
		}
		_, err = get(many...)
		d.refused(t, "101", err, invalid, "less than or equal to 100")
	})
}
