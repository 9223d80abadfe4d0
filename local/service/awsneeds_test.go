package service_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kaiwa/pkg/emu/iam"
	"kaiwa/pkg/emu/sam"
)

// Whose policies: what is protected rather than who acts.
const (
	ofFunctions = "policies of functions"
	ofQueues    = "policies of queues and topics"
)

// permit is AWS::Lambda::Permission.
type permit struct{ FunctionName, Action, Principal, SourceArn, SourceAccount string }

// resourcePolicies are the policies of resources as documents, by a name of what
// they protect: those of functions made of AWS::Lambda::Permission, those of queues
// and topics as they are.
func resourcePolicies(t *testing.T, template *sam.Template) map[string]map[string][]byte {
	t.Helper()
	policies := map[string]map[string][]byte{}
	add := func(of, name string, document []byte) {
		if policies[of] == nil {
			policies[of] = map[string][]byte{}
		}
		policies[of][name] = document
	}
	for _, r := range resources(t, template, "AWS::Lambda::Permission") {
		var p permit
		decode(t, r, &p)
		if p.SourceArn == "" {
			t.Errorf("%s: without SourceArn everybody's %s may call the function: add it", r.ID, p.Principal)
		}
		statement := map[string]any{"Effect": "Allow", "Action": p.Action, "Resource": functionARN(p.FunctionName),
			"Principal": map[string]string{"Service": p.Principal}}
		if p.SourceArn != "" {
			statement["Condition"] = map[string]any{"ArnLike": map[string]string{"aws:SourceArn": p.SourceArn}}
		}
		document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statement})
		if err != nil {
			t.Fatal(err)
		}
		add(ofFunctions, r.ID, document)
	}
	for _, kind := range []string{"AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"} {
		for _, r := range resources(t, template, kind) {
			var p struct{ PolicyDocument json.RawMessage }
			decode(t, r, &p)
			add(ofQueues, r.ID, p.PolicyDocument)
		}
	}
	return policies
}

// functionARN is the ARN of a function that a property names.
func functionARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:lambda:us-east-1:123456789012:function:" + name
}

func resources(t *testing.T, template *sam.Template, kind string) []sam.Resource {
	t.Helper()
	list, err := template.Resources(kind)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func decode(t *testing.T, r sam.Resource, into any) {
	t.Helper()
	if err := json.Unmarshal(r.Properties, into); err != nil {
		t.Fatalf("%s: %v", r.ID, err)
	}
}

// awsNeeds says what AWS needs of itself to run the template, which no call of a
// function shows: by function what Lambda does in the name of its role, and what
// other services do to functions, queues and topics.
func awsNeeds(t *testing.T, template *sam.Template) map[string][]iam.Need {
	t.Helper()
	needs := map[string][]iam.Need{}
	lambdaNeeds(t, template, needs)
	needs[ofFunctions] = append(needs[ofFunctions], gatewayNeeds(t, template)...)
	return needs
}

// lambdaNeeds: Lambda writes a function's logs in the name of its role (Lambda
// developer guide, "Sending Lambda function logs to CloudWatch Logs"), reads a queue
// for it ("Using Lambda with Amazon SQS", permissions) and sends what failed to its
// destination ("Capturing records of asynchronous invocations").
func lambdaNeeds(t *testing.T, template *sam.Template, needs map[string][]iam.Need) {
	t.Helper()
	byName := map[string]string{}
	for _, r := range resources(t, template, "AWS::Lambda::Function") {
		var f struct {
			LoggingConfig    struct{ LogGroup string }
			DeadLetterConfig struct{ TargetArn string }
		}
		decode(t, r, &f)
		byName[r.Ref], byName[r.ARN] = r.ID, r.ID
		group := f.LoggingConfig.LogGroup
		if group == "" {
			group = "/aws/lambda/" + r.Ref
		}
		// Two streams stand for all.
		for _, stream := range []string{"a", "b"} {
			for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
				needs[r.ID] = append(needs[r.ID], iam.Need{Action: action, Resource: "arn:aws:logs:us-east-1:123456789012:log-group:" + group + ":log-stream:" + stream})
			}
		}
		if to := f.DeadLetterConfig.TargetArn; to != "" {
			needs[r.ID] = append(needs[r.ID], deliver(t, to))
		}
	}
	for _, r := range resources(t, template, "AWS::Lambda::EventInvokeConfig") {
		var c struct {
			FunctionName      string
			DestinationConfig struct{ OnFailure, OnSuccess struct{ Destination string } }
		}
		decode(t, r, &c)
		for _, to := range []string{c.DestinationConfig.OnFailure.Destination, c.DestinationConfig.OnSuccess.Destination} {
			if to != "" {
				needs[byName[c.FunctionName]] = append(needs[byName[c.FunctionName]], deliver(t, to))
			}
		}
	}
	for _, r := range resources(t, template, "AWS::Lambda::EventSourceMapping") {
		var m struct{ FunctionName, EventSourceArn string }
		decode(t, r, &m)
		if !strings.HasPrefix(m.EventSourceArn, "arn:aws:sqs:") {
			t.Errorf("%s: say in lambdaNeeds what Lambda needs to read %s", r.ID, m.EventSourceArn)
		}
		for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} {
			needs[byName[m.FunctionName]] = append(needs[byName[m.FunctionName]], iam.Need{Action: action, Resource: m.EventSourceArn})
		}
	}
}

// deliver is what sending to a queue, topic, function or bus needs.
func deliver(t *testing.T, to string) iam.Need {
	t.Helper()
	for service, action := range map[string]string{"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction", "events": "events:PutEvents"} {
		if strings.HasPrefix(to, "arn:aws:"+service+":") {
			return iam.Need{Action: action, Resource: to}
		}
	}
	t.Errorf("say in deliver what sending to %s needs", to)
	return iam.Need{}
}

// gatewayNeeds: API Gateway calls the function of each route and the authorizer's,
// and says for which (API Gateway developer guide, "Lambda permissions").
func gatewayNeeds(t *testing.T, template *sam.Template) []iam.Need {
	t.Helper()
	var needs []iam.Need
	call := func(function, source string) {
		needs = append(needs, iam.Need{Action: "lambda:InvokeFunction", Resource: functionARN(function), Principal: "Service:apigateway.amazonaws.com",
			Context: map[string][]string{"aws:sourcearn": {source}}})
	}
	for _, api := range template.APIs() {
		arn := "arn:aws:execute-api:us-east-1:123456789012:" + api.ID
		for key, route := range api.Routes {
			if i := route.Integration; i != nil && i.Function != "" {
				call(i.Function, arn+"/"+api.Stage.Name+"/"+key)
			}
		}
	}
	for _, r := range resources(t, template, "AWS::ApiGatewayV2::Authorizer") {
		var a struct{ ApiId, AuthorizerUri string }
		decode(t, r, &a)
		_, function, _ := strings.Cut(strings.TrimSuffix(a.AuthorizerUri, "/invocations"), "/functions/")
		call(function, fmt.Sprintf("arn:aws:execute-api:us-east-1:123456789012:%s/authorizers/%s", a.ApiId, r.Ref))
	}
	slices.SortFunc(needs, func(a, b iam.Need) int { return strings.Compare(a.Resource, b.Resource) })
	return needs
}
