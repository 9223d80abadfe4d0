package ddb

import (
	"slices"
)

// Conditions, from loosest to tightest: OR, AND, NOT, comparison, operand. Parentheses may hold a condition or an operand;
// which of them it was shows only when they close.

func (p *parser) wholeCondition() *node {
	n := p.conditional(p.or())
	if p.operators > maxOperators {
		p.flawed(flawCount, "The expression contains too many operators; operator count: %d", p.operators)
	}
	return n
}

func (p *parser) or() *node {
	left := p.and()
	for p.isKeyword("OR") {
		left = p.logical("OR", left, p.and)
	}
	return left
}

func (p *parser) and() *node {
	left := p.not()
	for p.isKeyword("AND") {
		left = p.logical("AND", left, p.not)
	}
	return left
}

func (p *parser) logical(op string, left *node, right func() *node) *node {
	p.operators++
	p.conditional(left)
	p.next()
	return &node{op: op, args: []*node{left, p.conditional(right())}}
}

func (p *parser) not() *node {
	if !p.isKeyword("NOT") {
		return p.comparison()
	}
	p.operators++
	p.next()
	return &node{op: "NOT", args: []*node{p.conditional(p.not())}}
}

func (p *parser) comparison() *node {
	left := p.primary()
	t := p.token()
	switch {
	case t.kind == tokenSymbol && slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, t.text):
		p.compared(left)
		p.next()
		return p.binary(t.text, left, p.compared(p.primary()))
	case p.isKeyword("BETWEEN"):
		p.compared(left)
		return p.between(left)
	case p.isKeyword("IN"):
		p.compared(left)
		return p.in(left)
	}
	return left
}

// primary reads an operand, or anything in parentheses. One pair may surround anything, two are redundant.
func (p *parser) primary() *node {
	if p.isKeyword("AND", "OR", "NOT", "BETWEEN", "IN") {
		p.fail()
	}
	if !p.symbol("(") {
		n := p.operand()
		if n.function {
			p.checkCall(n)
		}
		return n
	}
	n := p.or()
	p.want(")")
	if n.parens {
		p.flawed(flawParens, "The expression has redundant parentheses;")
	}
	n.parens = true
	return n
}

// conditional makes sure that n is a condition.
func (p *parser) conditional(n *node) *node {
	switch {
	case n.isOperand():
		p.fail()
	case n.op == "size":
		p.misused(n)
	}
	return n
}

// compared makes sure that n is something to compare: an operand or a size.
func (p *parser) compared(n *node) *node {
	switch {
	case n.function && n.op != "size":
		p.misused(n)
	case !n.function && !n.isOperand():
		p.fail()
	}
	return n
}

func (p *parser) misused(n *node) {
	p.flawed(flawMisuse, "The function is not allowed to be used this way in an expression; function: %s", n.op)
}

func (p *parser) binary(op string, left, right *node) *node {
	p.operators++
	p.checkDistinct(op, left, right)
	if op != "=" && op != "<>" {
		p.checkOrdered(op, left, right)
	}
	return &node{op: op, args: []*node{left, right}}
}

func (p *parser) between(v *node) *node {
	p.operators++
	p.next()
	low := p.compared(p.primary())
	if !p.isKeyword("AND") {
		p.fail()
	}
	p.next()
	high := p.compared(p.primary())
	p.checkOrdered("BETWEEN", v, low, high)
	p.checkBounds(low, high)
	return &node{op: "BETWEEN", args: []*node{v, low, high}}
}

func (p *parser) in(v *node) *node {
	p.operators++
	p.next()
	n := &node{op: "IN", args: []*node{v}}
	p.want("(")
	for {
		n.args = append(n.args, p.compared(p.primary()))
		if !p.symbol(",") {
			break
		}
	}
	p.want(")")
	if count := len(n.args); count > maxOperands {
		p.flawed(flawOperands, "The operator has too many operands; operator: IN, number of operands: %d", count)
	}
	return n
}

// checkOrdered refuses constants that have no order.
func (p *parser) checkOrdered(op string, operands ...*node) {
	for _, n := range operands {
		switch n.kind() {
		case "", kindS, kindN, kindB:
		default:
			p.wrongOperand(op, n.kind())
		}
	}
}

func (p *parser) wrongOperand(op string, k kind) {
	p.flawed(flawType, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, k)
}

func (p *parser) checkDistinct(op string, left, right *node) {
	if left.op == "path" && right.op == "path" && slices.Equal(left.path, right.path) {
		p.flawed(flawDistinct, "The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s",
			op, left.path)
	}
}

func (p *parser) checkBounds(low, high *node) {
	if low.value == nil || high.value == nil {
		return
	}
	const format = "The BETWEEN operator requires %s; lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}"
	why := ""
	if low.kind() != high.kind() {
		why = "same data type for lower and upper bounds"
	} else if o, ok := compare(low.value, high.value); ok && o > 0 {
		why = "upper bound to be greater than or equal to lower bound"
	}
	if why != "" {
		p.flawed(flawType, format, why, low.kind(), scalarText(low.value), high.kind(), scalarText(high.value))
	}
}

// functionOperands is how many operands each function of a condition has.
var functionOperands = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}

func (p *parser) checkCall(n *node) {
	operands, known := functionOperands[n.op]
	switch {
	case n.op == "if_not_exists" || n.op == "list_append":
		p.flawed(flawMisuse, "The function is not allowed in a condition expression; function: %s", n.op)
		return
	case !known:
		p.flawed(flawFunction, "Invalid function name; function: %s", n.op)
		return
	case operands != len(n.args):
		p.wrongCount(n)
		return
	}
	for _, a := range n.args {
		if a.function {
			p.checkCall(a)
			p.compared(a)
		}
	}
	if operands == 2 {
		p.checkDistinct(n.op, n.args[0], n.args[1])
	}
	p.checkArguments(n)
}

func (p *parser) wrongCount(n *node) {
	p.flawed(flawOperands, "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", n.op, len(n.args))
}

func (p *parser) checkArguments(n *node) {
	switch n.op {
	case "attribute_exists", "attribute_not_exists":
		if n.args[0].op != "path" {
			p.flawed(flawType, "Operator or function requires a document path; operator or function: %s", n.op)
		}
	case "begins_with":
		for _, a := range n.args {
			if k := resultKind(a); k != "" && k != kindS && k != kindB {
				p.wrongOperand(n.op, k)
			}
		}
	case "size":
		switch k := resultKind(n.args[0]); k {
		case kindN, kindBOOL, kindNULL:
			p.wrongOperand(n.op, k)
		}
	case "attribute_type":
		p.checkTypeName(n.args[1])
	}
}

// resultKind is the type an operand is known to have: of a constant, or of a size, which is a number.
func resultKind(n *node) kind {
	if n.op == "size" {
		return kindN
	}
	return n.kind()
}

func (p *parser) checkTypeName(n *node) {
	name, isText := n.value.(str)
	switch {
	case n.op == "value" && n.value == nil: // undefined, which is a flaw already
	case n.op != "value":
		p.wrongOperand("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
	case !isText:
		p.wrongOperand("attribute_type", n.kind())
	case !slices.Contains([]kind{kindS, kindN, kindB, kindBOOL, kindNULL, kindSS, kindNS, kindBS, kindL, kindM}, kind(name)):
		p.flawed(flawType, "Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", name)
	}
}
