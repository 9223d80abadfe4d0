package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The two indexes; DynamoDB wants three characters of a name. Their keys are the
// attributes g1pk, g1sk and g2pk, g2sk.
const (
	indexUser = "g1-user" // a user's conversations, newest first
	indexAll  = "g2-all"  // all live connections, in shards
)

// Schema is the table as CreateTable wants it. In production the template makes
// the table; TTL on attribute ttl is switched on by a call of its own.
func Schema(table string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName:   aws.String(table),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema("pk", "sk"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			index(indexUser, "g1", "title", "at", "ttl"),
			index(indexAll, "g2", "user", "mode", "at", "expires", "ttl"),
		},
	}
	for _, a := range []string{"pk", "sk", "g1pk", "g1sk", "g2pk", "g2sk"} {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(a), AttributeType: types.ScalarAttributeTypeS,
		})
	}
	return in
}

func index(name, keys string, carries ...string) types.GlobalSecondaryIndex {
	return types.GlobalSecondaryIndex{
		IndexName:  aws.String(name),
		KeySchema:  keySchema(keys+"pk", keys+"sk"),
		Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: carries},
	}
}

func keySchema(hash, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash},
		{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
	}
}
