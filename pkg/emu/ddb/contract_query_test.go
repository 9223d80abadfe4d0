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

// query is a Query in one line.
func (d *db) query(t *testing.T, in *dynamodb.QueryInput, expr string, vals m) (*dynamodb.QueryOutput, error) {
	t.Helper()
	if expr != "" {
		in.KeyConditionExpression = &expr
	}
	in.ExpressionAttributeValues = values(vals)
	return d.Query(t.Context(), in)
}

// sortKeys are the values of one attribute.
func column(items []map[string]types.AttributeValue, name string) l {
	out := l{}
	for _, it := range items {
		out = append(out, plain(it[name]))
	}
	return out
}

func TestContractSortOrder(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		for kind, sorted := range map[string]l{
			"S": {"\x00", "\x00a", "A", "Z", "a", "a\x00", "aa", "z", "é", "日", "\U0001F600"},
			"N": {num("-100000000000000000000"), num("-12.5"), -12, num("-1.5"), num("-0.00001"), 0, num("0.00001"), num("0.15"), 1, num("1.00000000000000000000000001"), 2, 10, num("1" + strings.Repeat("0", 100))},
			"B": {[]byte{0}, []byte{0, 0}, []byte{0, 1}, []byte{1}, []byte{127}, []byte{128}, []byte{255}, []byte{255, 0}, []byte{255, 255}},
		} {
			table := d.table(t, schema{keys: "pk:S sk:" + kind})
			for _, i := range []int{3, 1, 4, 0, 5, 9, 2, 6, 8, 7, 10, 11, 12} {
				if i < len(sorted) {
					d.put(t, table, m{"pk": "p", "sk": sorted[i]})
				}
			}
			d.put(t, table, m{"pk": "other", "sk": sorted[0]})
			for i, pivot := range sorted {
				for expr, want := range map[string]l{
					"": sorted, " AND sk < :s": sorted[:i], " AND sk <= :s": sorted[:i+1], " AND sk > :s": sorted[i+1:], " AND sk >= :s": sorted[i:], " AND sk = :s": sorted[i : i+1],
					" AND :s > sk": sorted[:i], " AND sk BETWEEN :s AND :last": sorted[i:],
				} {
					vals := m{":p": "p"}
					if strings.Contains(expr, ":s") {
						vals[":s"] = pivot
					}
					if strings.Contains(expr, ":last") {
						vals[":last"] = sorted[len(sorted)-1]
					}
					out, err := d.query(t, &dynamodb.QueryInput{TableName: &table}, "pk = :p"+expr, vals)
					must(t, err)
					same(t, fmt.Sprintf("%s%s %v", kind, expr, pivot), column(out.Items, "sk"), want)
					out, err = d.query(t, &dynamodb.QueryInput{TableName: &table, ScanIndexForward: aws.Bool(false)}, "pk = :p"+expr, vals)
					must(t, err)
					backwards := slices.Clone(want)
					slices.Reverse(backwards)
					same(t, fmt.Sprintf("%s%s %v backwards", kind, expr, pivot), column(out.Items, "sk"), append(l{}, backwards...))
				}
			}
		}
	})
}

func TestContractBeginsWith(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{})
		for _, sk := range []string{"a", "a\x00", "a\x00b", "ab", "b", "\U0010FFFF", "\U0010FFFFx"} {
			d.put(t, table, m{"pk": "p", "sk": sk})
		}
		for prefix, want := range map[string]l{
			"a": {"a", "a\x00", "a\x00b", "ab"}, "a\x00": {"a\x00", "a\x00b"}, "ab": {"ab"}, "c": {}, "\U0010FFFF": {"\U0010FFFF", "\U0010FFFFx"},
		} {
			if prefix == "a\x00" && !d.ours { // dynoxide takes the NUL for the end
				continue
			}
			out, err := d.query(t, &dynamodb.QueryInput{TableName: &table}, "begins_with(sk, :s) AND pk = :p", m{":p": "p", ":s": prefix})
			must(t, err)
			same(t, fmt.Sprintf("%q", prefix), column(out.Items, "sk"), want)
		}
	})
}

func TestContractPaging(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{keys: "pk:S sk:N"})
		for i := range 10 {
			d.put(t, table, m{"pk": "p", "sk": i, "even": i%2 == 0})
		}
		for _, forward := range []bool{true, false} {
			for limit := int32(1); limit <= 11; limit++ {
				var got l
				pages := 0
				in := &dynamodb.QueryInput{TableName: &table, Limit: &limit, ScanIndexForward: &forward, FilterExpression: aws.String("even = :t")}
				for {
					out, err := d.query(t, in, "pk = :p", m{":p": "p", ":t": true})
					must(t, err)
					if out.ScannedCount > limit || out.Count != int32(len(out.Items)) {
						t.Fatalf("limit %d: scanned %d, count %d, %d items", limit, out.ScannedCount, out.Count, len(out.Items))
					}
					got = append(got, column(out.Items, "sk")...)
					pages++
					if out.LastEvaluatedKey == nil {
						break
					}
					in.ExclusiveStartKey = out.LastEvaluatedKey
				}
				want := l{0, 2, 4, 6, 8}
				if !forward {
					slices.Reverse(want)
				}
				same(t, fmt.Sprint("limit ", limit, " forward ", forward), got, want)
				// A page that is full has a LastEvaluatedKey even if nothing follows, so there is one more.
				if wantPages := 10/int(limit) + 1; pages != wantPages {
					t.Errorf("limit %d: %d pages, want %d", limit, pages, wantPages)
				}
			}
		}
	})
}

func TestContractPageEndsAtOneMegabyte(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{keys: "pk:S sk:N"})
		for i := range 15 {
			d.put(t, table, m{"pk": "p", "sk": i, "v": strings.Repeat("x", 100_000)})
		}
		out, err := d.query(t, &dynamodb.QueryInput{TableName: &table, FilterExpression: aws.String("attribute_not_exists(v)")}, "pk = :p", m{":p": "p"})
		must(t, err)
		// Whether the item that crosses 1 MB still belongs to the page is not documented; dynalite says so, dynoxide not.
		if out.Count != 0 || out.ScannedCount < 10 || out.ScannedCount > 11 || out.LastEvaluatedKey == nil {
			t.Errorf("first page: count %d, scanned %d, last %v", out.Count, out.ScannedCount, out.LastEvaluatedKey)
		}
		out, err = d.query(t, &dynamodb.QueryInput{TableName: &table, Select: types.SelectCount, ExclusiveStartKey: attrs(m{"pk": "p", "sk": 9})}, "pk = :p", m{":p": "p"})
		must(t, err)
		if out.Count != 5 || out.LastEvaluatedKey != nil || out.Items != nil {
			t.Errorf("the rest: count %d, last %v, items %v", out.Count, out.LastEvaluatedKey, out.Items)
		}
	})
}

func TestContractQueryRefusals(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{indexes: []indexSchema{{name: "by-g", keys: "g:S", projection: "KEYS_ONLY"}}})
		d.put(t, table, with(key, m{"g": "x"}))
		base := func() *dynamodb.QueryInput { return &dynamodb.QueryInput{TableName: &table} }
		// Who the message words come from is said where they differ from dynoxide's: those are held to the type alone.
		for expr, c := range map[string]struct {
			vals  m
			words string
			aws   bool
		}{
			"pk < :p":                          {m{":p": "a"}, "Query key condition not supported", true},
			"begins_with(pk, :p)":              {m{":p": "a"}, "Query key condition not supported", true},
			"sk = :p":                          {m{":p": "a"}, "Query condition missed key schema element: pk", false},
			"pk = :p AND g = :p":               {m{":p": "a"}, "Query condition missed key schema element: sk", false},
			"pk = :p AND pk = :p":              {m{":p": "a"}, "must only contain one condition per key", true},
			"pk = :p AND sk = :p AND g = :p":   {m{":p": "a"}, "Conditions can be of length 1 or 2 only", true},
			"pk = :p OR sk = :p":               {m{":p": "a"}, "Invalid operator used in KeyConditionExpression: OR", true},
			"NOT pk = :p":                      {m{":p": "a"}, "Invalid operator used in KeyConditionExpression: NOT", true},
			"pk = :p AND sk <> :p":             {m{":p": "a"}, "Invalid operator used in KeyConditionExpression: <>", true},
			"pk = :p AND sk IN (:p)":           {m{":p": "a"}, "Invalid operator used in KeyConditionExpression: IN", true},
			"pk = :p AND contains(sk, :p)":     {m{":p": "a"}, "Invalid operator used in KeyConditionExpression: contains", true},
			"pk = :p AND attribute_exists(sk)": {m{":p": "a"}, "Invalid operator used in KeyConditionExpression: attribute_exists", true},
			"pk = :p AND size(sk) = :n":        {m{":p": "a", ":n": 1}, "cannot contain nested operations", true},
			"pk = :p AND sk.x = :p":            {m{":p": "a"}, "cannot have conditions on nested attributes", false},
			"pk = sk":                          {nil, "Multiple attribute names used in one condition", true},
			":p = :p":                          {m{":p": "a"}, "No key attribute specified", true},
			"pk = :n":                          {m{":n": 1}, "Condition parameter type does not match schema type", true},
			"pk = :p AND sk = :n":              {m{":p": "a", ":n": 1}, "Condition parameter type does not match schema type", true},
			"pk = :p AND sk BETWEEN :b AND :a": {m{":p": "a", ":a": "a", ":b": "b"}, "upper bound to be greater than or equal to lower bound", false},
			"pk = :p AND":                      {m{":p": "a"}, syntaxError, false},
			"pk":                               {nil, syntaxError, false},
			"":                                 {nil, "Either the KeyConditions or KeyConditionExpression parameter must be specified", false},
		} {
			if c.aws && !d.ours {
				continue
			}
			_, err := d.query(t, base(), expr, c.vals)
			d.refused(t, expr, err, invalid, c.words)
		}
		for what, c := range map[string]struct {
			change func(in *dynamodb.QueryInput)
			words  string
		}{
			"filter on a key":     {func(in *dynamodb.QueryInput) { in.FilterExpression = aws.String("sk = :p") }, "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"},
			"limit 0":             {func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(0) }, "Member must have value greater than or equal to 1"},
			"no such index":       {func(in *dynamodb.QueryInput) { in.IndexName = aws.String("nope") }, "The table does not have the specified index: nope"},
			"projected, no index": {func(in *dynamodb.QueryInput) { in.Select = types.SelectAllProjectedAttributes }, "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},
			"specific, no paths":  {func(in *dynamodb.QueryInput) { in.Select = types.SelectSpecificAttributes }, "choosing to get SPECIFIC_ATTRIBUTES"},
			"count with paths": {func(in *dynamodb.QueryInput) {
				in.Select, in.ProjectionExpression = types.SelectCount, aws.String("pk")
			}, "choosing to get only the Count"},
			"unknown select":         {func(in *dynamodb.QueryInput) { in.Select = "WHAT" }, "Member must satisfy enum value set"},
			"half a start key":       {func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = attrs(m{"pk": "a"}) }, "The provided starting key is invalid"},
			"start key of its type":  {func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = attrs(m{"pk": "a", "sk": 1}) }, "The provided starting key is invalid"},
			"start key with another": {func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = attrs(with(key, m{"g": "x"})) }, "The provided starting key is invalid"},
		} {
			in := base()
			c.change(in)
			_, err := d.query(t, in, "pk = :p", m{":p": "a"})
			d.refused(t, what, err, invalid, c.words)
		}
	})
}

func TestContractStartKeyMustSuit(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		if !d.ours { // dynoxide reads on from any key; the words are dynalite's, measured against AWS
			return
		}
		table := d.table(t, schema{})
		_, err := d.query(t, &dynamodb.QueryInput{TableName: &table, ExclusiveStartKey: attrs(m{"pk": "other", "sk": "b"})}, "pk = :p", m{":p": "a"})
		d.refused(t, "other partition", err, invalid, "outside query boundaries")
		_, err = d.query(t, &dynamodb.QueryInput{TableName: &table, ExclusiveStartKey: attrs(key)}, "pk = :p AND sk > :s", m{":p": "a", ":s": "c"})
		d.refused(t, "out of range", err, invalid, "does not match the range key predicate")
	})
}

func TestContractGlobalIndex(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{indexes: []indexSchema{
			{name: "all", keys: "g:S n:N", projection: "ALL"}, {name: "keys", keys: "g:S", projection: "KEYS_ONLY"},
			{name: "some", keys: "g:S sk:S", projection: "INCLUDE", include: []string{"x"}},
		}})
		find := func(index string) []m {
			out, err := d.query(t, &dynamodb.QueryInput{TableName: &table, IndexName: &index}, "g = :g", m{":g": "G"})
			must(t, err)
			return plainItems(out.Items)
		}
		full := with(key, m{"g": "G", "n": 1, "x": "X", "y": "Y"})
		d.put(t, table, full, m{"pk": "a", "sk": "without", "x": "X"})
		same(t, "ALL", find("all"), []m{full})
		same(t, "KEYS_ONLY", find("keys"), []m{with(key, m{"g": "G"})})
		same(t, "INCLUDE", find("some"), []m{with(key, m{"g": "G", "x": "X"})})

		step := func(expr string, vals m) {
			_, err := d.update(t, table, update{key: key, expr: expr, values: vals})
			must(t, err)
		}
		step("REMOVE n", nil)
		same(t, "an index needs all its keys", find("all"), []m{})
		same(t, "others keep theirs", len(find("keys")), 1)
		step("SET n = :n, y = :y", m{":n": 2, ":y": "new"})
		same(t, "back again", find("all"), []m{with(full, m{"n": 2, "y": "new"})})
		step("SET g = :g", m{":g": "H"})
		same(t, "moved away", [][]m{find("all"), find("keys"), find("some")}, [][]m{{}, {}, {}})
		step("SET g = :g", m{":g": "G"})
		_, err := d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: attrs(key)})
		must(t, err)
		same(t, "deleted", [][]m{find("all"), find("keys"), find("some")}, [][]m{{}, {}, {}})

		_, err = d.query(t, &dynamodb.QueryInput{TableName: &table, IndexName: aws.String("all"), ConsistentRead: aws.Bool(true)}, "g = :g", m{":g": "G"})
		d.refused(t, "consistent", err, invalid, "Consistent reads are not supported on global secondary indexes")
		_, err = d.query(t, &dynamodb.QueryInput{TableName: &table, IndexName: aws.String("keys"), Select: types.SelectAllAttributes}, "g = :g", m{":g": "G"})
		d.refused(t, "all attributes", err, invalid, "Select type ALL_ATTRIBUTES is not supported for global secondary index keys because its projection type is not ALL")
		if d.ours { // dynoxide lets both through; the words are AWS's, as quoted by its users
			_, err = d.query(t, &dynamodb.QueryInput{TableName: &table, IndexName: aws.String("keys"), ProjectionExpression: aws.String("x")}, "g = :g", m{":g": "G"})
			d.refused(t, "not projected", err, invalid, "Global secondary index keys does not project [x]")
			_, err = d.query(t, &dynamodb.QueryInput{TableName: &table, IndexName: aws.String("keys"), FilterExpression: aws.String("x = :g")}, "g = :g", m{":g": "G"})
			d.refused(t, "filter not projected", err, invalid, "does not project one or more filter attributes: [x]")
		}
	})
}

func TestContractIndexPaging(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{indexes: []indexSchema{{name: "by-g", keys: "g:S n:N", projection: "KEYS_ONLY"}}})
		for i := range 6 { // three entries under each of two equal index keys
			d.put(t, table, m{"pk": fmt.Sprint("p", i), "sk": "s", "g": "G", "n": i % 2})
		}
		for _, forward := range []bool{true, false} {
			seen := map[any]int{}
			var order l
			in := &dynamodb.QueryInput{TableName: &table, IndexName: aws.String("by-g"), Limit: aws.Int32(1), ScanIndexForward: &forward}
			for range 7 {
				out, err := d.query(t, in, "g = :g", m{":g": "G"})
				must(t, err)
				for _, it := range plainItems(out.Items) {
					seen[it["pk"]]++
					order = append(order, it["n"])
				}
				if in.ExclusiveStartKey = out.LastEvaluatedKey; out.LastEvaluatedKey == nil {
					break
				}
				if len(out.LastEvaluatedKey) != 4 {
					t.Errorf("LastEvaluatedKey needs the keys of index and table: %v", plainAttrs(out.LastEvaluatedKey))
				}
			}
			want := l{0, 0, 0, 1, 1, 1}
			if !forward {
				slices.Reverse(want)
			}
			same(t, "order", order, want)
			same(t, "each once", seen, map[any]int{"p0": 1, "p1": 1, "p2": 1, "p3": 1, "p4": 1, "p5": 1})
		}
	})
}

func TestContractLocalIndex(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{indexes: []indexSchema{{name: "by-at", keys: "pk:S at:N", projection: "KEYS_ONLY", local: true}}})
		d.put(t, table, m{"pk": "p", "sk": "a", "at": 3, "x": "A"}, m{"pk": "p", "sk": "b", "at": 1, "x": "B"}, m{"pk": "p", "sk": "c"})
		in := func() *dynamodb.QueryInput {
			return &dynamodb.QueryInput{TableName: &table, IndexName: aws.String("by-at"), ConsistentRead: aws.Bool(true)}
		}
		named := in()
		named.ExpressionAttributeNames = map[string]string{"#at": "at"}
		out, err := d.query(t, named, "pk = :p AND #at > :n", m{":p": "p", ":n": 0})
		must(t, err)
		same(t, "by index", plainItems(out.Items), []m{{"pk": "p", "sk": "b", "at": 1}, {"pk": "p", "sk": "a", "at": 3}})
		whole := in()
		whole.Select = types.SelectAllAttributes
		out, err = d.query(t, whole, "pk = :p", m{":p": "p"})
		must(t, err)
		same(t, "fetched from the table", column(out.Items, "x"), l{"B", "A"})
	})
}

func TestContractScan(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{indexes: []indexSchema{{name: "by-g", keys: "g:S", projection: "KEYS_ONLY"}}})
		var want l
		for i := range 60 {
			it := m{"pk": fmt.Sprint("p", i%20), "sk": fmt.Sprintf("%03d", i), "i": i}
			if i%3 == 0 {
				it["g"] = "G"
			}
			d.put(t, table, it)
			want = append(want, i)
		}
		collect := func(segments int32, change func(in *dynamodb.ScanInput)) l {
			var got l
			for segment := range segments {
				in := &dynamodb.ScanInput{TableName: &table, Limit: aws.Int32(7)}
				if segments > 1 {
					in.Segment, in.TotalSegments = &segment, &segments
				}
				change(in)
				for {
					out, err := d.Scan(t.Context(), in)
					must(t, err)
					got = append(got, column(out.Items, "i")...)
					if in.ExclusiveStartKey = out.LastEvaluatedKey; out.LastEvaluatedKey == nil {
						break
					}
				}
			}
			slices.SortFunc(got, func(a, b any) int {
				x, _ := a.(int)
				y, _ := b.(int)
				return x - y
			})
			return got
		}
		for _, segments := range []int32{1, 2, 3, 7, 100} {
			same(t, fmt.Sprint(segments, " segments"), collect(segments, func(*dynamodb.ScanInput) {}), want)
		}
		same(t, "filter on a key", collect(3, func(in *dynamodb.ScanInput) {
			in.FilterExpression, in.ExpressionAttributeValues = aws.String("sk < :s AND i <> :i"), attrs(m{":s": "003", ":i": 1})
		}), l{0, 2})
		same(t, "index", len(collect(2, func(in *dynamodb.ScanInput) { in.IndexName = aws.String("by-g") })), 20)

		for what, c := range map[string]struct {
			in    dynamodb.ScanInput
			words string
		}{
			"no total":    {dynamodb.ScanInput{Segment: aws.Int32(1)}, "The TotalSegments parameter is required"},
			"no segment":  {dynamodb.ScanInput{TotalSegments: aws.Int32(2)}, "The Segment parameter is required"},
			"beyond":      {dynamodb.ScanInput{Segment: aws.Int32(2), TotalSegments: aws.Int32(2)}, "Segment: 2 is not less than TotalSegments: 2"},
			"negative":    {dynamodb.ScanInput{Segment: aws.Int32(-1), TotalSegments: aws.Int32(2)}, "greater than or equal to 0"},
			"bad start":   {dynamodb.ScanInput{ExclusiveStartKey: attrs(m{"pk": "a"})}, "The provided starting key is invalid"},
			"consistent":  {dynamodb.ScanInput{IndexName: aws.String("by-g"), ConsistentRead: aws.Bool(true)}, "Consistent reads are not supported"},
			"key subpath": {dynamodb.ScanInput{FilterExpression: aws.String("attribute_exists(pk.x)")}, "Key attributes must be scalars"},
		} {
			c.in.TableName = &table
			_, err := d.Scan(t.Context(), &c.in)
			d.refused(t, what, err, invalid, c.words)
		}
	})
}
