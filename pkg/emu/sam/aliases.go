package sam

import "strings"

// aliases reads AWS::Lambda::Alias. One of a function that is not here is noted with
// that already.
func (s *stack) aliases(t *Template) error {
	for _, r := range s.order {
		if r.kind != "AWS::Lambda::Alias" {
			continue
		}
		p := s.props(r.properties)
		function, name := p.text("FunctionName"), p.text("Name")
		if p.err != nil {
			return within(r.id, p.err)
		}
		if f := t.find(function); f != nil && name != "" {
			f.Published = append(f.Published, name)
		}
	}
	return nil
}

// version is what Ref gives for a version or alias. A version is the function
// itself, for here it has no other.
func (s *stack) version(r *resource) (string, error) {
	arn, err := s.named(r, "FunctionName", "")
	if err == nil && !strings.HasPrefix(arn, "arn:") {
		arn, err = s.fill(r, traits{name: "FunctionName"}, functionARN)
	}
	if err != nil || r.kind != "AWS::Lambda::Alias" {
		return arn, err
	}
	return s.qualified(arn, r, "Name")
}

// qualified puts the alias that a property names behind a function's ARN.
func (s *stack) qualified(arn string, r *resource, property string) (string, error) {
	alias, err := s.evalProperty(r.id, property)
	if err != nil || alias == "" {
		return arn, err
	}
	return arn + ":" + alias, nil
}
