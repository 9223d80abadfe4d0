package iam_test

import (
	"reflect"
	"testing"

	"kaiwa/pkg/emu/iam"
)

var account = iam.Account{Partition: "aws", Region: "us-east-1", ID: "123456789012", PartitionKey: func(_, index string) string {
	if index == "i" {
		return "g"
	}
	return "pk"
}}

func need(action, resource string, leading ...string) iam.Need {
	n := iam.Need{Action: action, Resource: resource}
	if leading != nil {
		n.Context = map[string][]string{"dynamodb:leadingkeys": leading}
	}
	return n
}

func TestDynamoDB(t *testing.T) {
	tests := []struct {
		operation, body string
		want            []iam.Need
	}{
		{"PutItem", `{"TableName":"t","Item":{"pk":{"S":"a"},"l":{"L":[{"S":"x"}]},"b":{"BOOL":true}}}`, []iam.Need{need("dynamodb:PutItem", table, "a")}},
		{"GetItem", `{"TableName":"` + table + `","Key":{"pk":{"S":"a"},"sk":{"S":"b"}}}`, []iam.Need{need("dynamodb:GetItem", table, "a")}},
		{"Query", `{"TableName":"t","KeyConditionExpression":"#p = :p AND begins_with(sk, :s)","ExpressionAttributeNames":{"#p":"pk"},"ExpressionAttributeValues":{":p":{"S":"a"},":s":{"S":"b"}}}`,
			[]iam.Need{need("dynamodb:Query", table, "a")}},
		{"Query", `{"TableName":"t","IndexName":"i","KeyConditionExpression":"sk=:s and g=:g","ExpressionAttributeValues":{":g":{"N":"7"},":s":{"S":"b"}}}`,
			[]iam.Need{need("dynamodb:Query", table+"/index/i", "7")}},
		{"Scan", `{"TableName":"t"}`, []iam.Need{need("dynamodb:Scan", table)}},
		{"BatchGetItem", `{"RequestItems":{"t":{"Keys":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}]},"u":{"Keys":[{"pk":{"S":"a"}}]}}}`,
			[]iam.Need{need("dynamodb:BatchGetItem", table, "a", "b"), need("dynamodb:BatchGetItem", table[:len(table)-1]+"u", "a")}},
		{"BatchWriteItem", `{"RequestItems":{"t":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"b"}}}}]}}`,
			[]iam.Need{need("dynamodb:BatchWriteItem", table, "a", "b")}},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"t","Item":{"pk":{"S":"a"}}}},{"ConditionCheck":{"TableName":"t","Key":{"pk":{"S":"b"}}}},{"Delete":{"TableName":"t","Key":{"pk":{"S":"c"}}}},{"Update":{"TableName":"t","Key":{"pk":{"S":"d"}}}}]}`,
			[]iam.Need{need("dynamodb:PutItem", table, "a"), need("dynamodb:ConditionCheckItem", table, "b"), need("dynamodb:DeleteItem", table, "c"), need("dynamodb:UpdateItem", table, "d")}},
		{"TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"t","Key":{"pk":{"S":"a"}}}}]}`, []iam.Need{need("dynamodb:GetItem", table, "a")}},
	}
	for _, tt := range tests {
		got, err := account.DynamoDB(tt.operation, []byte(tt.body))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s: %+v, %v", tt.operation, tt.body, got, err)
		}
	}
}

func TestBedrock(t *testing.T) {
	const stream, model = "bedrock:InvokeModelWithResponseStream", "::foundation-model/amazon.nova-lite-v1:0"
	profile := "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
	through := func(region string) iam.Need {
		return iam.Need{Action: stream, Resource: "arn:aws:bedrock:" + region + model, Context: map[string][]string{"bedrock:inferenceprofilearn": {profile}}}
	}
	tests := []struct {
		path, body string
		want       []iam.Need
	}{
		{"/model/amazon.nova-lite-v1%3A0/converse-stream", `{}`, []iam.Need{need(stream, "arn:aws:bedrock:us-east-1"+model)}},
		{"/model/m/converse", `{"guardrailConfig":{"guardrailIdentifier":"g"}}`,
			[]iam.Need{need("bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/m"), need("bedrock:ApplyGuardrail", "arn:aws:bedrock:us-east-1:123456789012:guardrail/g")}},
		{"/model/us.amazon.nova-lite-v1%3A0/converse-stream", `{}`, []iam.Need{need(stream, profile), through("us-east-1"), through("us-west-2")}},
		{"/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aprovisioned-model%2Fx/converse", `{}`, []iam.Need{need("bedrock:InvokeModel", "arn:aws:bedrock:us-east-1:1:provisioned-model/x")}},
	}
	for _, tt := range tests {
		got, err := account.Bedrock(tt.path, []byte(tt.body))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v", tt.path, got, err)
		}
	}
	for _, path := range []string{"/model/m/count-tokens", "/model/m", "/model/%zz/converse"} {
		if got, err := account.Bedrock(path, []byte(`{}`)); err == nil {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

// FuzzCalls: no body makes it panic.
func FuzzCalls(f *testing.F) {
	f.Add("TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"t","Item":{"pk":{"S":"a"}}}}]}`)
	f.Add("BatchWriteItem", `{"RequestItems":{"t":[{"DeleteRequest":{"Key":{"pk":{"S":"b"}}}}]}}`)
	f.Add("Query", `{"TableName":"t","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}}}`)
	f.Add("/model/us.m/converse", `{"guardrailConfig":{"guardrailIdentifier":"g"}}`)
	f.Fuzz(func(t *testing.T, operation, body string) {
		_, _ = account.DynamoDB(operation, []byte(body))
		_, _ = account.Bedrock(operation, []byte(body))
	})
}
