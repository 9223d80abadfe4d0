package sam

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Resource is one resource that exists in the stack.
type Resource struct {
	// ID is the logical id, Ref what Ref gives, ARN what GetAtt Arn gives if this
	// package knows the type.
	ID, Ref, ARN string
	// Properties are the evaluated properties as JSON. All scalars are strings.
	Properties []byte
}

// Resources returns the resources of a type, like AWS::Lambda::Permission, in the
// template's order. It is for what this package has no data of its own for, and not
// safe for concurrent use.
func (t *Template) Resources(kind string) ([]Resource, error) {
	var list []Resource
	for _, r := range t.stack.order {
		if r.kind != kind {
			continue
		}
		out, err := t.stack.evaluated(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.id, err)
		}
		list = append(list, out)
	}
	return list, nil
}

func (s *stack) evaluated(r *resource) (Resource, error) {
	v, err := s.eval(r.properties)
	if err != nil {
		return Resource{}, err
	}
	out, p := Resource{ID: r.id}, s.props(r.properties)
	everything := plain(p, "", v)
	if err = p.err; err == nil {
		out.Properties, err = json.Marshal(everything)
	}
	if err == nil {
		out.Ref, err = s.physical(r)
	}
	if err == nil && kinds[r.kind].attrs["Arn"] != "" {
		out.ARN, err = s.getAtt(r.node, r.id, "Arn")
	}
	return out, err
}

// Role is what a function may do.
type Role struct {
	// ID is the role's logical id, "" if the template has none: SAM makes one then.
	ID, Name string
	// Policies are its policy documents as JSON, by the id of the resource that has
	// them and the policy's name.
	Policies map[string][]byte
	// Unknown says why the policies are not all that the role may do; "" if they
	// are.
	Unknown string
}

// Role finds the role of a function and its policies: those of AWS::IAM::Role, and
// of AWS::IAM::Policy, RolePolicy and ManagedPolicy that name it.
func (t *Template) Role(f Function) (Role, error) {
	arn, err := t.stack.evalProperty(f.LogicalID, "Role")
	if err != nil || arn == "" {
		return Role{Unknown: "its role is made by SAM"}, err
	}
	// Other roles are not looked at: they may be for services that are not here.
	at := slices.IndexFunc(t.stack.order, func(r *resource) bool {
		if r.kind != "AWS::IAM::Role" {
			return false
		}
		its, err := t.stack.getAtt(r.node, r.id, "Arn")
		return err == nil && its == arn
	})
	if at < 0 {
		return Role{Unknown: "its role is not in this template"}, nil
	}
	r, err := t.stack.evaluated(t.stack.order[at])
	if err != nil {
		return Role{}, fmt.Errorf("%s: %w", t.stack.order[at].id, err)
	}
	role := Role{ID: r.ID, Name: r.Ref, Policies: map[string][]byte{}}
	var p attached
	if err := json.Unmarshal(r.Properties, &p); err != nil {
		return Role{}, fmt.Errorf("%s: %w", role.ID, err)
	}
	if err := t.manage(&role, p.ManagedPolicyArns); err != nil {
		return Role{}, err
	}
	for _, inline := range p.Policies {
		role.Policies[role.ID+"/"+inline.PolicyName] = inline.PolicyDocument
	}
	return role, t.attach(&role)
}

// harmless are policies of AWS's own that grant nothing that is emulated: logs,
// traces, network interfaces (AWS managed policy reference).
var harmless = []string{"AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSXRayDaemonWriteAccess"}

// manage adds the managed policies that a role names: the template's own; of AWS's
// those that matter here are not known.
func (t *Template) manage(role *Role, arns []string) error {
	own, err := t.Resources("AWS::IAM::ManagedPolicy")
	if err != nil {
		return err
	}
	for _, arn := range arns {
		if i := slices.IndexFunc(own, func(r Resource) bool { return r.Ref == arn }); i >= 0 {
			var p inline
			if err := json.Unmarshal(own[i].Properties, &p); err != nil {
				return fmt.Errorf("%s: %w", own[i].ID, err)
			}
			role.Policies[own[i].ID] = p.PolicyDocument
			continue
		}
		name := path.Base(arn)
		if strings.Contains(arn, ":iam::aws:policy/") && slices.Contains(harmless, name) {
			continue
		}
		if role.Unknown == "" {
			role.Unknown = "managed policy " + name
		} else {
			role.Unknown += ", " + name
		}
	}
	return nil
}

// attached is what a role and the resources that attach policies have in common.
type attached struct {
	RoleName          string
	Roles             []string
	ManagedPolicyArns []string
	Policies          []inline
	inline
}

type inline struct {
	PolicyName     string
	PolicyDocument json.RawMessage
}

// attach adds the policies that resources of their own give the role.
func (t *Template) attach(role *Role) error {
	for _, kind := range []string{"AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy"} {
		others, err := t.Resources(kind)
		if err != nil {
			return err
		}
		for _, r := range others {
			var p attached
			if err := json.Unmarshal(r.Properties, &p); err != nil {
				return fmt.Errorf("%s: %w", r.ID, err)
			}
			if p.RoleName == role.Name || slices.Contains(p.Roles, role.Name) {
				role.Policies[r.ID] = p.PolicyDocument
			}
		}
	}
	return nil
}

// evalProperty is a string property of a resource, "" if absent.
func (s *stack) evalProperty(id, key string) (string, error) {
	p := s.props(s.resources[id].properties)
	v := p.text(key)
	return v, within(id, p.err)
}

// Conditions returns every condition of the template, decided.
func (t *Template) Conditions() map[string]bool {
	decided := map[string]bool{}
	for name, v := range t.stack.decided {
		decided[name] = *v
	}
	return decided
}
