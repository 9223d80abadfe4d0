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
type permit struct {
	FunctionName, Action, Principal, SourceArn string
	FunctionUrlAuthType, InvokedViaFunctionUrl string
}

// document is the permission as the policy that Lambda makes of it.
func (p permit) document() ([]byte, error) {
	statement := map[string]any{"Effect": "Allow", "Action": p.Action, "Resource": functionARN(p.FunctionName), "Principal": "*"}
	if p.Principal != "*" {
		statement["Principal"] = map[string]string{"Service": p.Principal}
	}
	conditions := map[string]any{}
	if p.SourceArn != "" {
		conditions["ArnLike"] = map[string]string{"aws:SourceArn": p.SourceArn}
	}
	if p.FunctionUrlAuthType != "" {
		conditions["StringEquals"] = map[string]string{"lambda:FunctionUrlAuthType": p.FunctionUrlAuthType}
	}
	if p.InvokedViaFunctionUrl != "" {
		conditions["Bool"] = map[string]string{"lambda:InvokedViaFunctionUrl": p.InvokedViaFunctionUrl}
	}
	if len(conditions) > 0 {
		statement["Condition"] = conditions
	}
	return json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statement})
}

// resourcePolicies are the policies of resources as documents, by a name of what
// they protect: those of functions made of AWS::Lambda::Permission, those of queues
// and topics as they are.
func resourcePolicies(t *testing.T, template *sam.Template) map[string]map[string][]byte {
	t.Helper()
	policies := map[string]map[string][]byte{ofFunctions: {}, ofQueues: {}}
	for _, r := range resources(t, template, "AWS::Lambda::Permission") {
		var p permit
		decode(t, r, &p)
		if p.SourceArn == "" && p.FunctionUrlAuthType == "" && p.InvokedViaFunctionUrl == "" {
			t.Errorf("%s: without SourceArn everybody's %s may call the function: add it", r.ID, p.Principal)
		}
		document, err := p.document()
		if err != nil {
			t.Fatal(err)
		}
		policies[ofFunctions][r.ID] = document
	}
	for _, kind := range []string{"AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"} {
		for _, r := range resources(t, template, kind) {
			var p struct{ PolicyDocument json.RawMessage }
			decode(t, r, &p)
			policies[ofQueues][r.ID] = p.PolicyDocument
		}
	}
	return policies
}

// urlNeeds: whoever calls a public function URL needs both permissions (Lambda
// developer guide, "Control access to Lambda function URLs").
func urlNeeds(t *testing.T, template *sam.Template) (needs []iam.Need) {
	t.Helper()
	for _, r := range resources(t, template, "AWS::Lambda::Url") {
		var u struct{ TargetFunctionArn, AuthType string }
		decode(t, r, &u)
		context := map[string][]string{"lambda:functionurlauthtype": {u.AuthType}, "lambda:invokedviafunctionurl": {"true"}}
		for _, action := range []string{"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"} {
			needs = append(needs, iam.Need{Action: action, Resource: functionARN(u.TargetFunctionArn), Principal: "anybody", Context: context})
		}
	}
	return needs
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
	eventNeeds(t, template, needs)
	needs[ofFunctions] = append(needs[ofFunctions], urlNeeds(t, template)...)
	return needs
}

// eventNeeds: topics, rules and alarms send to functions and queues, and say in
// whose name (developer guides of SNS, EventBridge and CloudWatch, "resource-based
// policies"). What nobody here knows how to send to fails.
func eventNeeds(t *testing.T, template *sam.Template, needs map[string][]iam.Need) {
	t.Helper()
	send := func(who, source, to string) {
		n := deliver(t, to)
		n.Principal = "Service:" + who
		n.Context = map[string][]string{"aws:sourcearn": {source}}
		of := ofQueues
		if n.Action == "lambda:InvokeFunction" {
			of = ofFunctions
		}
		needs[of] = append(needs[of], n)
	}
	for _, r := range resources(t, template, "AWS::SNS::Subscription") {
		var s struct {
			Protocol, Endpoint, TopicArn string
			RedrivePolicy                struct {
				DeadLetterTargetArn string `json:"deadLetterTargetArn"`
			}
		}
		decode(t, r, &s)
		if s.Protocol == "lambda" || s.Protocol == "sqs" {
			send("sns.amazonaws.com", s.TopicArn, s.Endpoint)
		}
		if to := s.RedrivePolicy.DeadLetterTargetArn; to != "" {
			send("sns.amazonaws.com", s.TopicArn, to)
		}
	}
	for _, r := range resources(t, template, "AWS::Events::Rule") {
		var rule struct {
			Targets []struct {
				Arn              string
				DeadLetterConfig struct{ Arn string }
			}
		}
		decode(t, r, &rule)
		for _, target := range rule.Targets {
			for _, to := range []string{target.Arn, target.DeadLetterConfig.Arn} {
				if to != "" {
					send("events.amazonaws.com", r.ARN, to)
				}
			}
		}
	}
	for _, r := range resources(t, template, "AWS::CloudWatch::Alarm") {
		var alarm struct{ AlarmActions, OKActions, InsufficientDataActions []string }
		decode(t, r, &alarm)
		for _, to := range slices.Concat(alarm.AlarmActions, alarm.OKActions, alarm.InsufficientDataActions) {
			if strings.HasPrefix(to, "arn:aws:lambda:") {
				send("lambda.alarms.cloudwatch.amazonaws.com", r.ARN, to)
			}
		}
	}
	for _, r := range resources(t, template, "AWS::Lambda::Permission") {
		var p permit
		decode(t, r, &p)
		if all, is := strings.CutSuffix(p.SourceArn, ":alarm:*"); is { // alarms of other stacks: two stand for all
			for _, alarm := range []string{":alarm:a", ":alarm:b"} {
				send(p.Principal, all+alarm, functionARN(p.FunctionName))
			}
		}
	}
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

const sources = `
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {Code: {ZipFile: x}, Handler: x, Runtime: python3.13, Role: x, DeadLetterConfig: {TargetArn: !GetAtt Q.Arn}, LoggingConfig: {LogGroup: /mine}}
  Q: {Type: AWS::SQS::Queue}
  T: {Type: AWS::SNS::Topic}
  S1: {Type: AWS::SNS::Subscription, Properties: {Protocol: lambda, Endpoint: !GetAtt F.Arn, TopicArn: !Ref T, RedrivePolicy: {deadLetterTargetArn: !GetAtt Q.Arn}}}
  S2: {Type: AWS::SNS::Subscription, Properties: {Protocol: email, Endpoint: a@example.com, TopicArn: !Ref T}}
  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref F, EventSourceArn: !GetAtt Q.Arn}}
  E: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: !Ref F, Qualifier: $LATEST, DestinationConfig: {OnFailure: {Destination: !Ref T}}}}
  R: {Type: AWS::Events::Rule, Properties: {Targets: [{Id: a, Arn: !GetAtt F.Arn, DeadLetterConfig: {Arn: !GetAtt Q.Arn}}]}}
  A: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmActions: [!GetAtt F.Arn, !Ref T]}}
  U: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !GetAtt F.Arn, AuthType: NONE}}
  P1: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref F, Action: lambda:InvokeFunction, Principal: sns.amazonaws.com, SourceArn: !Ref T}}
  P2: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref F, Action: lambda:InvokeFunction, Principal: events.amazonaws.com, SourceArn: !GetAtt R.Arn}}
  P3: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref F, Action: lambda:InvokeFunction, Principal: lambda.alarms.cloudwatch.amazonaws.com, SourceArn: !GetAtt A.Arn}}
  P4: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref F, Action: lambda:InvokeFunctionUrl, Principal: "*", FunctionUrlAuthType: NONE}}
  P5: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref F, Action: lambda:InvokeFunction, Principal: "*", InvokedViaFunctionUrl: true}}
  QP:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Q]
      PolicyDocument:
        Statement:
          - {Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: sqs:SendMessage, Resource: !GetAtt Q.Arn, Condition: {ArnEquals: {aws:SourceArn: !Ref T}}}
          - {Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: sqs:SendMessage, Resource: !GetAtt Q.Arn, Condition: {ArnEquals: {aws:SourceArn: !GetAtt R.Arn}}}
`

// TestAWSNeeds: what AWS does by itself with topics, queues, rules, alarms and URLs
// is just what their permissions allow.
func TestAWSNeeds(t *testing.T) {
	template, err := sam.Parse("sources.yaml", []byte(sources), nil)
	if err != nil {
		t.Fatal(err)
	}
	a := newAudit()
	for who, policies := range resourcePolicies(t, template) {
		a.grants(t, who, policies)
	}
	const queue, topic = "arn:aws:sqs:us-east-1:123456789012:local-Q", "arn:aws:sns:us-east-1:123456789012:local-T"
	role := map[string]bool{
		"sqs:SendMessage on " + queue: true, "sns:Publish on " + topic: true,
		"sqs:ReceiveMessage on " + queue: true, "sqs:DeleteMessage on " + queue: true, "sqs:GetQueueAttributes on " + queue: true,
	}
	for who, needs := range awsNeeds(t, template) {
		for _, n := range needs {
			if who != "F" {
				a.need(who, n, a.allows(who, n))
				continue
			}
			if !role[n.String()] && !strings.Contains(n.Resource, ":log-group:/mine:") {
				t.Errorf("the function's role needs %s", n)
			}
			delete(role, n.String())
		}
	}
	for _, fault := range a.faults(nil) {
		t.Error(fault)
	}
	if len(role) > 0 {
		t.Errorf("not found: %v", role)
	}
}
