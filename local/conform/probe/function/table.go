package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/local/conform/probe"
)

// kept is how long records are of use; the longest question takes two hours.
const kept = 4 * time.Hour

// table is a probe.Log in DynamoDB.
type table struct {
	client *dynamodb.Client
	name   string
}

func (t *table) Add(ctx context.Context, key string, r probe.Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	now := time.Now()
	_, err = t.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.name, Item: map[string]types.AttributeValue{
		"pk":     &types.AttributeValueMemberS{Value: key},
		"sk":     &types.AttributeValueMemberS{Value: fmt.Sprintf("%020d %s", now.UnixNano(), rand.Text())},
		"record": &types.AttributeValueMemberS{Value: string(text)},
		"ttl":    &types.AttributeValueMemberN{Value: fmt.Sprint(now.Add(kept).Unix())},
	}})
	return err
}

func (t *table) List(ctx context.Context, key string) ([]probe.Record, error) {
	out, err := t.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &t.name, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :key"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":key": &types.AttributeValueMemberS{Value: key}},
	})
	if err != nil {
		return nil, err
	}
	var records []probe.Record
	for _, item := range out.Items {
		text, ok := item["record"].(*types.AttributeValueMemberS)
		if !ok {
			return nil, fmt.Errorf("an item of %s has no record", key)
		}
		var r probe.Record
		if err := json.Unmarshal([]byte(text.Value), &r); err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}
