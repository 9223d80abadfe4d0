package iam

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Account is where the resources of a call are.
type Account struct {
	Partition, Region, ID string
	// PartitionKey names the partition key of a table, or of its index unless that
	// is ""; "" if it is not known. It is for dynamodb:LeadingKeys.
	PartitionKey func(table, index string) string
}

func (a Account) arn(service, resource string) string {
	return "arn:" + a.Partition + ":" + service + ":" + a.Region + ":" + a.ID + ":" + resource
}

// Callback is what a request to @connections needs (aws-facts §4).
func (a Account) Callback(api, stage, method, connection string) Need {
	return Need{Action: "execute-api:ManageConnections", Resource: a.arn("execute-api", api+"/"+stage+"/"+method+"/@connections/"+connection)}
}

// Invoke is what calling a function needs.
func (a Account) Invoke(functionARN string) Need {
	return Need{Action: "lambda:InvokeFunction", Resource: functionARN}
}

// A system-defined inference profile is named after the Regions it covers (Bedrock
// user guide, "Supported Regions and models for inference profiles").
var profileID = regexp.MustCompile(`^(us|us-gov|eu|apac|jp|au|ca|sa|global)\.`)

// Two Regions stand for all that an inference profile may route to.
var destinations = []string{"us-east-1", "us-west-2"}

// Bedrock lists what a model call needs. path is the request's, as sent:
// /model/ID/converse-stream. A profile needs itself and, through it, the model in
// every Region it may route to (Bedrock user guide, "Prerequisites for inference
// profiles").
func (a Account) Bedrock(path string, body []byte) ([]Need, error) {
	id, operation, ok := strings.Cut(strings.TrimPrefix(path, "/model/"), "/")
	id, err := url.PathUnescape(id)
	action, known := map[string]string{
		"converse": "bedrock:InvokeModel", "converse-stream": "bedrock:InvokeModelWithResponseStream",
		"invoke": "bedrock:InvokeModel", "invoke-with-response-stream": "bedrock:InvokeModelWithResponseStream",
	}[operation]
	if !ok || err != nil || !known {
		return nil, fmt.Errorf("%s: it is not known what this call needs", path)
	}
	needs := a.model(action, id)
	var in struct {
		GuardrailConfig struct{ GuardrailIdentifier string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if g := in.GuardrailConfig.GuardrailIdentifier; g != "" {
		if !strings.HasPrefix(g, "arn:") {
			g = a.arn("bedrock", "guardrail/"+g)
		}
		needs = append(needs, Need{Action: "bedrock:ApplyGuardrail", Resource: g})
	}
	return needs, nil
}

func (a Account) model(action, id string) []Need {
	profile := id
	switch {
	case strings.Contains(id, ":inference-profile/"), strings.Contains(id, ":application-inference-profile/"):
	case strings.HasPrefix(id, "arn:"):
		return []Need{{Action: action, Resource: id}}
	case profileID.MatchString(id):
		profile = a.arn("bedrock", "inference-profile/"+id)
	default:
		return []Need{{Action: action, Resource: "arn:" + a.Partition + ":bedrock:" + a.Region + "::foundation-model/" + id}}
	}
	needs := []Need{{Action: action, Resource: profile}}
	model := profileID.ReplaceAllString(profile[strings.LastIndex(profile, "/")+1:], "")
	for _, region := range destinations {
		needs = append(needs, Need{Action: action, Resource: "arn:" + a.Partition + ":bedrock:" + region + "::foundation-model/" + model,
			Context: map[string][]string{"bedrock:inferenceprofilearn": {profile}}})
	}
	return needs
}

// DynamoDB lists what a table operation needs, like Query, by its JSON body. A
// transaction needs the action of each of its items (DynamoDB developer guide,
// "IAM for transactions").
func (a Account) DynamoDB(operation string, body []byte) ([]Need, error) {
	var in tableCall
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	var needs []Need
	add := func(action string, c tableCall) {
		needs = append(needs, a.tableNeed(action, c))
	}
	switch operation {
	case "TransactWriteItems", "TransactGetItems":
		for _, item := range in.TransactItems {
			for kind, c := range item {
				action := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem", "ConditionCheck": "ConditionCheckItem"}[kind]
				add(action, c)
			}
		}
	case "BatchGetItem", "BatchWriteItem":
		for _, table := range slices.Sorted(maps.Keys(in.RequestItems)) {
			c := tableCall{TableName: table}
			if err := c.batch(in.RequestItems[table]); err != nil {
				return nil, fmt.Errorf("%s: %w", operation, err)
			}
			add(operation, c)
		}
	default:
		add(operation, in)
	}
	return needs, nil
}

// tableCall is what matters of a table operation.
type tableCall struct {
	TableName, IndexName      string
	Key, Item                 map[string]value
	KeyConditionExpression    string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]value
	TransactItems             []map[string]tableCall
	RequestItems              map[string]json.RawMessage

	keys []map[string]value // of a batch
}

// value is an attribute value; only strings can be told apart here.
type value struct{ S, N, B string }

func (v value) text() string { return v.S + v.N + v.B }

// batch reads the keys of one table's part of a batch.
func (c *tableCall) batch(part json.RawMessage) error {
	var reads struct{ Keys []map[string]value }
	if json.Unmarshal(part, &reads) == nil {
		c.keys = reads.Keys
		return nil
	}
	var writes []struct {
		PutRequest    struct{ Item map[string]value }
		DeleteRequest struct{ Key map[string]value }
	}
	if err := json.Unmarshal(part, &writes); err != nil {
		return err
	}
	for _, w := range writes {
		c.keys = append(c.keys, w.PutRequest.Item, w.DeleteRequest.Key)
	}
	return nil
}

func (a Account) tableNeed(action string, c tableCall) Need {
	table := c.TableName
	arn := table
	if !strings.HasPrefix(table, "arn:") {
		arn = a.arn("dynamodb", "table/"+table)
	}
	if c.IndexName != "" {
		arn += "/index/" + c.IndexName
	}
	n := Need{Action: "dynamodb:" + action, Resource: arn}
	if a.PartitionKey == nil {
		return n
	}
	hash := a.PartitionKey(table[strings.LastIndex(table, "/")+1:], c.IndexName)
	if leading := c.leading(hash); len(leading) > 0 {
		n.Context = map[string][]string{"dynamodb:leadingkeys": leading}
	}
	return n
}

var equality = regexp.MustCompile(`([#\w]+)\s*=\s*(:\w+)`)

// leading are the partition keys a call names (DynamoDB developer guide, "Using
// IAM policy conditions for fine-grained access control").
func (c tableCall) leading(hash string) []string {
	found := map[string]bool{}
	for _, item := range append(c.keys, c.Key, c.Item) {
		if v, ok := item[hash]; ok {
			found[v.text()] = true
		}
	}
	for _, m := range equality.FindAllStringSubmatch(c.KeyConditionExpression, -1) {
		name, value := m[1], c.ExpressionAttributeValues[m[2]]
		if real, ok := c.ExpressionAttributeNames[name]; ok {
			name = real
		}
		if name == hash {
			found[value.text()] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
