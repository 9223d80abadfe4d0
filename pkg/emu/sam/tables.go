package sam

import (
	"encoding/json"
	"slices"
	"strconv"
)

// What a local table needs of AWS::DynamoDB::Table, under the names CreateTable
// has for it.
var (
	tableProperties = []string{"AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "BillingMode", "ProvisionedThroughput"}
	indexProperties = []string{"IndexName", "KeySchema", "Projection", "ProvisionedThroughput"}
)

// tables reads AWS::DynamoDB::Table and AWS::Serverless::SimpleTable.
func (s *stack) tables(t *Template) error {
	for _, r := range s.order {
		read := (*stack).table
		switch r.kind {
		case "AWS::DynamoDB::Table":
		case "AWS::Serverless::SimpleTable":
			read = (*stack).simpleTable
		default:
			continue
		}
		p := s.props(r.properties)
		table := read(s, r, p)
		if p.err != nil {
			return within(r.id, p.err)
		}
		t.tables = append(t.tables, table)
		s.placed(t, placeOfTable+table.Name, r, r.node.line)
	}
	return nil
}

func (s *stack) table(r *resource, p *props) Table {
	create := make(map[string]any)
	for _, key := range tableProperties {
		v := p.value(key)
		if v == nil {
			continue
		}
		if key == "GlobalSecondaryIndexes" || key == "LocalSecondaryIndexes" {
			for i, index := range v.items {
				v.items[i] = only(index, indexProperties)
			}
		}
		create[key] = plain(p, key, v)
	}
	for _, key := range []string{"AttributeDefinitions", "KeySchema"} {
		if create[key] == nil && p.err == nil {
			p.err = p.n.errorf("no %s: add it", key)
		}
	}
	if p.n.get("StreamSpecification") != nil {
		s.note(p.n.get("StreamSpecification"), "%s: a table's stream cannot run here: nothing reads it", r.id)
	}
	ttl := p.mapping("TimeToLiveSpecification")
	attribute := ""
	if ttl.flag("Enabled") {
		attribute = ttl.required("AttributeName")
	}
	p.take("TimeToLiveSpecification", ttl)
	table := s.newTable(r, p, create)
	table.TTLAttribute = attribute
	return table
}

func (s *stack) simpleTable(r *resource, p *props) Table {
	key := p.mapping("PrimaryKey")
	name := nonempty(key.text("Name"), "id")
	kind, ok := map[string]string{"String": "S", "Number": "N", "Binary": "B"}[nonempty(key.text("Type"), "String")]
	if !ok {
		key.fail(key.n, "Type", "must be String, Number or Binary, not %q", key.text("Type"))
	}
	p.take("PrimaryKey", key)
	create := map[string]any{
		"AttributeDefinitions": []any{map[string]any{"AttributeName": name, "AttributeType": kind}},
		"KeySchema":            []any{map[string]any{"AttributeName": name, "KeyType": "HASH"}},
		"BillingMode":          "PAY_PER_REQUEST",
	}
	if v := p.value("ProvisionedThroughput"); v != nil {
		create["BillingMode"] = "PROVISIONED"
		create["ProvisionedThroughput"] = plain(p, "ProvisionedThroughput", v)
	}
	return s.newTable(r, p, create)
}

func (s *stack) newTable(r *resource, p *props, create map[string]any) Table {
	name, err := s.physical(r)
	if err != nil && p.err == nil {
		p.err = err
	}
	create["TableName"] = name
	body, err := json.Marshal(create)
	if err != nil && p.err == nil {
		p.err = p.n.errorf("cannot be written as JSON: %v", err)
	}
	return Table{Name: name, Create: body}
}

// only keeps some fields of a mapping.
func only(n *node, keys []string) *node {
	kept := newMapping(n.line)
	for _, k := range n.keys {
		if slices.Contains(keys, k) {
			kept.set(k, n.fields[k])
		}
	}
	return kept
}

// plain turns a node into what encoding/json writes. Capacity units are numbers
// in the API, whatever a parameter made of them.
func plain(p *props, key string, n *node) any {
	switch n.kind {
	case mapping:
		m := make(map[string]any, len(n.keys))
		for _, k := range n.keys {
			m[k] = plain(p, k, n.fields[k])
		}
		return m
	case list:
		l := make([]any, len(n.items))
		for i, item := range n.items {
			l[i] = plain(p, key, item)
		}
		return l
	}
	if key == "ReadCapacityUnits" || key == "WriteCapacityUnits" {
		units, err := strconv.Atoi(n.text)
		if err != nil {
			p.fail(n, key, "must be a whole number, not %s", n.what())
		}
		return units
	}
	return n.text
}
