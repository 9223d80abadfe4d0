package apigw

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// policy is the IAM policy an authorizer returns.
type policy struct {
	Statement []statement
}

type statement struct {
	Effect      string
	Action      oneOrMore
	Resource    oneOrMore
	NotAction   json.RawMessage
	NotResource json.RawMessage
	Condition   json.RawMessage
}

// oneOrMore is a JSON string or a list of them.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// allows evaluates p for one call: an explicit Deny wins, and what nothing
// allows is denied. Elements that are not emulated are an error.
func (p policy) allows(action, resource string) (bool, error) {
	allowed := false
	for i, s := range p.Statement {
		if s.NotAction != nil || s.NotResource != nil || s.Condition != nil {
			return false, fmt.Errorf("statement %d: NotAction, NotResource and Condition are not emulated", i)
		}
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return false, fmt.Errorf("statement %d: effect is neither Allow nor Deny", i)
		}
		if len(s.Action) == 0 || len(s.Resource) == 0 {
			return false, errors.New("a statement needs Action and Resource")
		}
		if !s.matches(action, resource) {
			continue
		}
		if s.Effect == "Deny" {
			return false, nil
		}
		allowed = true
	}
	return allowed, nil
}

// matches ignores case in actions, as IAM does.
func (s statement) matches(action, resource string) bool {
	hit := func(patterns []string, what string) bool {
		for _, p := range patterns {
			if glob(p, what) {
				return true
			}
		}
		return false
	}
	lower := make([]string, len(s.Action))
	for i, a := range s.Action {
		lower[i] = strings.ToLower(a)
	}
	return hit(lower, strings.ToLower(action)) && hit(s.Resource, resource)
}

// glob matches * (any run, slashes included) and ? (any one byte).
func glob(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p, i = p+1, i+1
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
