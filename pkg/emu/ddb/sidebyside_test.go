package ddb_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"kaiwa/pkg/emu/ddb"
)

// step is one call of a random program: run returns all that may be seen of it, as text.
type step struct {
	what string
	run  func(t *testing.T, d *db, table string) string
}

// TestSideBySide runs random programs on the emulator and the oracle. Every call must show the same; the shortest program that
// does not is printed. KAIWA_CONTRACT_PROGRAMS says how many (default 50), KAIWA_CONTRACT_SEED where to start.
func TestSideBySide(t *testing.T) {
	oracle := os.Getenv("KAIWA_CONTRACT_ENDPOINT")
	if oracle == "" {
		t.Skip("KAIWA_CONTRACT_ENDPOINT names no oracle to compare with")
	}
	endpoint, _ := ddb.Start(t, nil)
	ours, theirs := &db{client(endpoint), true}, &db{client(oracle), false}
	first, programs := number("KAIWA_CONTRACT_SEED", 1), number("KAIWA_CONTRACT_PROGRAMS", 50)
	for seed := first; seed < first+programs; seed++ {
		program := randomProgram(rand.New(rand.NewPCG(uint64(seed), 0)))
		at, _, _ := compare(t, ours, theirs, program)
		if at < 0 {
			continue
		}
		program = shrink(t, ours, theirs, program[:at+1])
		at, mine, other := compare(t, ours, theirs, program)
		var listing []string
		for _, s := range program {
			listing = append(listing, s.what)
		}
		t.Fatalf("seed %d, call %d:\n%s\n  kaiwa: %s\n oracle: %s", seed, at+1, strings.Join(listing, "\n"), mine, other)
	}
}

func number(env string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(env)); err == nil {
		return n
	}
	return otherwise
}

// compare runs a program on fresh tables and returns the first call that differs, -1 if none.
func compare(t *testing.T, ours, theirs *db, program []step) (at int, mine, other string) {
	at = -1
	t.Run("program", func(t *testing.T) { // a subtest, so that its tables are deleted
		s := schema{keys: "pk:S sk:N", indexes: []indexSchema{
			{name: "all", keys: "g:S n:N", projection: "ALL"}, {name: "keys", keys: "g:S", projection: "KEYS_ONLY"},
		}}
		one, two := ours.table(t, s), theirs.table(t, s)
		for i, s := range program {
			mine, other = s.run(t, ours, one), s.run(t, theirs, two)
			if mine != other {
				at = i
				return
			}
		}
	})
	return at, mine, other
}

// shrink leaves out every call without which the last one still differs.
func shrink(t *testing.T, ours, theirs *db, program []step) []step {
	for i := len(program) - 2; i >= 0; i-- {
		shorter := slices.Delete(slices.Clone(program), i, i+1)
		if at, _, _ := compare(t, ours, theirs, shorter); at == len(shorter)-1 {
			program = shorter
		}
	}
	return program
}

func randomProgram(r *rand.Rand) []step {
	g := generator{r}
	makers := []func() step{g.put, g.put, g.update, g.update, g.update, g.update, g.delete, g.get, g.query, g.query, g.queryIndex, g.scan, g.batchWrite, g.batchGet, g.transact, g.transactGet}
	var program []step
	for range 60 {
		program = append(program, makers[r.IntN(len(makers))]())
	}
	return program
}

// generator makes steps of few keys and few attributes, so that they meet.
type generator struct{ *rand.Rand }

func pick[T any](g generator, all ...T) T { return all[g.IntN(len(all))] }

func (g generator) key() m {
	return m{"pk": pick(g, "a", "b", "é"), "sk": pick[any](g, 0, 1, -1, num("1.5"), num("10"), num("1e20"))}
}

func (g generator) value(depth int) any {
	kinds := 9
	if depth == 0 {
		kinds = 7
	}
	switch g.IntN(kinds) {
	case 0:
		return pick(g, "", "x", "xy", "日本")
	case 1:
		return pick[any](g, 0, 1, num("-2.5"), num("1e30"))
	case 2:
		return pick(g, true, false)
	case 3:
		return nil
	case 4:
		return []byte(pick(g, "", "x", "\x00"))
	case 5:
		return pick(g, ss{"a"}, ss{"a", "b"}, ss{"b", "c"})
	case 6:
		return pick(g, ns{"1"}, ns{"1", "2.5"})
	case 7:
		all := l{}
		for range g.IntN(3) {
			all = append(all, g.value(depth-1))
		}
		return all
	}
	all := m{}
	for range g.IntN(3) {
		all[pick(g, "x", "y", "z")] = g.value(depth - 1)
	}
	return all
}

func (g generator) item() m {
	it := g.key()
	for range g.IntN(5) {
		v := g.value(2)
		if v == nil {
			v = "null" // dynoxide makes a map of a null when something is set in it
		}
		it[pick(g, "a", "b", "c", "d")] = v
	}
	if g.IntN(2) == 0 {
		it["g"] = pick(g, "G", "H")
	}
	if g.IntN(2) == 0 {
		it["n"] = pick[any](g, 1, 2, num("2.5"))
	}
	return it
}

// condition is one that dynoxide and AWS read alike.
func (g generator) condition() (string, m) {
	v := m{}
	one := func() string {
		ref := fmt.Sprint(":c", len(v))
		path := pick(g, "a", "b", "c", "d", "a.x", "b[0]", "n", "g", "pk")
		switch g.IntN(8) {
		case 0:
			return pick(g, "attribute_exists", "attribute_not_exists") + "(" + pick(g, "a", "b", "pk", "a.x", "b[1]") + ")"
		case 1:
			v[ref] = pick(g, "S", "N", "L", "M", "SS", "NULL", "BOOL")
			return "attribute_type(" + path + ", " + ref + ")"
		case 2:
			v[ref] = pick(g, "x", "")
			return "begins_with(" + path + ", " + ref + ")"
		case 3:
			v[ref] = pick[any](g, "a", "x", 1)
			return "contains(" + path + ", " + ref + ")"
		case 4:
			v[ref] = g.IntN(3)
			return "size(" + path + ") " + pick(g, "=", "<", ">=", "<>") + " " + ref
		case 5:
			v[ref] = pick[any](g, "x", 1, num("2.5"))
			return path + " " + pick(g, "<", "<=", ">", ">=") + " " + ref
		case 6:
			v[ref], v[ref+"x"] = g.value(1), g.value(1)
			return path + " IN (" + ref + ", " + ref + "x)"
		}
		v[ref] = g.value(1)
		return path + " " + pick(g, "=", "<>") + " " + ref
	}
	expr := pick(g, "", "NOT ") + one()
	for range g.IntN(2) {
		expr += pick(g, " AND ", " OR ") + pick(g, "", "NOT ") + one()
	}
	return expr, v
}

// updateExpression leaves out what dynoxide is known to do in its own way: see the update cases marked aws.
func (g generator) updateExpression() (string, m) {
	v := m{":v": g.value(2)}
	switch g.IntN(10) {
	case 0:
		return "SET a = :v", v
	case 1:
		return "SET b.x = :v", v
	case 2:
		return "SET c[0] = :v", v
	case 3:
		v[":w"] = pick[any](g, 1, num("0.1"))
		return "SET d = if_not_exists(b, :v), a = if_not_exists(n, :w) + :w", v
	case 4:
		v[":v"] = l{g.value(1)}
		v[":e"] = l{}
		return "SET c = list_append(if_not_exists(c, :e), :v)", v
	case 5:
		v[":v"] = pick[any](g, 1, num("-2.5"))
		return "ADD n :v REMOVE a, b", v
	case 6:
		v[":v"] = pick(g, ss{"a"}, ss{"c", "b"})
		v[":one"] = 1
		return pick(g, "ADD", "DELETE") + " d :v SET a = :one", v
	case 7:
		v[":v"] = pick[any](g, "G", "H")
		return "SET g = :v REMOVE n", v
	case 8:
		return "SET a = b, d = :v", v
	}
	return "SET n = :one REMOVE g, d", m{":one": pick(g, 1, 2)}
}

func (g generator) put() step {
	in := &dynamodb.PutItemInput{Item: attrs(g.item()), ReturnValues: pick(g, types.ReturnValueNone, types.ReturnValueAllOld), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	if g.IntN(3) == 0 {
		expr, v := g.condition()
		in.ConditionExpression, in.ExpressionAttributeValues = &expr, values(v)
		in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	what := fmt.Sprint("put ", plainAttrs(in.Item), " if ", aws.ToString(in.ConditionExpression), plainAttrs(in.ExpressionAttributeValues), in.ReturnValues)
	return step{what, func(t *testing.T, d *db, table string) string {
		in.TableName = &table
		out, err := d.PutItem(t.Context(), in)
		if err != nil {
			return failure(err)
		}
		return fmt.Sprint(plainAttrs(out.Attributes), *out.ConsumedCapacity.CapacityUnits)
	}}
}

func (g generator) update() step {
	expr, v := g.updateExpression()
	in := &dynamodb.UpdateItemInput{Key: attrs(g.key()), UpdateExpression: &expr, ReturnValues: pick(g, types.ReturnValueNone, types.ReturnValueAllNew)}
	if g.IntN(3) == 0 {
		cond, more := g.condition()
		in.ConditionExpression, v = &cond, with(v, more)
	}
	in.ExpressionAttributeValues = values(v)
	what := fmt.Sprint("update ", plainAttrs(in.Key), expr, " if ", aws.ToString(in.ConditionExpression), v, in.ReturnValues)
	return step{what, func(t *testing.T, d *db, table string) string {
		in.TableName = &table
		out, err := d.UpdateItem(t.Context(), in)
		if err != nil {
			return failure(err)
		}
		return fmt.Sprint(plainAttrs(out.Attributes))
	}}
}

func (g generator) delete() step {
	in := &dynamodb.DeleteItemInput{Key: attrs(g.key()), ReturnValues: types.ReturnValueAllOld, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	return step{fmt.Sprint("delete ", plainAttrs(in.Key)), func(t *testing.T, d *db, table string) string {
		in.TableName = &table
		out, err := d.DeleteItem(t.Context(), in)
		if err != nil {
			return failure(err)
		}
		return fmt.Sprint(plainAttrs(out.Attributes), *out.ConsumedCapacity.CapacityUnits)
	}}
}

func (g generator) get() step {
	in := &dynamodb.GetItemInput{Key: attrs(g.key())}
	if g.IntN(2) == 0 {
		in.ProjectionExpression = aws.String(pick(g, "a", "a.x, b[0], pk", "c[1], c[0]", "d, g, n"))
	}
	return step{fmt.Sprint("get ", plainAttrs(in.Key), aws.ToString(in.ProjectionExpression)), func(t *testing.T, d *db, table string) string {
		in.TableName = &table
		out, err := d.GetItem(t.Context(), in)
		if err != nil {
			return failure(err)
		}
		return fmt.Sprint(plainAttrs(out.Item))
	}}
}

func (g generator) query() step {
	expr, v := "pk = :p", m{":p": pick(g, "a", "b", "é")}
	if g.IntN(2) == 0 {
		op := pick(g, "=", "<", "<=", ">", ">=", "BETWEEN")
		v[":s"] = pick[any](g, 0, 1, num("1.5"))
		expr += " AND sk " + op + " :s"
		if op == "BETWEEN" {
			v[":t"] = num("2")
			expr += " AND :t"
		}
	}
	return g.pages(expr, v, "", func(items []m) string { return fmt.Sprint(items) })
}

// queryIndex compares only the order of the sort key: entries under equal keys have none.
func (g generator) queryIndex() step {
	index := pick(g, "all", "keys")
	return g.pages("g = :g", m{":g": pick(g, "G", "H")}, index, func(items []m) string {
		var order, all []string
		for _, it := range items {
			if index == "all" {
				order = append(order, fmt.Sprint(it["n"]))
			}
			all = append(all, fmt.Sprint(it))
		}
		slices.Sort(all)
		return fmt.Sprint(order, all)
	})
}

// pages reads a query to its end.
func (g generator) pages(expr string, v m, index string, show func([]m) string) step {
	limit, forward, filter := int32(1+g.IntN(4)), g.IntN(2) == 0, ""
	if g.IntN(3) == 0 && index == "" {
		filter = pick(g, "attribute_exists(a)", "attribute_type(b, :f)", "n > :f")
		if strings.Contains(filter, ":f") {
			v[":f"] = pick[any](g, "S", 1)
		}
	}
	if v[":f"] == 1 && strings.Contains(filter, "attribute_type") {
		v[":f"] = "M" // a number there is refused by AWS, not by dynoxide
	}
	what := fmt.Sprint("query ", index, expr, v, " limit ", limit, " forward ", forward, " filter ", filter)
	return step{what, func(t *testing.T, d *db, table string) string {
		in := &dynamodb.QueryInput{TableName: &table, KeyConditionExpression: &expr, ExpressionAttributeValues: values(v), Limit: &limit, ScanIndexForward: &forward}
		if index != "" {
			in.IndexName = &index
		}
		if filter != "" {
			in.FilterExpression = &filter
		}
		var items []m
		counts := ""
		for {
			out, err := d.Query(t.Context(), in)
			if err != nil {
				return failure(err)
			}
			items = append(items, plainItems(out.Items)...)
			counts += fmt.Sprint(" ", out.Count, "/", out.ScannedCount, "/", len(out.LastEvaluatedKey))
			if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
				return show(items) + counts
			}
		}
	}}
}

func (g generator) scan() step {
	expr, v := g.condition()
	in := &dynamodb.ScanInput{FilterExpression: &expr, ExpressionAttributeValues: values(v)}
	return step{fmt.Sprint("scan ", expr, v), func(t *testing.T, d *db, table string) string {
		in.TableName = &table
		out, err := d.Scan(t.Context(), in)
		if err != nil {
			return failure(err)
		}
		var all []string
		for _, it := range plainItems(out.Items) {
			all = append(all, fmt.Sprint(it))
		}
		slices.Sort(all)
		return fmt.Sprint(all, out.Count, out.ScannedCount)
	}}
}

func (g generator) batchWrite() step {
	var requests []types.WriteRequest
	what := "batch"
	for range 1 + g.IntN(4) {
		if g.IntN(2) == 0 {
			it := g.item()
			requests, what = append(requests, putRequest(it)), fmt.Sprint(what, " put ", it)
		} else {
			k := g.key()
			requests, what = append(requests, deleteRequest(k)), fmt.Sprint(what, " delete ", k)
		}
	}
	return step{what, func(t *testing.T, d *db, table string) string {
		out, err := d.batchWrite(t, map[string][]types.WriteRequest{table: requests})
		if err != nil {
			return failure(err)
		}
		return fmt.Sprint(len(out.UnprocessedItems))
	}}
}

func (g generator) batchGet() step {
	var keys []map[string]types.AttributeValue
	seen := map[string]bool{}
	for range 1 + g.IntN(4) {
		if k := g.key(); !seen[fmt.Sprint(k)] {
			seen[fmt.Sprint(k)] = true
			keys = append(keys, attrs(k))
		}
	}
	return step{fmt.Sprint("batch get ", plainItems(keys)), func(t *testing.T, d *db, table string) string {
		out, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: {Keys: keys}}})
		if err != nil {
			return failure(err)
		}
		var all []string
		for _, it := range plainItems(out.Responses[table]) {
			all = append(all, fmt.Sprint(it))
		}
		slices.Sort(all)
		return fmt.Sprint(all)
	}}
}

func (g generator) transact() step {
	var makers []func(table string) types.TransactWriteItem
	what := "transact"
	for range 1 + g.IntN(3) {
		it, k := g.item(), g.key()
		cond := pick(g, "attribute_exists(pk)", "attribute_not_exists(pk)", "attribute_not_exists(a)")
		switch g.IntN(4) {
		case 0:
			makers, what = append(makers, func(table string) types.TransactWriteItem { return transactPutIf(table, it, cond) }), fmt.Sprint(what, " put ", it, cond)
		case 1:
			makers, what = append(makers, func(table string) types.TransactWriteItem { return transactDelete(table, k) }), fmt.Sprint(what, " delete ", k)
		case 2:
			makers, what = append(makers, func(table string) types.TransactWriteItem { return transactCheck(table, k, cond) }), fmt.Sprint(what, " check ", k, cond)
		default:
			expr, v := g.updateExpression()
			makers, what = append(makers, func(table string) types.TransactWriteItem { return transactUpdate(table, k, expr, v) }), fmt.Sprint(what, " update ", k, expr, v)
		}
	}
	return step{what, func(t *testing.T, d *db, table string) string {
		var items []types.TransactWriteItem
		for _, make := range makers {
			items = append(items, make(table))
		}
		return failure(d.transact(t, "", items...))
	}}
}

func (g generator) transactGet() step {
	k := g.key()
	return step{fmt.Sprint("transact get ", k), func(t *testing.T, d *db, table string) string {
		out, err := d.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{{Get: &types.Get{TableName: &table, Key: attrs(k)}}}})
		if err != nil {
			return failure(err)
		}
		return fmt.Sprint(plainAttrs(out.Responses[0].Item))
	}}
}

// failure is the type of an error, with what else the program can see: reasons, the item found.
func failure(err error) string {
	var cancelled *types.TransactionCanceledException
	var api smithy.APIError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &cancelled):
		text := "cancelled"
		for _, r := range cancelled.CancellationReasons {
			text += fmt.Sprint(" ", aws.ToString(r.Code), plainAttrs(r.Item))
		}
		return text
	case errors.As(err, &api):
		return fmt.Sprint(api.ErrorCode(), onFailure(err))
	}
	return err.Error()
}
