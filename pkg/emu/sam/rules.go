package sam

import "slices"

// checkRules refuses parameters as CloudFormation does before it makes anything
// (CloudFormation user guide, "Rules"). A rule that looks into the account is noted,
// not checked.
func (s *stack) checkRules() error {
	rules, err := s.root.section("Rules")
	if err != nil {
		return err
	}
	s.ruling = true
	defer func() { s.ruling = false }()
	for _, name := range rules.keys {
		if err := s.checkRule(name, rules.fields[name]); err != nil {
			return within("rule "+name, err)
		}
	}
	return nil
}

func (s *stack) checkRule(name string, rule *node) error {
	if foreign := s.inAccount(rule); foreign != "" {
		s.note(rule, "rule %s is not checked: there is no %s here", name, foreign)
		return nil
	}
	if c := rule.get("RuleCondition"); c != nil {
		if applies, err := s.test(c); err != nil || !applies {
			return err
		}
	}
	assertions := rule.get("Assertions")
	if assertions == nil || assertions.kind != list {
		return rule.errorf("needs Assertions, a list")
	}
	for _, a := range assertions.items {
		assert := a.get("Assert")
		if assert == nil {
			return a.errorf("needs Assert")
		}
		holds, err := s.test(assert)
		switch {
		case err != nil:
			return err
		case holds:
		case a.get("AssertDescription") != nil:
			return a.errorf("%s", a.get("AssertDescription").text)
		default:
			return a.errorf("does not hold")
		}
	}
	return nil
}

// inAccount finds what only an account has: the functions that ask for it, and
// parameters whose values are in SSM.
func (s *stack) inAccount(n *node) string {
	for _, k := range n.keys {
		switch k {
		case "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll":
			return k
		case "Ref":
			if name, ok := s.later[n.fields[k].text]; ok {
				return name + " of SSM"
			}
		}
		if found := s.inAccount(n.fields[k]); found != "" {
			return found
		}
	}
	for _, item := range n.items {
		if found := s.inAccount(item); found != "" {
			return found
		}
	}
	return ""
}

// listFunction evaluates one of the three functions that only rules have.
func (s *stack) listFunction(name string, n, arg *node) (bool, error) {
	a, err := args(n, arg, 2, "[list, value]")
	if err != nil {
		return false, within(name, err)
	}
	listed, err := s.texts(n, a[0])
	if err != nil {
		return false, within(name, err)
	}
	if name == "Fn::EachMemberIn" {
		among, err := s.texts(n, a[1])
		return !slices.ContainsFunc(listed, func(m string) bool { return !slices.Contains(among, m) }), err
	}
	value, err := s.evalText(a[1])
	if name == "Fn::Contains" {
		return slices.Contains(listed, value), err
	}
	return !slices.ContainsFunc(listed, func(m string) bool { return m != value }), err
}

// texts evaluates a list of strings.
func (s *stack) texts(n, arg *node) ([]string, error) {
	items, err := s.evalList(n, arg)
	var out []string
	for _, item := range items {
		out = append(out, item.text)
	}
	return out, err
}
