package sam

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// stack is a template with its parameters: what intrinsic functions see.
type stack struct {
	Options
	file       string // the template, as it was given
	dir        string // of the template
	root       *node
	parameters map[string]*node  // text or list
	later      map[string]string // parameters that are names in SSM and have no value here
	mappings   *node
	conditions *node
	decided    map[string]*bool // conditions; a nil value: being decided
	resources  map[string]*resource
	order      []*resource // as in the template, those whose condition is false left out
	absent     map[string]bool
	naming     map[string]bool   // resources whose name is being resolved
	names      map[string]string // and those that have one
	firstAPI   string            // logical id
	ruling     bool              // rules are being checked, which have functions of their own
	notes      []fault           // for Ignored
	missing    map[string]string // for Missing
	unknown    map[string]bool   // imports without a value
	answered   map[string]bool   // routes that have a RouteResponse, by Ref
}

// resource is one entry of Resources.
type resource struct {
	id, kind   string
	node       *node
	properties *node // Globals merged in
}

var (
	sections = []string{"AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Hooks", "Mappings", "Metadata",
		"Outputs", "Parameters", "Resources", "Rules", "Transform"}
	attributes = []string{"Condition", "Connectors", "CreationPolicy", "DeletionPolicy", "DependsOn", "IgnoreGlobals", "Metadata",
		"Properties", "Type", "UpdatePolicy", "UpdateReplacePolicy"}
	logicalID = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)
)

const (
	samTransform      = "AWS::Serverless-2016-10-31"
	languageTransform = "AWS::LanguageExtensions"
)

func newStack(root *node, o Options) (*stack, error) {
	if root.kind != mapping {
		return nil, root.errorf("a template is a mapping with Resources, not %s", root.what())
	}
	for _, k := range root.keys {
		if !slices.Contains(sections, k) {
			return nil, root.fields[k].errorf("%s: no such section: it is one of %s", k, strings.Join(sections, ", "))
		}
	}
	s := &stack{
		Options: o, root: root, decided: make(map[string]*bool), resources: make(map[string]*resource),
		absent: make(map[string]bool), naming: make(map[string]bool), names: make(map[string]string),
		unknown: make(map[string]bool), answered: make(map[string]bool), later: make(map[string]string), missing: make(map[string]string),
	}
	var err error
	if s.mappings, err = root.section("Mappings"); err != nil {
		return nil, err
	}
	if s.conditions, err = root.section("Conditions"); err != nil {
		return nil, err
	}
	if err = s.readParameters(); err != nil {
		return nil, err
	}
	for _, name := range s.conditions.keys { // all of them, before there are resources they could name
		if _, err := s.decide(s.conditions, name); err != nil {
			return nil, err
		}
	}
	if err := s.checkRules(); err != nil {
		return nil, err
	}
	if err := s.readResources(); err != nil {
		return nil, err
	}
	return s, s.checkCircles()
}

func (s *stack) readResources() error {
	serverless, err := s.transform()
	if err != nil {
		return err
	}
	globals, err := s.globals()
	if err != nil {
		return err
	}
	all := s.root.get("Resources")
	if all == nil || all.kind != mapping || len(all.keys) == 0 {
		return s.root.errorf("no Resources: there is nothing to run")
	}
	for _, id := range all.keys {
		r, err := s.readResource(id, all.fields[id], globals)
		if err != nil {
			return within(id, err)
		}
		if strings.HasPrefix(r.kind, "AWS::Serverless::") && !serverless {
			return within(id, r.node.errorf("%s: needs Transform: %s at the top", r.kind, samTransform))
		}
		exists := true
		if c := r.node.get("Condition"); c != nil {
			if exists, err = s.condition(c); err != nil {
				return within(id, err)
			}
		}
		if !exists {
			s.absent[id] = true
			continue
		}
		s.resources[id] = r
		s.order = append(s.order, r)
	}
	for _, id := range all.keys {
		if err := s.checkDependsOn(all, all.fields[id].get("DependsOn")); err != nil {
			return within(id, within("DependsOn", err))
		}
	}
	for _, r := range s.order {
		if err := s.checkProperties(r.kind, r.properties); err != nil {
			return within(r.id, err)
		}
	}
	return nil
}

func (s *stack) readResource(id string, n *node, globals *node) (*resource, error) {
	if !logicalID.MatchString(id) {
		return nil, n.errorf("a logical id has only letters and digits: rename it")
	}
	if n.kind != mapping {
		return nil, n.errorf("must be a mapping with Type, not %s", n.what())
	}
	for _, k := range n.keys {
		if !slices.Contains(attributes, k) {
			return nil, n.fields[k].errorf("%s: no such attribute: a resource has %s", k, strings.Join(attributes, ", "))
		}
	}
	t := n.get("Type")
	if t == nil || t.kind != text || t.text == "" {
		return nil, n.errorf("no Type: say what it is, like AWS::Serverless::Function")
	}
	properties, err := n.section("Properties")
	if err != nil {
		return nil, err
	}
	r := &resource{id: id, kind: t.text, node: n, properties: properties}
	if short, ok := strings.CutPrefix(t.text, "AWS::Serverless::"); ok {
		if err := checkIgnored(globals.get(short), n.get("IgnoreGlobals")); err != nil {
			return nil, within("IgnoreGlobals", err)
		}
		r.properties = merge(withoutIgnored(globals.get(short), n.get("IgnoreGlobals")), properties)
	}
	return r, nil
}

// withoutIgnored leaves out the globals that a resource's IgnoreGlobals names.
func withoutIgnored(globals, ignore *node) *node {
	if globals == nil || ignore == nil {
		return globals
	}
	if ignore.kind == text && ignore.text == "*" {
		return nil
	}
	kept := newMapping(globals.line)
	for _, k := range globals.keys {
		if !slices.ContainsFunc(ignore.items, func(i *node) bool { return i.text == k }) {
			kept.take(globals, k, globals.fields[k])
		}
	}
	return kept
}

// merge puts a resource's own property over the global one: mappings key by key,
// lists one behind the other, anything else, intrinsics included, replaced (SAM
// specification, "Globals section").
func merge(global, own *node) *node {
	switch {
	case global == nil:
		return own
	case global.kind == list && own.kind == list:
		return &node{kind: list, line: own.line, items: append(slices.Clone(global.items), own.items...)}
	case global.kind != mapping || own.kind != mapping || intrinsic(global) != "" || intrinsic(own) != "":
		return own
	}
	both := newMapping(own.line)
	for _, k := range global.keys {
		both.take(global, k, global.fields[k])
	}
	for _, k := range own.keys {
		both.take(own, k, merge(global.fields[k], own.fields[k]))
	}
	return both
}

// transform says whether the template is a SAM template; any other macro but the
// language extensions, of which only the parts that are no functions work, is
// refused.
func (s *stack) transform() (serverless bool, err error) {
	t := s.root.get("Transform")
	if t == nil {
		return false, nil
	}
	names := []*node{t}
	if t.kind == list {
		names = t.items
	}
	for _, n := range names {
		switch n.text {
		case samTransform:
			serverless = true
		case languageTransform:
		default:
			return false, n.errorf("Transform: macro %s cannot run here: expand it first", n.what())
		}
	}
	return serverless, nil
}

// note adds a line to what cannot run.
func (s *stack) note(n *node, format string, args ...any) {
	s.notes = append(s.notes, fault{n.line, fmt.Sprintf(format, args...)})
}

// miss is note for what would be a function with this name, which it returns.
func (s *stack) miss(name string, n *node, format string, args ...any) string {
	s.note(n, format, args...)
	s.missing[name] = fmt.Sprintf(format, args...)
	return name
}
