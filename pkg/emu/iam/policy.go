package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Policy is a policy document: of a role, of a resource, or what an authorizer
// returns.
type Policy struct {
	Statements []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	Sid string
	// Allow is false for Deny.
	Allow bool
	// Actions like dynamodb:Query and Resources, mostly ARNs; both may have
	// wildcards. Resources is empty in the trust policy of a role only.
	Actions, Resources []string
	// Principals of a resource's policy like Service:apigateway.amazonaws.com, or *.
	Principals []string
	Conditions []Condition
}

// Need is a permission that somebody needs: one action on one resource, and what
// conditions may look at.
type Need struct {
	Action, Resource string
	// Principal is who asks, like Service:sns.amazonaws.com, where a resource's
	// policy decides.
	Principal string
	// Context has the condition keys by their names in lower case, like
	// dynamodb:leadingkeys.
	Context map[string][]string
}

// String is the need in one line.
func (n Need) String() string {
	s := n.Action + " on " + n.Resource
	for _, key := range slices.Sorted(maps.Keys(n.Context)) {
		s += fmt.Sprintf(" with %s %q", key, n.Context[key])
	}
	return s
}

// Allows says whether policies grant n: an explicit Deny wins, and what nothing
// allows is denied (IAM user guide, "Policy evaluation logic").
func Allows(policies []Policy, n Need) bool {
	allowed := false
	for _, p := range policies {
		for _, s := range p.Statements {
			if !s.Covers(n) {
				continue
			}
			if !s.Allow {
				return false
			}
			allowed = true
		}
	}
	return allowed
}

// Covers says whether the statement speaks of n.
func (s Statement) Covers(n Need) bool {
	if !anyGlob(s.Actions, n.Action, strings.ToLower) || !anyGlob(s.Resources, n.Resource, nil) {
		return false
	}
	if len(s.Principals) > 0 && !anyGlob(s.Principals, n.Principal, nil) {
		return false
	}
	for _, c := range s.Conditions {
		if !c.holds(n.Context) {
			return false
		}
	}
	return true
}

// anyGlob says whether a pattern matches. fold is applied to both sides: IAM
// ignores the case of actions.
func anyGlob(patterns []string, s string, fold func(string) string) bool {
	if fold == nil {
		fold = func(s string) string { return s }
	}
	for _, p := range patterns {
		if Glob(fold(p), fold(s)) {
			return true
		}
	}
	return false
}

// document is a policy as it is written.
type document struct {
	Version, ID string
	Statement   list[json.RawMessage]
}

type written struct {
	Sid, Effect  string
	Action       list[string]
	Resource     list[string]
	Principal    principals
	Condition    conditions
	NotAction    json.RawMessage
	NotResource  json.RawMessage
	NotPrincipal json.RawMessage
}

// UnmarshalJSON reads a policy document. An element that IAM or this package does
// not know is an error.
func (p *Policy) UnmarshalJSON(b []byte) error {
	var doc document
	if err := strictly(b, &doc); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	p.Statements = nil
	for i, b := range doc.Statement {
		var w written
		err := strictly(b, &w)
		var s Statement
		if err == nil {
			s, err = w.statement()
		}
		if err != nil {
			return fmt.Errorf("policy: statement %d: %w", i, err)
		}
		p.Statements = append(p.Statements, s)
	}
	return nil
}

func strictly(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func (w written) statement() (Statement, error) {
	switch {
	case w.NotAction != nil || w.NotResource != nil || w.NotPrincipal != nil:
		return Statement{}, errors.New("NotAction, NotResource and NotPrincipal are not emulated")
	case w.Effect != "Allow" && w.Effect != "Deny":
		return Statement{}, fmt.Errorf("effect %q is neither Allow nor Deny", w.Effect)
	case len(w.Action) == 0:
		return Statement{}, errors.New("needs Action")
	case len(w.Resource) == 0 && len(w.Principal) == 0:
		return Statement{}, errors.New("needs Resource")
	}
	for _, r := range w.Resource {
		if strings.Contains(r, "${") {
			return Statement{}, fmt.Errorf("%s: policy variables are not emulated", r)
		}
	}
	return Statement{Sid: w.Sid, Allow: w.Effect == "Allow", Actions: w.Action, Resources: w.Resource,
		Principals: w.Principal, Conditions: w.Condition}, nil
}

// list is a JSON value or a list of them.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' || string(b) == "null" {
		return json.Unmarshal(b, (*[]T)(l))
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*l = list[T]{one}
	return nil
}

// principals are "*", or types with names: {"Service": "sns.amazonaws.com"}.
type principals []string

func (p *principals) UnmarshalJSON(b []byte) error {
	var all string
	if json.Unmarshal(b, &all) == nil && all == "*" {
		*p = principals{"*"}
		return nil
	}
	var byType map[string]list[string]
	if err := json.Unmarshal(b, &byType); err != nil {
		return fmt.Errorf("element Principal: %w", err)
	}
	for kind, names := range byType {
		for _, name := range names {
			*p = append(*p, kind+":"+name)
		}
	}
	return nil
}

// Glob matches * (any run, slashes and colons included) and ? (any one byte).
func Glob(pattern, s string) bool {
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
