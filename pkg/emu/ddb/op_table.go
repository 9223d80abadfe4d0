package ddb

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
)

// arn is a table's.
func (s *Server) arn(table string) string {
	return "arn:aws:dynamodb:" + s.options.Region + ":" + s.options.AccountID + ":table/" + table
}

// createTable makes a table that is usable, and ACTIVE, at once.
func (c *call) createTable() (reply, error) {
	d, err := define(c.body)
	if err != nil {
		return nil, err
	}
	if err := c.admit(d.name); err != nil {
		return nil, err
	}
	description, err := c.makeTable(d)
	if err != nil {
		return nil, err
	}
	return reply{"TableDescription": description}, nil
}

func (s *Server) makeTable(d definition) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store.tables[d.name] != nil {
		return nil, refusal(dynamoDB+"ResourceInUseException", "Table already exists: "+d.name)
	}
	t, err := s.store.create(d, newID(), s.options.Clock())
	if err != nil {
		return nil, err
	}
	return t.describe(s.arn(t.name), "ACTIVE"), nil
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (c *call) describeTable() (reply, error) {
	return c.described(func(t *table) reply { return reply{"Table": t.describe(c.arn(t.name), "ACTIVE")} })
}

// described shows something of the one table a request names.
func (c *call) described(show func(*table) reply) (reply, error) {
	name, err := c.onlyTable()
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	t, err := c.store.named(name)
	if err != nil {
		return nil, err
	}
	return show(t), nil
}

func (c *call) deleteTable() (reply, error) {
	name, err := c.onlyTable()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t, err := c.store.named(name)
	if err != nil {
		return nil, err
	}
	if t.protected {
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	if err := c.store.drop(t); err != nil {
		return nil, err
	}
	return reply{"TableDescription": t.describe(c.arn(t.name), "DELETING")}, nil
}

// onlyTable decodes a request that names a table and nothing else. Here AWS has words of its own for a bad name.
func (c *call) onlyTable() (name string, err error) {
	if err := decode(c.body, may("TableName", tableName(&name))); err != nil {
		return "", err
	}
	switch {
	case name == "":
		return "", invalid("The parameter 'TableName' is required but was not present in the request")
	case len(name) < 3:
		return "", invalid("TableName must be at least 3 characters long and at most 255 characters long")
	}
	return name, c.admit(name)
}

func (c *call) listTables() (reply, error) {
	var start string
	limit := 100
	err := decode(c.body,
		may("ExclusiveStartTableName", text(&start, nameChars, lengthOf(3, 255))),
		may("Limit", integer(&limit, 1, 100)))
	if err != nil {
		return nil, err
	}
	if err := c.admit(""); err != nil {
		return nil, err
	}
	c.mu.RLock()
	names := c.store.names()
	c.mu.RUnlock()
	at, found := slices.BinarySearch(names, start)
	if found {
		at++
	}
	names = names[at:]
	out := reply{"TableNames": names}
	if len(names) > limit {
		out["TableNames"] = names[:limit]
		out["LastEvaluatedTableName"] = names[limit-1]
	}
	return out, nil
}

// describe is a TableDescription. Counts and sizes are exact, where AWS brings them up to date every six hours.
func (t *table) describe(arn, status string) reply {
	out := reply{
		"TableName":                 t.name,
		"TableArn":                  arn,
		"TableId":                   t.id,
		"TableStatus":               status,
		"CreationDateTime":          float64(t.created.UnixMilli()) / 1000,
		"AttributeDefinitions":      describeAttributes(t.attributes),
		"KeySchema":                 describeKeys(t.keys),
		"ItemCount":                 t.items.n,
		"TableSizeBytes":            t.items.bytes,
		"ProvisionedThroughput":     t.capacity.describe(),
		"DeletionProtectionEnabled": t.protected,
	}
	if t.onDemand {
		out["BillingModeSummary"] = reply{"BillingMode": "PAY_PER_REQUEST"}
	}
	if t.class != "" {
		out["TableClassSummary"] = reply{"TableClass": t.class}
	}
	for _, x := range t.indexes {
		member := "GlobalSecondaryIndexes"
		if x.local {
			member = "LocalSecondaryIndexes"
		}
		all, _ := out[member].([]any)
		out[member] = append(all, x.describe(arn, status))
	}
	return out
}

func (x *index) describe(tableARN, status string) reply {
	projection := reply{"ProjectionType": x.projection}
	if len(x.include) > 0 {
		projection["NonKeyAttributes"] = x.include
	}
	out := reply{
		"IndexName":      x.name,
		"IndexArn":       tableARN + "/index/" + x.name,
		"KeySchema":      describeKeys(x.keys),
		"Projection":     projection,
		"ItemCount":      x.items.n,
		"IndexSizeBytes": x.items.bytes,
	}
	if !x.local {
		out["IndexStatus"] = status
		out["ProvisionedThroughput"] = x.capacity.describe()
	}
	return out
}

func (t throughput) describe() reply {
	return reply{"ReadCapacityUnits": t.read, "WriteCapacityUnits": t.write, "NumberOfDecreasesToday": 0}
}

func describeAttributes(attributes []keyAttr) []any {
	var all []any
	for _, a := range attributes {
		all = append(all, reply{"AttributeName": a.name, "AttributeType": string(a.kind)})
	}
	return all
}

func describeKeys(keys []keyAttr) []any {
	var all []any
	for i, k := range keys {
		role := strings.Fields("HASH RANGE")[i]
		all = append(all, reply{"AttributeName": k.name, "KeyType": role})
	}
	return all
}
