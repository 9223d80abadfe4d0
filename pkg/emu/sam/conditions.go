package sam

// condition decides the condition that n names.
func (s *stack) condition(n *node) (bool, error) {
	if n.kind != text {
		return false, n.errorf("must be the name of a condition, not %s", n.what())
	}
	return s.decide(n, n.text)
}

// decide evaluates a condition once. at is where it is used.
func (s *stack) decide(at *node, name string) (bool, error) {
	if known, ok := s.decided[name]; ok {
		if known == nil {
			return false, at.errorf("condition %s depends on itself: break the circle", name)
		}
		return *known, nil
	}
	n := s.conditions.get(name)
	if n == nil {
		return false, at.errorf("no condition %s: add it to Conditions", name)
	}
	s.decided[name] = nil
	v, err := s.test(n)
	if err != nil {
		return false, within("condition "+name, err)
	}
	s.decided[name] = &v
	return v, nil
}

// test evaluates a condition function.
func (s *stack) test(n *node) (bool, error) {
	const form = "must be Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition"
	if n.kind != mapping || len(n.keys) != 1 {
		return false, n.errorf(form)
	}
	name := n.keys[0]
	arg := n.fields[name]
	switch name {
	case "Condition":
		return s.condition(arg)
	case "Fn::Equals":
		return s.equals(n, arg)
	case "Fn::Not":
		a, err := args(n, arg, 1, "[condition]")
		if err != nil {
			return false, within(name, err)
		}
		v, err := s.test(a[0])
		return !v, err
	case "Fn::And", "Fn::Or":
		if arg.kind != list || len(arg.items) < 2 || len(arg.items) > 10 {
			return false, n.errorf("%s: must be a list of 2 to 10 conditions", name)
		}
		for _, item := range arg.items {
			if v, err := s.test(item); err != nil || v == (name == "Fn::Or") {
				return v, err
			}
		}
		return name == "Fn::And", nil
	case "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn":
		if s.ruling {
			return s.listFunction(name, n, arg)
		}
	}
	return false, n.errorf(form)
}

func (s *stack) equals(n, arg *node) (bool, error) {
	a, err := args(n, arg, 2, "[value, value]")
	if err != nil {
		return false, within("Fn::Equals", err)
	}
	left, err := s.evalText(a[0])
	if err != nil {
		return false, err
	}
	right, err := s.evalText(a[1])
	return left == right, err
}
