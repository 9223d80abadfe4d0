package sam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// apiKeys reads AWS::ApiGateway::ApiKey.
func (s *stack) apiKeys(t *Template) error {
	for _, r := range s.order {
		if r.kind != "AWS::ApiGateway::ApiKey" {
			continue
		}
		p := s.props(r.properties)
		key := APIKey{
			ID: shortID(r.id), Name: nonempty(p.text("Name"), s.StackName+"-"+r.id),
			Value: p.text("Value"), Enabled: p.flag("Enabled"),
		}
		if p.err != nil {
			return within(r.id, p.err)
		}
		t.keys = append(t.keys, key)
	}
	return nil
}

// outputs resolves the outputs. One that cannot be is noted: nothing runs on it.
func (s *stack) outputs(t *Template) {
	t.outputs = make(map[string]string)
	outputs := s.root.get("Outputs")
	if outputs == nil || outputs.kind != mapping {
		return
	}
	for _, name := range outputs.keys {
		o := outputs.fields[name]
		if err := s.output(t, name, o); err != nil {
			s.note(o, "output %s cannot be told: %s", name, err.(*fault).text)
		}
	}
}

func (s *stack) output(t *Template, name string, o *node) error {
	if c := o.get("Condition"); c != nil {
		if exists, err := s.condition(c); err != nil || !exists {
			return err
		}
	}
	v := o.get("Value")
	if v == nil {
		return o.errorf("it has no Value")
	}
	text, err := s.evalText(v)
	if err != nil {
		return err
	}
	t.outputs[name] = text
	return nil
}

// handled are the types that the other files read.
var handled = []string{
	"AWS::Serverless::Function", "AWS::Lambda::Function", "AWS::Lambda::EventInvokeConfig", "AWS::Serverless::WebSocketApi",
	"AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::IntegrationResponse",
	"AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::RouteResponse", "AWS::ApiGatewayV2::Deployment", "AWS::ApiGatewayV2::Model",
	"AWS::DynamoDB::Table", "AWS::Serverless::SimpleTable", "AWS::ApiGateway::ApiKey",
	"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy",
}

// missed are the types that somebody would miss, and why they cannot run.
var missed = map[string]string{
	"AWS::Serverless::HttpApi":             "only WebSocket APIs are emulated",
	"AWS::Serverless::Api":                 "only WebSocket APIs are emulated",
	"AWS::Serverless::GraphQLApi":          "only WebSocket APIs are emulated",
	"AWS::ApiGateway::RestApi":             "only WebSocket APIs are emulated",
	"AWS::AppSync::GraphQLApi":             "only WebSocket APIs are emulated",
	"AWS::Lambda::Url":                     "only WebSocket APIs are emulated",
	"AWS::Serverless::StateMachine":        "there are no state machines here",
	"AWS::StepFunctions::StateMachine":     "there are no state machines here",
	"AWS::Serverless::Application":         "nested stacks are not read",
	"AWS::CloudFormation::Stack":           "nested stacks are not read",
	"AWS::CloudFormation::CustomResource":  "nothing is deployed here",
	"AWS::Lambda::EventSourceMapping":      "nothing reads streams and queues here",
	"AWS::Events::Rule":                    "there is no event bus here",
	"AWS::Scheduler::Schedule":             "there is no scheduler here",
	"AWS::SNS::Subscription":               "there are no topics here",
	"AWS::Serverless::LayerVersion":        "layers are not mounted",
	"AWS::Lambda::LayerVersion":            "layers are not mounted",
	"AWS::DynamoDB::GlobalTable":           "only AWS::DynamoDB::Table is emulated",
	"AWS::Cognito::UserPool":               "there is no user pool here",
	"AWS::SSM::Parameter":                  "there is no parameter store here",
	"AWS::SecretsManager::Secret":          "there are no secrets here",
	"AWS::S3::Bucket":                      "there are no buckets here",
	"AWS::SQS::Queue":                      "there are no queues here",
	"AWS::SNS::Topic":                      "there are no topics here",
	"AWS::Kinesis::Stream":                 "there are no streams here",
	"AWS::KinesisFirehose::DeliveryStream": "there are no streams here",
	"AWS::Events::EventBus":                "there is no event bus here",
	"AWS::ElastiCache::ReplicationGroup":   "there are no caches here",
	"AWS::RDS::DBInstance":                 "there are no other databases here",
	"AWS::RDS::DBCluster":                  "there are no other databases here",
}

// rest sorts the resources that nobody read.
func (s *stack) rest(t *Template) error {
	for _, r := range s.order {
		switch why, miss := missed[r.kind]; {
		case slices.Contains(handled, r.kind):
		case s.isDestination(t, r):
			t.ignored[r.kind]++
		case miss:
			s.note(r.node, "%s: %s cannot run here: %s", r.id, r.kind, why)
		case strings.HasPrefix(r.kind, "Custom::"):
			s.note(r.node, "%s: %s cannot run here: nothing is deployed here", r.id, r.kind)
		case unknownKind(r.kind):
			s.note(r.node, "%s: AWS is not known to have a type %s: %s", r.id, r.kind, suggest(r.kind, known()["Types"]))
		default:
			t.ignored[r.kind]++
		}
	}
	return nil
}

// isDestination says whether a queue or topic is where failed events go: nobody
// misses those, they are kept as dead letters.
func (s *stack) isDestination(t *Template, r *resource) bool {
	pattern := kinds[r.kind].attrs["Arn"]
	if r.kind == "AWS::SNS::Topic" {
		pattern = kinds[r.kind].ref
	}
	arn, err := s.fill(r, kinds[r.kind], pattern)
	return err == nil && arn != "" && slices.ContainsFunc(t.functions, func(f Function) bool { return f.Async.OnFailure == arn })
}

func ignoredLines(cannot []string, ignored map[string]int) []string {
	lines := slices.Clone(cannot)
	for _, kind := range slices.Sorted(maps.Keys(ignored)) {
		plural := ""
		if ignored[kind] > 1 {
			plural = "s"
		}
		lines = append(lines, fmt.Sprintf("%s: %d resource%s without meaning here", kind, ignored[kind], plural))
	}
	return lines
}
