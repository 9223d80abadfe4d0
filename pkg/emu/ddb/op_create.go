package ddb

import (
	"math"
	"strings"
)

// createInput is a CreateTable request. Members that would matter on AWS but not here (streams, encryption, tags, …) are
// not among its members, and so are refused by name: whoever hosts a template decides what may be left out.
type createInput struct {
	definition
	schema  []schemaElement
	billing string
	indexes []indexInput
	empty   string // the member that is an empty list of indexes
}

type indexInput struct {
	indexDefinition
	schema []schemaElement
}

// define makes a definition of a CreateTable request.
func define(body any) (definition, error) {
	var in createInput
	if err := decode(body, in.members()...); err != nil {
		return definition{}, err
	}
	return in.define(body)
}

func (in *createInput) members() []member {
	return []member{
		must("AttributeDefinitions", elements(0, math.MaxInt, in.attribute)),
		must("TableName", newName(&in.name)),
		must("KeySchema", keySchema(&in.schema)),
		may("BillingMode", text(&in.billing, oneOf("PROVISIONED", "PAY_PER_REQUEST"))),
		may("ProvisionedThroughput", provisioned(&in.capacity)),
		may("LocalSecondaryIndexes", in.indexList("LocalSecondaryIndexes", true)),
		may("GlobalSecondaryIndexes", in.indexList("GlobalSecondaryIndexes", false)),
		may("TableClass", text(&in.class, oneOf("STANDARD", "STANDARD_INFREQUENT_ACCESS"))),
		may("DeletionProtectionEnabled", flag(&in.protected)),
	}
}

func (in *createInput) attribute() decoder {
	in.attributes = append(in.attributes, keyAttr{})
	a := &in.attributes[len(in.attributes)-1]
	return structure("AttributeDefinition",
		must("AttributeName", text(&a.name, lengthOf(1, maxKeyName))),
		must("AttributeType", text((*string)(&a.kind), oneOf("B", "N", "S"))))
}

func keySchema(dst *[]schemaElement) decoder {
	return elements(1, 2, func() decoder {
		*dst = append(*dst, schemaElement{})
		e := &(*dst)[len(*dst)-1]
		return structure("KeySchemaElement",
			must("AttributeName", text(&e.name, lengthOf(1, maxKeyName))),
			must("KeyType", text(&e.role, oneOf("HASH", "RANGE"))))
	})
}

func provisioned(dst *throughput) decoder {
	return structure("ProvisionedThroughput",
		must("ReadCapacityUnits", integer(&dst.read, 1, math.MaxInt32)),
		must("WriteCapacityUnits", integer(&dst.write, 1, math.MaxInt32)))
}

func (in *createInput) indexList(name string, local bool) decoder {
	list := elements(0, math.MaxInt, func() decoder {
		in.indexes = append(in.indexes, indexInput{indexDefinition: indexDefinition{local: local}})
		x := &in.indexes[len(in.indexes)-1]
		members := []member{
			must("IndexName", newName(&x.name)),
			must("KeySchema", keySchema(&x.schema)),
			must("Projection", structure("Projection",
				may("ProjectionType", text(&x.projection, oneOf("ALL", "INCLUDE", "KEYS_ONLY"))),
				may("NonKeyAttributes", texts(&x.include, 1, 100, lengthOf(1, maxKeyName))))),
		}
		if !local {
			members = append(members, may("ProvisionedThroughput", provisioned(&x.capacity)))
		}
		return structure(strings.TrimSuffix(name, "es"), members...)
	})
	return func(p *problems, at string, v any) error {
		before := len(in.indexes)
		err := list(p, at, v)
		if len(in.indexes) == before {
			in.empty = name
		}
		return err
	}
}

// define checks the request as a whole, body, and returns the definition of the table.
func (in *createInput) define(body any) (definition, error) {
	d := in.definition
	d.request = body
	d.onDemand = in.billing == "PAY_PER_REQUEST"
	switch {
	case d.onDemand && d.capacity != throughput{}:
		return d, invalidValue("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	case !d.onDemand && d.capacity == throughput{}:
		return d, invalidValue("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	case in.empty != "":
		return d, invalidValue("List of %s is empty", in.empty)
	}
	var err error
	if d.keys, err = resolveKeys(in.schema, d.attributes); err != nil {
		return d, err
	}
	for _, x := range in.indexes {
		if x.keys, err = resolveKeys(x.schema, d.attributes); err != nil {
			return d, err
		}
		d.indexes = append(d.indexes, x.indexDefinition)
	}
	return d, d.check()
}
