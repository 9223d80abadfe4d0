package stack_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"kaiwa/local/stack"
	"kaiwa/pkg/emu/sam"
)

const (
	mayPut    = "\n              - {Effect: Allow, Action: dynamodb:PutItem, Resource: !GetAtt Table.Arn}"
	mayPost   = "\n              - {Effect: Allow, Action: execute-api:ManageConnections, Resource: !Sub 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/dev/POST/@connections/*'}"
	mayInvoke = "\n              - {Effect: Allow, Action: lambda:InvokeFunction, Resource: !GetAtt Worker.Arn}"
)

// restricted is the echo service with a role for Echo.
func restricted(t *testing.T, statements string) *sam.Template {
	t.Helper()
	file := filepath.Join(testdata, "template.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const code = "      CodeUri: functions/echo/\n"
	role := strings.Replace(string(text), code, code+"      Role: !GetAtt EchoRole.Arn\n", 1) + `
  EchoRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {}
      Policies:
        - PolicyName: echo
          PolicyDocument:
            Version: "2012-10-17"
            Statement:` + statements
	return parse(t, file, role, map[string]string{"Auth": "none"})
}

// calls gathers what functions needed.
type calls struct {
	mu   sync.Mutex
	list []string
}

func (c *calls) add(call stack.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	verdict := "may"
	if !call.Allowed {
		verdict = "may not"
	}
	c.list = append(c.list, call.Function+" "+verdict+" "+call.Action+" on "+call.Resource)
}

func (c *calls) has(want string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.list, func(s string) bool { return strings.HasPrefix(s, want) })
}

// What a role does not allow is denied as on AWS; what it allows is not, and both
// are told.
func TestRoles(t *testing.T) {
	var got calls
	s := run(t, restricted(t, mayPut+mayPost+mayInvoke), &stack.Options{Calls: got.add})
	ws := dial(t, s.URL(), nil)
	if answer := say(t, ws, "world"); answer != "hello world" {
		t.Errorf("answer %q", answer)
	}
	say(t, ws, "model "+demoModel)
	for _, want := range []string{
		"Echo may dynamodb:PutItem on arn:aws:dynamodb:us-east-1:123456789012:table/local-Table",
		"Echo may lambda:InvokeFunction on arn:aws:lambda:us-east-1:123456789012:function:local-Worker",
		"Echo may execute-api:ManageConnections on arn:aws:execute-api:us-east-1:123456789012:",
		// Its role is SAM's, so all is allowed.
		"Worker may bedrock:InvokeModelWithResponseStream on arn:aws:bedrock:us-east-1::foundation-model/demo.model-v1:0",
	} {
		if !got.has(want) {
			t.Errorf("no %q among %q", want, got.list)
		}
	}

	var denied calls
	s = run(t, restricted(t, mayPut), &stack.Options{Calls: denied.add})
	ws = dial(t, s.URL(), nil)
	for _, text := range []string{"world", "model x"} {
		if answer := say(t, ws, text); !strings.Contains(answer, "Internal server error") {
			t.Errorf("%s: answer %q", text, answer)
		}
	}
	for _, want := range []string{"Echo may not execute-api:ManageConnections", "Echo may not lambda:InvokeFunction"} {
		if !denied.has(want) {
			t.Errorf("no %q among %q", want, denied.list)
		}
	}
	s = run(t, restricted(t, mayPost), nil)
	if status, _ := connect(t, s, nil); status != 502 {
		t.Errorf("a connect that may not be stored: %d, want 502", status)
	}
}

// A managed policy that grants nothing that is here changes nothing; with another
// one a function is not judged, and that is said.
func TestManagedPolicies(t *testing.T) {
	for policy, said := range map[string][]string{
		"service-role/AWSLambdaBasicExecutionRole": {"not judged, may do everything here: Worker (its role is made by SAM)"},
		"AmazonDynamoDBFullAccess": {
			"not judged, may do everything here: Worker (its role is made by SAM)",
			"not judged, may do everything here: Echo (managed policy AmazonDynamoDBFullAccess)",
		},
	} {
		s := run(t, restricted(t, mayPost+"\n      ManagedPolicyArns: ['arn:aws:iam::aws:policy/"+policy+"']"), nil)
		if got := s.NotJudged(); !slices.Equal(got, said) {
			t.Errorf("%s: said %q, want %q", policy, got, said)
		}
		want := 101
		if len(said) == 1 { // no put, so no connect
			want = 502
		}
		if status, _ := connect(t, s, nil); status != want {
			t.Errorf("%s: %d, want %d", policy, status, want)
		}
	}
}

// A policy that cannot be read for want of an emulation does not stop somebody's
// template: its function is not judged, and that is said.
func TestUnreadablePolicy(t *testing.T) {
	for statement, said := range map[string]string{
		"{Effect: Allow, NotAction: 'iam:*', Resource: '*'}": `cannot be judged.* function=Echo policy=EchoRole/echo .*NotAction`,
		"{Effect: Allow, Action: 's3:*', Resource: !Cidr x}": `cannot be read.* function=Echo .*Cidr`,
	} {
		var got calls
		var log strings.Builder
		s := run(t, restricted(t, "\n              - "+statement), &stack.Options{Calls: got.add, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if !regexp.MustCompile(said).MatchString(log.String()) {
			t.Errorf("%s: log %q", statement, log.String())
		}
		if answer := say(t, dial(t, s.URL(), nil), "world"); answer != "hello world" || !got.has("Echo may dynamodb:PutItem") {
			t.Errorf("%s: answer %q, calls %q", statement, answer, got.list)
		}
	}
}
