package sam

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// traits say what Ref and GetAtt give for a type. {N} is the name, {S} the
// logical id made an API Gateway id, {P} {R} {A} {U} partition, region, account
// and URL suffix.
type traits struct {
	name   string // the property that gives the name; "" for none
	ref    string
	attrs  map[string]string
	strict bool // other attributes are errors: the type runs here
}

const (
	functionARN = "arn:{P}:lambda:{R}:{A}:function:{N}"
	tableARN    = "arn:{P}:dynamodb:{R}:{A}:table/{N}"
)

var (
	functionTraits = traits{"FunctionName", "{N}", map[string]string{"Arn": functionARN, "Alias": functionARN, "Version": functionARN}, true}
	tableTraits    = traits{"TableName", "{N}", map[string]string{"Arn": tableARN, "StreamArn": tableARN + "/stream/2026-01-01T00:00:00.000"}, true}
	idTraits       = traits{ref: "{S}"}
)

// kinds has the types whose names matter to others.
var kinds = map[string]traits{
	"AWS::Serverless::Function":              functionTraits,
	"AWS::Lambda::Function":                  functionTraits,
	"AWS::DynamoDB::Table":                   tableTraits,
	"AWS::Serverless::SimpleTable":           tableTraits,
	"AWS::ApiGatewayV2::Integration":         idTraits,
	"AWS::ApiGatewayV2::Route":               idTraits,
	"AWS::ApiGatewayV2::Authorizer":          idTraits,
	"AWS::ApiGatewayV2::IntegrationResponse": idTraits,
	"AWS::ApiGatewayV2::RouteResponse":       idTraits,
	"AWS::ApiGatewayV2::Deployment":          idTraits,
	"AWS::ApiGateway::ApiKey":                {ref: "{S}", attrs: map[string]string{"APIKeyId": "{S}"}},
	"AWS::IAM::Role":                         {"RoleName", "{N}", map[string]string{"Arn": "arn:{P}:iam::{A}:role/{N}"}, false},
	"AWS::SQS::Queue": {"QueueName", "https://sqs.{R}.{U}/{A}/{N}", map[string]string{
		"Arn": "arn:{P}:sqs:{R}:{A}:{N}", "QueueName": "{N}", "QueueUrl": "https://sqs.{R}.{U}/{A}/{N}"}, false},
	"AWS::SNS::Topic": {"TopicName", "arn:{P}:sns:{R}:{A}:{N}", map[string]string{
		"TopicArn": "arn:{P}:sns:{R}:{A}:{N}", "TopicName": "{N}"}, false},
	"AWS::Logs::LogGroup":    {"LogGroupName", "{N}", map[string]string{"Arn": "arn:{P}:logs:{R}:{A}:log-group:{N}:*"}, false},
	"AWS::Events::EventBus":  {"Name", "{N}", map[string]string{"Arn": "arn:{P}:events:{R}:{A}:event-bus/{N}"}, false},
	"AWS::Events::Rule":      {"Name", "{N}", map[string]string{"Arn": "arn:{P}:events:{R}:{A}:rule/{N}"}, false},
	"AWS::CloudWatch::Alarm": {"AlarmName", "{N}", map[string]string{"Arn": "arn:{P}:cloudwatch:{R}:{A}:alarm:{N}"}, false},
	"AWS::S3::Bucket":        {"BucketName", "{N}", map[string]string{"Arn": "arn:{P}:s3:::{N}"}, false},
}

// ref is Ref: a pseudo parameter, a parameter or a resource. nil is NoValue.
func (s *stack) ref(n *node, name string) (*node, error) {
	if strings.HasPrefix(name, "AWS::") {
		return s.pseudo(n, name)
	}
	if v := s.parameters[name]; v != nil {
		return v, nil
	}
	if ssm, ok := s.later[name]; ok {
		return nil, n.errorf("parameter %s is the value of %s in SSM, which is not known here: give it one", name, ssm)
	}
	if id, attribute, ok := strings.Cut(name, "."); ok { // SAM: what it generates for a resource
		v, err := s.getAtt(n, id, attribute)
		return newText(n.line, v), err
	}
	r, err := s.resource(n, name)
	if err != nil {
		return nil, err
	}
	v, err := s.physical(r)
	return newText(n.line, v), err
}

func (s *stack) pseudo(n *node, name string) (*node, error) {
	switch name {
	case "AWS::NoValue":
		return nil, nil
	case "AWS::NotificationARNs":
		return &node{kind: list, line: n.line}, nil
	}
	v, ok := map[string]string{
		"AWS::Region": s.Region, "AWS::AccountId": s.AccountID, "AWS::Partition": s.Partition,
		"AWS::URLSuffix": s.URLSuffix, "AWS::StackName": s.StackName, "AWS::StackId": s.stackID(),
	}[name]
	if !ok {
		return nil, n.errorf("no pseudo parameter %s: there are Region, AccountId, Partition, URLSuffix, StackName, StackId, NotificationARNs and NoValue", name)
	}
	return newText(n.line, v), nil
}

func (s *stack) stackID() string {
	h := sha256.Sum256([]byte(s.StackName))
	return fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/%x-%x-%x-%x-%x",
		s.Partition, s.Region, s.AccountID, s.StackName, h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// resource finds a resource that exists in this stack.
func (s *stack) resource(n *node, id string) (*resource, error) {
	if s.absent[id] {
		return nil, n.errorf("%s does not exist: its Condition is false; use Fn::If here too", id)
	}
	if r := s.resources[id]; r != nil {
		return r, nil
	}
	if r := s.generated(id); r != nil {
		return r, nil
	}
	return nil, n.errorf("no parameter or resource %s: correct the name", id)
}

// physical is what Ref gives for a resource.
func (s *stack) physical(r *resource) (string, error) {
	switch r.kind {
	case "AWS::ApiGatewayV2::Api", "AWS::Serverless::WebSocketApi":
		return s.apiID(r.id), nil
	case "AWS::ApiGatewayV2::Stage":
		return s.named(r, "StageName", "")
	case "AWS::Lambda::Alias", "AWS::Lambda::Version":
		return s.version(r)
	}
	t, ok := kinds[r.kind]
	if !ok {
		return s.StackName + "-" + r.id, nil
	}
	return s.fill(r, t, t.ref)
}

// getAtt is Fn::GetAtt.
func (s *stack) getAtt(n *node, id, attribute string) (string, error) {
	r, err := s.resource(n, id)
	if err != nil {
		return "", err
	}
	t := kinds[r.kind]
	switch r.kind {
	case "AWS::ApiGatewayV2::Api", "AWS::Serverless::WebSocketApi":
		t.strict = true
		switch api := s.apiID(id); {
		case attribute == "ApiId":
			return api, nil
		case attribute == "ApiEndpoint":
			return "wss://" + api + ".execute-api." + s.Region + "." + s.URLSuffix, nil
		case attribute == "Stage" && r.kind == "AWS::Serverless::WebSocketApi":
			return s.named(r, "StageName", "default")
		}
	}
	pattern, ok := t.attrs[attribute]
	switch {
	case ok && attribute == "Alias" && r.kind == "AWS::Serverless::Function":
		arn, err := s.fill(r, t, pattern)
		if err != nil {
			return "", err
		}
		return s.qualified(arn, r, "AutoPublishAlias")
	case ok:
		return s.fill(r, t, pattern)
	case t.strict:
		return "", n.errorf("%s has no attribute %s", r.kind, attribute)
	}
	return s.StackName + "-" + id + "." + attribute, nil
}

// fill replaces the placeholders of a pattern.
func (s *stack) fill(r *resource, t traits, pattern string) (string, error) {
	name, err := s.named(r, t.name, s.StackName+"-"+r.id)
	if err != nil {
		return "", err
	}
	return strings.NewReplacer("{N}", name, "{S}", shortID(r.id), "{P}", s.Partition, "{R}", s.Region,
		"{A}", s.AccountID, "{U}", s.URLSuffix).Replace(pattern), nil
}

// named is the value of a resource's naming property, or the fallback.
func (s *stack) named(r *resource, property, fallback string) (string, error) {
	n := r.properties.get(property)
	if property == "" || n == nil {
		return fallback, nil
	}
	if name, ok := s.names[r.id]; ok {
		return name, nil
	}
	if s.naming[r.id] {
		return "", n.errorf("%s is named after itself: break the circle", r.id)
	}
	s.naming[r.id] = true
	defer delete(s.naming, r.id)
	v, err := s.eval(n)
	switch {
	case err != nil:
		return "", within(property, err)
	case v == nil:
		return fallback, nil
	case !v.scalar() || v.text == "":
		return "", n.errorf("%s: must be a string, not %s", property, v.what())
	}
	s.names[r.id] = v.text
	return v.text, nil
}

func (s *stack) apiID(id string) string {
	if s.firstAPI == "" {
		for _, r := range s.order {
			if isAPI(r) {
				s.firstAPI = r.id
				break
			}
		}
	}
	if id == s.firstAPI && s.APIID != "" {
		return s.APIID
	}
	return shortID(id)
}

// shortID makes ten letters and digits of a logical id, as API Gateway has.
func shortID(id string) string {
	h := sha256.Sum256([]byte(id))
	return strings.ToLower(base32.HexEncoding.EncodeToString(h[:]))[:10]
}
