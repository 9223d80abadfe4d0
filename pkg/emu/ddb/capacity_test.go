package ddb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/emu/ddb"
)

// sized is an item of pk, sk and v that counts for so many bytes.
func sized(pk string, bytes int) m {
	return m{"pk": pk, "sk": "x", "v": strings.Repeat("x", bytes-len("pk"+pk+"sk"+"x"+"v"))}
}

func TestContractCapacityOfItems(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{})
		total := types.ReturnConsumedCapacityTotal
		put := func(it m) float64 {
			out, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: attrs(it), ReturnConsumedCapacity: total})
			must(t, err)
			return *out.ConsumedCapacity.CapacityUnits
		}
		get := func(pk string, consistent bool) float64 {
			in := &dynamodb.GetItemInput{TableName: &table, Key: attrs(m{"pk": pk, "sk": "x"}), ConsistentRead: &consistent, ReturnConsumedCapacity: total}
			if d.ours { // dynoxide bills what is projected; AWS the item (scylladb/alternator test_returnconsumedcapacity)
				in.ProjectionExpression = aws.String("pk")
			}
			out, err := d.GetItem(t.Context(), in)
			must(t, err)
			return *out.ConsumedCapacity.CapacityUnits
		}
		same(t, "put 1 KB", put(sized("a", 1024)), 1.0)
		same(t, "put 1 KB + 1", put(sized("b", 1025)), 2.0)
		same(t, "a small put over a large item", put(sized("b", 100)), 2.0)
		same(t, "put 4 KB", put(sized("c", 4096)), 4.0)
		same(t, "put 4 KB + 1", put(sized("d", 4097)), 5.0)
		same(t, "reads, whatever is projected", []float64{get("c", true), get("d", true), get("c", false), get("d", false), get("none", true), get("none", false)},
			[]float64{1, 2, 0.5, 1, 1, 0.5})
		out, err := d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: &table, Key: attrs(m{"pk": "d", "sk": "x"}), UpdateExpression: aws.String("REMOVE v"), ReturnConsumedCapacity: total})
		must(t, err)
		same(t, "update by the larger image", *out.ConsumedCapacity.CapacityUnits, 5.0)
		gone, err := d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: attrs(m{"pk": "c", "sk": "x"}), ReturnConsumedCapacity: total})
		must(t, err)
		same(t, "delete", *gone.ConsumedCapacity.CapacityUnits, 4.0)
		none, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: attrs(key)})
		must(t, err)
		if none.ConsumedCapacity != nil {
			t.Error("capacity that nobody asked for")
		}
	})
}

func TestContractCapacityOfIndexes(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{indexes: []indexSchema{{name: "by-g", keys: "g:S", projection: "KEYS_ONLY"}}})
		for _, c := range []struct {
			what, expr   string
			vals         m
			total, index float64
		}{
			{"not in the index", "SET v = :v", m{":v": 1}, 1, 0},
			{"into the index", "SET g = :v", m{":v": "G"}, 2, 1},
			{"nothing projected changes", "SET v = :v", m{":v": 2}, 1, 0},
			{"another key: out and in", "SET g = :v", m{":v": "H"}, 3, 2},
			{"out of the index", "REMOVE g", nil, 2, 1},
		} {
			out, err := d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: &table, Key: attrs(key), UpdateExpression: &c.expr,
				ExpressionAttributeValues: values(c.vals), ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes})
			must(t, err)
			used := out.ConsumedCapacity
			index := 0.0
			if x, ok := used.GlobalSecondaryIndexes["by-g"]; ok {
				index = *x.CapacityUnits
			}
			same(t, c.what, []float64{*used.CapacityUnits, *used.Table.CapacityUnits, index}, []float64{c.total, 1, c.index})
		}
	})
}

func TestCapacityOfLocalIndexes(t *testing.T) {
	endpoint, _ := ddb.Start(t, nil)
	d := &db{client(endpoint), true}
	table := d.table(t, schema{indexes: []indexSchema{{name: "by-n", keys: "pk:S n:N", projection: "INCLUDE", include: []string{"x"}, local: true}}})
	out, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: attrs(with(key, m{"n": 1, "x": 1, "v": strings.Repeat("v", 5000)})), ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes})
	must(t, err)
	same(t, "put", []float64{*out.ConsumedCapacity.Table.CapacityUnits, *out.ConsumedCapacity.LocalSecondaryIndexes["by-n"].CapacityUnits}, []float64{5, 1})
	out, err = d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: attrs(with(key, m{"n": 1, "x": 2})), ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes})
	must(t, err)
	same(t, "what is projected changes", *out.ConsumedCapacity.LocalSecondaryIndexes["by-n"].CapacityUnits, 1.0)
	in := &dynamodb.QueryInput{TableName: &table, IndexName: aws.String("by-n"), ProjectionExpression: aws.String("x"), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	page, err := d.query(t, in, "pk = :p", m{":p": "a"})
	must(t, err)
	same(t, "from the index", *page.ConsumedCapacity.CapacityUnits, 0.5)
	in.ProjectionExpression = aws.String("v")
	page, err = d.query(t, in, "pk = :p", m{":p": "a"})
	must(t, err)
	same(t, "fetched from the table as well", *page.ConsumedCapacity.CapacityUnits, 1.0)
}

func TestContractCapacityOfPages(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{})
		for i := range 10 {
			it := sized("p", 1000)
			it["sk"] = fmt.Sprint(i)
			d.put(t, table, it)
		}
		query := func(consistent bool, filter string) float64 {
			in := &dynamodb.QueryInput{TableName: &table, ConsistentRead: &consistent, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
			if filter != "" {
				in.FilterExpression = &filter
			}
			out, err := d.query(t, in, "pk = :p", m{":p": "p"})
			must(t, err)
			return *out.ConsumedCapacity.CapacityUnits
		}
		same(t, "10 KB together, before the filter", []float64{query(true, ""), query(false, ""), query(true, "attribute_not_exists(v)")}, []float64{3, 1.5, 3})
	})
}

func TestContractCapacityOfTransactions(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{})
		write := &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String(unique()), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			TransactItems: []types.TransactWriteItem{transactPut(table, sized("a", 1025)), transactCheck(table, m{"pk": "none", "sk": "x"}, "attribute_not_exists(pk)")}}
		out, err := d.TransactWriteItems(t.Context(), write)
		must(t, err)
		same(t, "write", *out.ConsumedCapacity[0].CapacityUnits, 6.0)
		out, err = d.TransactWriteItems(t.Context(), write)
		must(t, err)
		if used := out.ConsumedCapacity[0]; used.ReadCapacityUnits == nil || *used.ReadCapacityUnits != 4 {
			t.Errorf("a repeated token costs reads: %+v", used)
		}
		read, err := d.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			TransactItems: []types.TransactGetItem{{Get: &types.Get{TableName: &table, Key: attrs(m{"pk": "a", "sk": "x"})}}}})
		must(t, err)
		same(t, "read", *read.ConsumedCapacity[0].CapacityUnits, 2.0)
	})
}

// A failed condition is not free (DynamoDB developer guide, "Condition expressions").
func TestCapacityOfFailedConditions(t *testing.T) {
	d, s := start(t, nil)
	d.put(t, "chat", sized("a", 3000))
	before := s.Counts()["UpdateItem"].WriteUnits
	_, err := d.update(t, "chat", update{key: m{"pk": "a", "sk": "x"}, expr: "SET n = :n", cond: "attribute_not_exists(pk)", values: m{":n": 1}})
	d.refused(t, "update", err, failed, "")
	same(t, "units", s.Counts()["UpdateItem"].WriteUnits-before, 3.0)
	_, err = d.update(t, "chat", update{key: m{"pk": "a", "sk": "x"}, expr: "SET n = absent"})
	d.refused(t, "invalid", err, invalid, "")
	same(t, "an invalid update costs nothing", s.Counts()["UpdateItem"].WriteUnits-before, 3.0)
}
