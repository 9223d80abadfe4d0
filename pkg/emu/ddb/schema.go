package ddb

import (
	"maps"
	"slices"
	"strings"
)

// Limits of a table (DynamoDB developer guide, "Quotas").
const (
	maxLocalIndexes  = 5
	maxGlobalIndexes = 20
	maxKeyName       = 255
)

// definition is a table as CreateTable described it.
type definition struct {
	name       string
	attributes []keyAttr
	keys       []keyAttr // partition key, then the sort key if there is one
	indexes    []indexDefinition
	onDemand   bool
	capacity   throughput
	class      string
	protected  bool
	request    any // CreateTable's, as it came
}

type throughput struct{ read, write int }

// indexDefinition is a secondary index as CreateTable described it.
type indexDefinition struct {
	name       string
	local      bool
	keys       []keyAttr
	projection string // ALL, KEYS_ONLY or INCLUDE
	include    []string
	capacity   throughput
}

// schemaElement is one line of a KeySchema.
type schemaElement struct{ name, role string }

// resolveKeys checks a KeySchema against the attribute definitions, in the order and words of AWS.
func resolveKeys(schema []schemaElement, attributes []keyAttr) ([]keyAttr, error) {
	names := make([]string, len(schema))
	keys := make([]keyAttr, len(schema))
	defined := true
	for i, e := range schema {
		names[i] = e.name
		at := slices.IndexFunc(attributes, func(a keyAttr) bool { return a.name == e.name })
		if at < 0 {
			defined = false
			continue
		}
		keys[i] = attributes[at]
	}
	switch {
	case !defined:
		return nil, invalidValue("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
			strings.Join(names, ", "), strings.Join(attributeNames(attributes), ", "))
	case len(schema) == 2 && names[0] == names[1]:
		return nil, invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	case schema[0].role != "HASH":
		return nil, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(schema) == 2 && schema[1].role != "RANGE":
		return nil, invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	}
	return keys, nil
}

func attributeNames(attributes []keyAttr) []string {
	names := make([]string, len(attributes))
	for i, a := range attributes {
		names[i] = a.name
	}
	return names
}

// check completes what resolveKeys checked for each schema alone.
func (d *definition) check() error {
	used := map[string]bool{}
	for _, k := range d.keys {
		used[k.name] = true
	}
	names := map[string]bool{}
	locals := 0
	for _, x := range d.indexes {
		if err := d.checkIndex(x); err != nil {
			return err
		}
		if names[x.name] {
			return invalidValue("Duplicate index name: %s", x.name)
		}
		names[x.name] = true
		if x.local {
			locals++
		}
		for _, k := range x.keys {
			used[k.name] = true
		}
	}
	switch {
	case locals > maxLocalIndexes:
		return invalidValue("Number of LocalSecondaryIndexes exceeds per-table limit of %d", maxLocalIndexes)
	case len(d.indexes)-locals > maxGlobalIndexes:
		return invalidValue("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
	case len(used) != len(d.attributes) && len(d.indexes) == 0:
		return invalidValue("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	case len(used) != len(d.attributes):
		return invalidValue("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
			strings.Join(attributeNames(d.attributes), ", "), strings.Join(slices.Sorted(maps.Keys(used)), ", "))
	}
	return nil
}

func (d *definition) checkIndex(x indexDefinition) error {
	switch {
	case x.local && len(d.keys) != 2:
		return invalidValue("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	case x.local && len(x.keys) != 2:
		return invalidValue("Index KeySchema does not have a range key for index: %s", x.name)
	case x.local && x.keys[0].name != d.keys[0].name:
		return invalidValue("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s",
			x.name, x.keys[0].name, d.keys[0].name)
	case x.projection == "":
		return invalidValue("Unknown ProjectionType: null")
	case x.projection == "INCLUDE" && len(x.include) == 0:
		return invalidValue("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	case x.projection != "INCLUDE" && len(x.include) > 0:
		return invalidValue("ProjectionType is %s, but NonKeyAttributes is specified", x.projection)
	case d.onDemand && x.capacity != throughput{}:
		return invalidValue("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", x.name)
	}
	return nil
}
