package ddb_test

import (
	"encoding/base64"
	"maps"
	"math/rand/v2"
	"strings"
)

// tablesOfPrograms are there when a program begins; table-c is for programs to make and delete.
var tablesOfPrograms = []string{
	`{"TableName":"table-a","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},{"AttributeName":"g","AttributeType":"S"},
			{"AttributeName":"n","AttributeType":"N"},{"AttributeName":"l","AttributeType":"S"}],
		"GlobalSecondaryIndexes":[
			{"IndexName":"all","KeySchema":[{"AttributeName":"g","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}},
			{"IndexName":"keys","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}},
			{"IndexName":"some","KeySchema":[{"AttributeName":"n","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["a","b"]}}],
		"LocalSecondaryIndexes":[
			{"IndexName":"local","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}},
			{"IndexName":"local-keys","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]}`,
	`{"TableName":"table-b","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"B"}]}`,
}

// sortKeyOf is the sort key of an index of table-a, empty if it has none.
func sortKeyOf(index any) string {
	name, _ := index.(string)
	return map[string]string{"all": "n", "some": "sk", "local": "n", "local-keys": "l"}[name]
}

// generator makes steps of few keys and few attributes, so that they meet. Some have a mistake, none has two, for which of them is
// told first is documented nowhere.
type generator struct {
	*rand.Rand
	slips *int // mistakes that may still be made
}

func randomProgram(r *rand.Rand) []step {
	g := generator{r, new(int)}
	makers := []struct {
		weight int
		make   func() step
	}{
		{16, g.put}, {30, g.update}, {5, g.deleteItem}, {8, g.get}, {10, g.query}, {10, g.queryIndex}, {8, g.scan}, {5, g.batchWrite}, {5, g.batchGet},
		{10, g.transactWrite}, {4, g.transactGet}, {2, g.timeToLive}, {3, g.tables},
	}
	var all []func() step
	for _, m := range makers {
		for range m.weight {
			all = append(all, m.make)
		}
	}
	program := make([]step, 60)
	for i := range program {
		*g.slips = g.IntN(8) / 7
		program[i] = pick(g, all...)()
		if i < 5 {
			program[i] = step{"PutItem", m{"TableName": "table-a", "Item": g.item("table-a")}}
		}
	}
	return program
}

// slip says yes one time in n, once for a step.
func (g generator) slip(n int) bool {
	if *g.slips == 0 || !g.one(n) {
		return false
	}
	*g.slips--
	return true
}

func pick[T any](g generator, all ...T) T { return all[g.IntN(len(all))] }

// one says yes one time in n.
func (g generator) one(n int) bool { return g.IntN(n) == 0 }

func (g generator) table() string {
	if g.slip(20) {
		return pick(g, "table-c", "x", "not a name")
	}
	return pick(g, "table-a", "table-a", "table-a", "table-b")
}

func (g generator) key(table string) m {
	if table == "table-b" {
		return m{"id": m{"B": base64.StdEncoding.EncodeToString([]byte(pick(g, "a", "a", "b", "\x00")))}}
	}
	k := m{"pk": m{"S": pick(g, "a", "a", "b")}, "sk": m{"N": pick(g, "0", "1")}} // few, so that there is something
	if g.one(5) {
		k = m{"pk": m{"S": pick(g, "a", "b", "é")}, "sk": m{"N": pick(g, "0", "1", "-1", "1.5", "10", "1e20")}}
	}
	if g.slip(10) {
		pick(g, func() { delete(k, "sk") }, func() { k["pk"] = g.value(0) }, func() { k["a"] = m{"S": "x"} })()
	}
	return k
}

// value is an attribute value, mostly a good one.
func (g generator) value(depth int) any {
	if g.slip(15) {
		return pick[any](g, m{}, m{"N": "abc"}, m{"N": ""}, m{"SS": []any{}}, m{"SS": []any{"a", "a"}}, m{"NS": []any{"1", "1.0"}}, m{"NULL": false}, m{"S": "x", "N": "1"},
			m{"X": "x"}, m{"N": "1e126"}, m{"N": "1e-131"}, m{"N": "1" + strings.Repeat("0", 37) + "1"}, m{"B": "*"}, m{"S": 1.0}, m{"L": m{}})
	}
	kinds := 10
	if depth <= 0 {
		kinds = 8
	}
	switch g.IntN(kinds) {
	case 0, 1:
		return m{"S": pick(g, "", "x", "xy", "日本", "a")}
	case 2, 3:
		return m{"N": pick(g, "0", "1", "-2.5", "1e30", "0010", "3")}
	case 4:
		return m{"BOOL": g.one(2)}
	case 5:
		return m{"B": pick(g, "", "eA==", "AA==", "eHk=")}
	case 6:
		return pick(g, m{"SS": []any{"a"}}, m{"SS": []any{"b", "a"}}, m{"NS": []any{"1", "2.5"}}, m{"BS": []any{"eA==", "AA=="}}, m{"NS": []any{"3"}})
	case 7:
		return m{"NULL": true}
	case 8:
		list := []any{}
		for range g.IntN(4) {
			list = append(list, g.value(depth-1))
		}
		return m{"L": list}
	}
	members := m{}
	for range g.IntN(3) {
		members[pick(g, "x", "y", "z")] = g.value(depth - 1)
	}
	return m{"M": members}
}

// valueOf is a value of an attribute that mostly has one type, so that many paths lead somewhere.
func (g generator) valueOf(name string) any {
	if g.one(5) {
		return g.value(2)
	}
	switch name {
	case "a":
		return m{"M": m{"x": g.value(1), "y": g.value(1)}}
	case "b":
		return m{"L": []any{g.value(1), g.value(0), g.value(0)}}
	case "c":
		return pick(g, m{"SS": []any{"a", "b"}}, m{"SS": []any{"b", "c", "d"}}, m{"NS": []any{"1", "2"}})
	}
	return m{"N": pick(g, "1", "2.5", "-3")}
}

func (g generator) item(table string) m {
	it := g.key(table)
	for range g.IntN(6) {
		name := pick(g, "a", "b", "c", "d")
		it[name] = g.valueOf(name)
	}
	if g.one(2) {
		it["g"] = m{"S": pick(g, "G", "H")}
	}
	if g.one(2) {
		it["n"] = m{"N": pick(g, "1", "2", "2.5")}
	}
	if g.one(3) {
		it["l"] = m{"S": pick(g, "u", "v")}
	}
	if g.slip(6) {
		it[pick(g, "g", "n", "l")] = g.value(1)
	}
	return it
}

func (g generator) capacity(body m) {
	if g.one(3) {
		body["ReturnConsumedCapacity"] = "TOTAL"
	}
}

func (g generator) put() step {
	table := g.table()
	e := g.expressive(m{"TableName": table, "Item": g.item(table), "ReturnValues": pick(g, "NONE", "ALL_OLD")})
	if g.slip(10) {
		e.body["ReturnValues"] = pick(g, "ALL_NEW", "SOME")
	}
	e.when(3)
	g.capacity(e.body)
	return step{"PutItem", e.finish()}
}

func (g generator) update() step {
	table := g.table()
	e := g.expressive(m{"TableName": table, "Key": g.key(table)})
	e.when(4)
	if !g.one(30) {
		e.body["UpdateExpression"] = e.broken(e.update(table))
	}
	e.body["ReturnValues"] = pick(g, "NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
	return step{"UpdateItem", e.finish()}
}

func (g generator) deleteItem() step {
	table := g.table()
	e := g.expressive(m{"TableName": table, "Key": g.key(table), "ReturnValues": pick(g, "NONE", "ALL_OLD")})
	e.when(3)
	g.capacity(e.body)
	return step{"DeleteItem", e.finish()}
}

func (g generator) get() step {
	table := g.table()
	e := g.expressive(m{"TableName": table, "Key": g.key(table), "ConsistentRead": g.one(2)})
	if g.one(2) {
		e.body["ProjectionExpression"] = e.projection()
	}
	g.capacity(e.body)
	body := e.finish()
	delete(body, "ExpressionAttributeValues")
	return step{"GetItem", body}
}

func (g generator) query() step {
	e := g.expressive(m{"TableName": "table-a"})
	key := e.name("pk") + " = " + e.ref(m{"S": pick(g, "a", "b", "é")})
	number := func() string { return e.ref(m{"N": pick(g, "0", "1", "1.5", "10")}) }
	switch g.IntN(4) {
	case 0:
		key += " AND " + e.name("sk") + pick(g, " = ", " < ", " <= ", " > ", " >= ") + number()
	case 1:
		key += " AND sk BETWEEN " + e.ref(m{"N": "-1"}) + " AND " + number()
	case 2:
		if !g.one(4) {
			break
		}
		key = "sk" + pick(g, " = ", " < ", " >= ") + number() + " AND (" + key + ")"
	}
	return e.read(allQuery, key)
}

func (g generator) queryIndex() step {
	index := pick(g, "all", "keys", "some", "local", "local-keys")
	e := g.expressive(m{"TableName": "table-a", "IndexName": index})
	var key string
	switch index {
	case "all", "keys":
		key = "g = " + e.ref(m{"S": pick(g, "G", "H")})
	case "some":
		key = "n = " + e.ref(m{"N": pick(g, "1", "2", "2.5")})
	default:
		key = "pk = " + e.ref(m{"S": pick(g, "a", "b")})
	}
	if sort := sortKeyOf(index); sort == "l" && g.one(2) {
		key += " AND begins_with(l, " + e.ref(m{"S": "u"}) + ")"
	} else if sort != "" && sort != "l" && g.one(2) {
		key += " AND " + sort + pick(g, " > ", " <= ", " = ") + e.ref(m{"N": pick(g, "0", "1", "2")})
	}
	return e.read(allQuery, key)
}

// read is a Query or Scan with all that both may have.
func (e *expressive) read(op, key string) step {
	if op == allQuery {
		e.body["KeyConditionExpression"] = e.broken(key)
		e.body["ScanIndexForward"] = e.one(2)
	}
	if e.one(3) {
		e.body["FilterExpression"] = e.broken(e.condition(2))
	}
	index, indexed := e.body["IndexName"].(string)
	switch e.IntN(6) {
	case 0:
		e.body["ProjectionExpression"] = e.projection()
	case 1:
		e.body["Select"] = "COUNT"
	case 2:
		if !indexed || index == "all" || e.slip(2) {
			e.body["Select"] = "ALL_ATTRIBUTES"
		}
	case 3:
		if indexed || e.slip(2) {
			e.body["Select"] = "ALL_PROJECTED_ATTRIBUTES"
		}
	}
	if e.one(2) {
		e.body["Limit"] = float64(1 + e.IntN(4))
	}
	if e.one(12) && (!strings.Contains("all keys some", index) || index == "" || e.slip(1)) {
		e.body["ConsistentRead"] = true
	}
	if e.slip(8) {
		e.body["IndexName"] = "none"
		delete(e.body, "ConsistentRead")
	}
	return step{op, e.finish()}
}

func (g generator) scan() step {
	e := g.expressive(m{"TableName": g.table()})
	if e.body["TableName"] == "table-a" && g.one(3) {
		e.body["IndexName"] = pick(g, "all", "keys", "some", "local", "local-keys")
	}
	switch g.IntN(10) {
	case 0, 1, 2:
		e.body["TotalSegments"] = float64(1 + g.IntN(4))
	case 3:
		if g.slip(1) {
			e.body["TotalSegments"] = 2.0
			e.body["Segment"] = pick(g, -1.0, 2.0, 5.0)
			return step{"Scan", e.finish()}
		}
	}
	return e.read(allScan, "")
}

// fresh says whether a key was not met before, or that it does not matter.
func (g generator) fresh(seen map[string]bool, table string, key m) bool {
	place := table + shown(m{"id": key["id"], "pk": key["pk"], "sk": key["sk"]})
	if seen[place] && !g.slip(3) {
		return false
	}
	seen[place] = true
	return true
}

func (g generator) batchWrite() step {
	requests := m{}
	seen := map[string]bool{}
	for range 1 + g.IntN(5) {
		table := g.table()
		key := g.item(table)
		one := m{"PutRequest": m{"Item": key}}
		if g.one(2) {
			key = g.key(table)
			one = m{"DeleteRequest": m{"Key": key}}
		}
		if !g.fresh(seen, table, key) {
			continue
		}
		if g.slip(10) {
			one = m{}
		}
		requests[table] = append(listOf(requests[table]), one)
	}
	if len(requests) == 0 {
		return g.get()
	}
	return step{"BatchWriteItem", m{"RequestItems": requests}}
}

func (g generator) batchGet() step {
	requests := m{}
	for range 1 + g.IntN(2) {
		table := g.table()
		e := g.expressive(m{})
		var keys []any
		seen := map[string]bool{}
		for range 1 + g.IntN(4) {
			if key := g.key(table); g.fresh(seen, table, key) {
				keys = append(keys, key)
			}
		}
		e.body["Keys"] = keys
		if g.one(3) {
			e.body["ProjectionExpression"] = e.projection()
		}
		delete(e.body, "ExpressionAttributeValues")
		requests[table] = e.body
	}
	return step{"BatchGetItem", m{"RequestItems": requests}}
}

func (g generator) transactWrite() step {
	var actions []any
	seen := map[string]bool{}
	for range 1 + g.IntN(4) {
		table := g.table()
		e := g.expressive(m{"TableName": table})
		key := g.key(table)
		if !g.fresh(seen, table, key) {
			continue
		}
		action := pick(g, "Put", "Update", "Update", "Delete", "ConditionCheck")
		switch action {
		case "Put":
			e.body["Item"] = g.item(table)
			maps.Copy(e.body["Item"].(m), key)
			e.when(2)
		case "Update":
			e.body["Key"] = key
			e.when(3)
			e.body["UpdateExpression"] = e.update(table)
		case "Delete":
			e.body["Key"] = key
			e.when(2)
		default:
			e.body["Key"] = key
			e.when(1)
		}
		actions = append(actions, m{action: e.body})
	}
	if len(actions) == 0 {
		return g.get()
	}
	body := m{"TransactItems": actions}
	if g.one(4) {
		body["ClientRequestToken"] = pick(g, "table-a1", "table-a2")
	}
	return step{"TransactWriteItems", body}
}

func (g generator) transactGet() step {
	var actions []any
	seen := map[string]bool{}
	for range 1 + g.IntN(3) {
		table := g.table()
		key := g.key(table)
		if !g.fresh(seen, table, key) {
			continue
		}
		e := g.expressive(m{"TableName": table, "Key": key})
		if g.one(3) {
			e.body["ProjectionExpression"] = e.projection()
		}
		delete(e.body, "ExpressionAttributeValues")
		actions = append(actions, m{"Get": e.body})
	}
	if len(actions) == 0 {
		return g.get()
	}
	return step{"TransactGetItems", m{"TransactItems": actions}}
}

func (g generator) timeToLive() step {
	table := pick(g, "table-a", "table-b", "table-c")
	if g.one(2) {
		return step{"DescribeTimeToLive", m{"TableName": table}}
	}
	return step{"UpdateTimeToLive", m{"TableName": table, "TimeToLiveSpecification": m{"AttributeName": pick(g, "ttl", "n"), "Enabled": g.one(2)}}}
}

func (g generator) tables() step {
	switch g.IntN(6) {
	case 0:
		return step{"DescribeTable", m{"TableName": g.table()}}
	case 1:
		return step{"ListTables", m{"Limit": float64(pick(g, 1, 100, 0, 101))}}
	case 2:
		return step{"DeleteTable", m{"TableName": "table-c"}}
	}
	kind := func() string { return pick(g, "S", "N", "B") }
	definitions := []any{m{"AttributeName": "id", "AttributeType": kind()}}
	keys := []any{m{"AttributeName": "id", "KeyType": "HASH"}}
	body := m{"TableName": "table-c", "BillingMode": "PAY_PER_REQUEST", "KeySchema": keys}
	if g.one(2) {
		definitions = append(definitions, m{"AttributeName": "at", "AttributeType": kind()})
		body["KeySchema"] = append(keys, m{"AttributeName": pick(g, "at", "at", "at", "id"), "KeyType": pick(g, "RANGE", "RANGE", "RANGE", "HASH")})
	}
	if g.one(2) {
		definitions = append(definitions, m{"AttributeName": "x", "AttributeType": kind()})
		index := m{"IndexName": "by-x", "KeySchema": []any{m{"AttributeName": pick(g, "x", "x", "y"), "KeyType": "HASH"}},
			"Projection": pick(g, m{"ProjectionType": "ALL"}, m{"ProjectionType": "KEYS_ONLY"}, m{"ProjectionType": "INCLUDE"}, m{"ProjectionType": "INCLUDE", "NonKeyAttributes": []any{"a"}}, m{})}
		body["GlobalSecondaryIndexes"] = []any{index}
	}
	if g.one(8) {
		body["ProvisionedThroughput"] = m{"ReadCapacityUnits": 1.0, "WriteCapacityUnits": 1.0}
		if g.one(2) {
			delete(body, "BillingMode")
		}
	}
	body["AttributeDefinitions"] = definitions
	return step{"CreateTable", body}
}
