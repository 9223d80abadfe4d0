package service_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kaiwa/local/stack"
	"kaiwa/pkg/emu/iam"
	"kaiwa/pkg/emu/sam"
)

// exceptions are permissions that no run here can need, each with the reason. One
// that is needed after all, or is not in the template any more, fails the test.
var exceptions = map[permission]string{}

// permission is one action that a statement grants to a role on one resource.
type permission struct{ role, action, resource string }

// variant is a deployment of the template and what happens in it.
type variant struct {
	params map[string]string
	run    func(*testing.T, *stack.Stack) // nil: only what AWS itself needs
}

// variants make every condition of the template true once and false once. What
// they need together must be all that the policies allow.
func variants(is *issuer) map[string]variant {
	return map[string]variant{
		"everything":           {is.params(), func(t *testing.T, s *stack.Stack) { guarded(t, s, is).everything() }},
		"a function is killed": {map[string]string{"Auth": "none"}, func(t *testing.T, s *stack.Stack) { open(t, s).actor().takeover() }},
		"nobody asks":          {map[string]string{"Auth": "none", "EdgeSecretA": edgeSecret, "EdgeSecretB": nextSecret}, nil},
		"signed":               {map[string]string{"Auth": "iam"}, nil},
		"keys and the rest":    {map[string]string{"Auth": "apikey", "CallbackUrl": "https://chat.example.com/api", "AccessLogs": "true", "ReplyConcurrency": "5"}, nil},
		"notified by a fifo queue": {map[string]string{"Auth": "none", "NotifyTopic": "true", "NotifyQueue": "fifo", "NotifyBus": "true", "NotifyAlarms": "true",
			"WebhookSecret": "0123456789abcdefghij", "NotifyConcurrency": "16", "DeadLetterAction": "arn:aws:sns:us-east-1:123456789012:mail"}, nil},
		"notified by a queue":  {map[string]string{"Auth": "none", "NotifyTopic": "true", "NotifyQueue": "standard"}, nil},
		"without dead letters": {map[string]string{"Auth": "none", "NotifyTopic": "true", "NotifyBus": "true", "DeadLetters": "false"}, nil},
		"profile, guardrail": {map[string]string{"Auth": "none", "InferenceProfileId": "us.amazon.nova-lite-v1:0", "GuardrailId": "g", "GuardrailVersion": "1"},
			func(t *testing.T, s *stack.Stack) { open(t, s).onePrompt() }},
	}
}

// TestLeastPrivilege runs the service from the template as CloudFormation gets it,
// after the SAM transform, notes what its functions need of AWS, adds what AWS
// itself needs to run the template, and compares that with what the policies allow:
// nothing may be denied, nothing unused, no wildcard wider than it must be.
func TestLeastPrivilege(t *testing.T) {
	transformed := transform(t)
	audit, is := newAudit(), newIssuer(t)
	t.Run("run", func(t *testing.T) {
		for name, v := range variants(is) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				template := parse(t, transformed, v.params)
				audit.variant(t, template)
				if v.run != nil {
					v.run(t, runTemplate(t, template, &stack.Options{Calls: audit.call, AsyncRetry: 16 * time.Second}))
				}
			})
		}
	})
	for _, line := range audit.faults(exceptions) {
		t.Error(line)
	}
	if testing.Verbose() {
		audit.report(t)
	}
}

// transform is what CloudFormation makes of template.yaml before anything else,
// with the functions' folders as their code.
func transform(t *testing.T) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", ".ci/transform.py", "template.yaml")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case err == nil:
	case os.Getenv("CI") == "" && (errors.Is(err, exec.ErrNotFound) || strings.Contains(stderr.String(), "No module named")):
		t.Skipf("python3 with aws-sam-translator is not there: %v %s", err, lastLine(stderr.String()))
	default:
		t.Fatalf("transform: %v\n%s", err, stderr.String())
	}
	return regexp.MustCompile(`(?s)"Code": \{\s*"S3Bucket": "bucket",\s*"S3Key": ("[^"]*")\s*\}`).ReplaceAll(out, []byte(`"Code": $1`))
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndex(s, "\n")+1:]
}

func parse(t *testing.T, template []byte, params map[string]string) *sam.Template {
	t.Helper()
	all := map[string]string{"ThrottleRate": "10000", "ThrottleBurst": "5000"}
	maps.Copy(all, params)
	parsed, err := sam.Parse("../../transformed.json", template, &sam.Options{Region: "us-east-1", Parameters: all})
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// audit compares needs with grants.
type audit struct {
	mu         sync.Mutex
	needs      map[string][]iam.Need // by function
	policies   map[string][]grant    // by function
	conditions map[string]map[bool]bool
	denied     map[string]bool
}

// grant is a policy, and where it stands.
type grant struct {
	name   string
	policy iam.Policy
}

func newAudit() *audit {
	return &audit{needs: map[string][]iam.Need{}, policies: map[string][]grant{}, conditions: map[string]map[bool]bool{}, denied: map[string]bool{}}
}

// call notes what a function needed.
func (a *audit) call(c stack.Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.need(c.Function, c.Need, c.Allowed)
}

func (a *audit) need(who string, n iam.Need, allowed bool) {
	a.needs[who] = append(a.needs[who], n)
	if !allowed {
		a.denied[fmt.Sprintf("%s may not %s: allow it in template.yaml", who, n)] = true
	}
}

// variant reads the policies of one variant, and what AWS itself needs to run it.
func (a *audit) variant(t *testing.T, template *sam.Template) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, v := range template.Conditions() {
		if a.conditions[name] == nil {
			a.conditions[name] = map[bool]bool{}
		}
		a.conditions[name][v] = true
	}
	for _, f := range template.Functions() {
		role, err := template.Role(f)
		if err != nil || role.Unknown != "" {
			t.Errorf("the role of %s: %v %s", f.LogicalID, err, role.Unknown)
		}
		a.grants(t, f.LogicalID, role.Policies)
	}
	for who, policies := range resourcePolicies(t, template) {
		a.grants(t, who, policies)
	}
	for who, needs := range awsNeeds(t, template) {
		for _, n := range needs {
			a.need(who, n, a.allows(who, n))
		}
	}
}

func (a *audit) grants(t *testing.T, who string, policies map[string][]byte) {
	for name, document := range policies {
		g := grant{name: name}
		if err := json.Unmarshal(document, &g.policy); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		a.policies[who] = append(a.policies[who], g)
	}
}

func (a *audit) allows(who string, n iam.Need) bool {
	var all []iam.Policy
	for _, g := range a.policies[who] {
		all = append(all, g.policy)
	}
	return iam.Allows(all, n)
}

// faults are all that is wrong, each a line that says what to do.
func (a *audit) faults(exceptions map[permission]string) []string {
	faults := maps.Clone(a.denied)
	for name, values := range a.conditions {
		if len(values) < 2 {
			faults[fmt.Sprintf("condition %s is never %t here: add parameters to variants in privilege_test.go", name, !values[true])] = true
		}
	}
	unneeded := map[permission]bool{}
	for who, grants := range a.policies {
		for _, g := range grants {
			for _, s := range g.policy.Statements {
				a.statement(who, g.name, s, exceptions, unneeded, faults)
			}
		}
	}
	for p, why := range exceptions {
		if !unneeded[p] {
			faults[fmt.Sprintf("the exception %v (%s) is stale: take it out of privilege_test.go", p, why)] = true
		}
	}
	return slices.Sorted(maps.Keys(faults))
}

// statement checks that each part of a statement is needed.
func (a *audit) statement(who, where string, s iam.Statement, exceptions map[permission]string, unneeded map[permission]bool, faults map[string]bool) {
	fault := func(format string, args ...any) { faults[where+": "+fmt.Sprintf(format, args...)] = true }
	if !s.Allow {
		return
	}
	for _, action := range s.Actions {
		if strings.ContainsAny(action, "*?") {
			fault("%s: name the actions", action)
		}
		for _, resource := range s.Resources {
			one := s
			one.Actions, one.Resources = []string{action}, []string{resource}
			p := permission{where, action, resource}
			values := a.matched(who, one)
			if _, excepted := exceptions[p]; excepted {
				unneeded[p] = len(values) == 0
				continue
			}
			switch {
			case len(values) == 0:
				fault("%s on %s is never needed: take it out of template.yaml, or have a scenario in privilege_test.go need it", action, resource)
			case strings.ContainsAny(resource, "*?") && len(values) == 1:
				fault("%s on %s: only %s is ever needed: name it", action, resource, values[0])
			}
		}
	}
	for i, c := range s.Conditions {
		for _, value := range c.Values {
			fits := a.conditionValues(who, s, i, value)
			switch {
			case len(fits) == 0:
				fault("condition %s: %s is never needed: take it out", c.Key, value)
			case strings.ContainsAny(value, "*?") && len(fits) == 1:
				fault("condition %s: %s: only %s is ever needed: name it", c.Key, value, fits[0])
			}
		}
	}
}

// conditionValues are the different values of needs that a statement covers which
// fit one value of its condition i.
func (a *audit) conditionValues(who string, s iam.Statement, i int, pattern string) []string {
	found := map[string]bool{}
	for _, n := range a.needs[who] {
		for _, v := range n.Context[s.Conditions[i].Key] {
			if s.Covers(n) && iam.Glob(pattern, v) {
				found[v] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// matched are the different resources of the needs that a statement covers.
func (a *audit) matched(who string, s iam.Statement) []string {
	found := map[string]bool{}
	for _, n := range a.needs[who] {
		if s.Covers(n) {
			found[n.Resource] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestAuditBites: every way in which policies can be wrong is told.
func TestAuditBites(t *testing.T) {
	const table = "arn:aws:dynamodb:us-east-1:123456789012:table/t"
	allow := func(action, resource, condition string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"` + condition + `}}`
	}
	keys := func(values string) string {
		return `,"Condition":{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":[` + values + `]}}`
	}
	query := iam.Need{Action: "dynamodb:Query", Resource: table, Context: map[string][]string{"dynamodb:leadingkeys": {"C#1"}}}
	other := query
	other.Context = map[string][]string{"dynamodb:leadingkeys": {"C#2"}}
	index := iam.Need{Action: "dynamodb:Query", Resource: table + "/index/i"}
	excepted := map[permission]string{{"Role/p", "dynamodb:Query", table}: "so it is"}
	tests := []struct {
		name, policy string
		needs        []iam.Need
		exceptions   map[permission]string
		want         string // of the one fault; "" for none
	}{
		{"just right", allow("dynamodb:Query", table, ""), []iam.Need{query}, nil, ""},
		{"denied", allow("dynamodb:Query", table, ""), []iam.Need{query, index}, nil, "F may not dynamodb:Query on " + table + "/index/i"},
		{"unused", allow("dynamodb:Query", table, ""), nil, nil, "dynamodb:Query on " + table + " is never needed"},
		{"wildcard in the action", allow("dynamodb:Q*", table, ""), []iam.Need{query}, nil, "dynamodb:Q*: name the actions"},
		{"wildcard for one", allow("dynamodb:Query", table+"*", ""), []iam.Need{query}, nil, "only " + table + " is ever needed"},
		{"wildcard for two", allow("dynamodb:Query", table+"*", ""), []iam.Need{query, index}, nil, ""},
		{"other keys", allow("dynamodb:Query", table, keys(`"V#*"`)), []iam.Need{query}, nil, `F may not dynamodb:Query on ` + table + ` with dynamodb:leadingkeys ["C#1"]`},
		{"a key too many", allow("dynamodb:Query", table, keys(`"C#*","V#*"`)), []iam.Need{query, other}, nil, "V#* is never needed"},
		{"a wide key", allow("dynamodb:Query", table, keys(`"C#*"`)), []iam.Need{query}, nil, "only C#1 is ever needed"},
		{"an exception", allow("dynamodb:Query", table, ""), nil, excepted, ""},
		{"an exception that is needed", allow("dynamodb:Query", table, ""), []iam.Need{query}, excepted, "stale"},
		{"an exception for nothing", allow("dynamodb:Query", table+"/index/i", ""), []iam.Need{index}, excepted, "stale"},
	}
	for _, tt := range tests {
		a := newAudit()
		a.grants(t, "F", map[string][]byte{"Role/p": []byte(tt.policy)})
		for _, n := range tt.needs {
			a.need("F", n, a.allows("F", n))
		}
		faults := a.faults(tt.exceptions)
		if tt.want == "" && len(faults) > 0 || tt.want != "" && !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, tt.want) }) {
			t.Errorf("%s: %q, want %q", tt.name, faults, tt.want)
		}
	}
	a := newAudit()
	a.conditions["C"] = map[bool]bool{true: true}
	if faults := a.faults(nil); len(faults) != 1 || !strings.Contains(faults[0], "condition C is never false here") {
		t.Errorf("a condition that is never false: %q", faults)
	}
}

// report lists what each function needed, for people.
func (a *audit) report(t *testing.T) {
	lines := map[string]int{}
	id := regexp.MustCompile(`@connections/.*|[0-9a-zA-Z_=-]{16,}`)
	for who, needs := range a.needs {
		for _, n := range needs {
			line := who + ": " + n.Action + " on " + id.ReplaceAllString(n.Resource, "…")
			for _, k := range n.Context["dynamodb:leadingkeys"] {
				kind, _, _ := strings.Cut(k, "#")
				lines[line+" "+kind+"#"]++
			}
			lines[line]++
		}
	}
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		t.Logf("%s (%d)", line, lines[line])
	}
}
