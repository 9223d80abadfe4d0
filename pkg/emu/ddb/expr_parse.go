package ddb

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits of an expression (DynamoDB developer guide, "Quotas": expression parameters).
const (
	maxExpression = 4096
	maxOperators  = 300
	maxOperands   = 100
	maxPathDepth  = 32
	maxListIndex  = 1<<31 - 1
)

// flaw is a class of mistake in an expression that does parse. If there are several, AWS reports the one of the first class here.
type flaw int

const (
	flawParens flaw = iota
	flawFunction
	flawMisuse
	flawReserved
	flawSection
	flawReference
	flawPath
	flawOverlap
	flawConflict
	flawOperands
	flawDistinct
	flawType
	flawCount
	flaws
)

// node is a node of a parsed expression: an operand, an operation, or a condition.
type node struct {
	// op is "path", "value", the name of a function, an operator (= <> < <= > >= BETWEEN IN + -) or AND, OR, NOT.
	op       string
	function bool
	path     path
	value    value // nil if the reference was not defined, which is a flaw
	args     []*node
	parens   bool
}

func (n *node) isOperand() bool { return n.op == "path" || n.op == "value" }

// kind is the type of a value that is known without an item; empty otherwise.
func (n *node) kind() kind {
	if n.value == nil {
		return ""
	}
	return n.value.kind()
}

// parser reads one expression. After a syntax error it stands at the end, so that whoever parses on comes to an end too.
type parser struct {
	member    string // UpdateExpression, ConditionExpression, …
	source    string
	tokens    []token
	at        int
	scope     *scope
	syntax    error
	flaws     [flaws]string
	operators int
	paths     []path
}

// parse reads the expression of a request's member with the production for it, and tells which paths it reads.
// An absent expression is nil.
func parse[T any](source *string, member string, s *scope, production func(*parser) *T) (*T, []path, error) {
	if source == nil {
		return nil, nil, nil
	}
	if *source == "" {
		return nil, nil, invalid("Invalid %s: The expression can not be empty;", member)
	}
	if n := len(*source); n > maxExpression {
		return nil, nil, invalid("Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %d", member, n)
	}
	p := &parser{member: member, source: *source, tokens: lex(*source), scope: s}
	out := production(p)
	if p.token().kind != tokenEnd {
		p.fail()
	}
	return out, p.paths, p.err()
}

func (p *parser) err() error {
	if p.syntax != nil {
		return p.syntax
	}
	for _, f := range p.flaws {
		if f != "" {
			return detected("Invalid %s: %s", p.member, f)
		}
	}
	return nil
}

// flawed notes a mistake, the first of its class.
func (p *parser) flawed(class flaw, format string, args ...any) {
	if p.flaws[class] == "" {
		p.flaws[class] = fmt.Sprintf(format, args...)
	}
}

func (p *parser) token() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// fail is a syntax error at the current token.
func (p *parser) fail() {
	if p.syntax == nil {
		t := p.token()
		from, to := p.tokens[max(p.at-1, 0)].start, p.tokens[min(p.at+1, len(p.tokens)-1)].end
		p.syntax = detected(`Invalid %s: Syntax error; token: "%s", near: "%s"`, p.member, t.text, p.source[from:to])
	}
	p.at = len(p.tokens) - 1
}

func (p *parser) isSymbol(s string) bool {
	t := p.token()
	return t.kind == tokenSymbol && t.text == s
}

// symbol consumes s if it is next.
func (p *parser) symbol(s string) bool {
	is := p.isSymbol(s)
	if is {
		p.next()
	}
	return is
}

func (p *parser) want(symbol string) {
	if !p.symbol(symbol) {
		p.fail()
	}
}

// isKeyword tells whether one of these words is next, in any case.
func (p *parser) isKeyword(words ...string) bool {
	t := p.token()
	for _, w := range words {
		if t.kind == tokenName && strings.EqualFold(t.text, w) {
			return true
		}
	}
	return false
}

// operand reads a path, a reference to a value, or a function call.
func (p *parser) operand() *node {
	switch p.token().kind {
	case tokenValueRef:
		return p.valueRef()
	case tokenName:
		if following := p.tokens[p.at+1]; following.kind == tokenSymbol && following.text == "(" {
			return p.call()
		}
		return p.pathOperand()
	case tokenNameRef:
		return p.pathOperand()
	}
	p.fail()
	return &node{op: "value"}
}

func (p *parser) valueRef() *node {
	ref := p.next().text
	v, defined := p.scope.values[ref]
	if !defined {
		p.flawed(flawReference, "An expression attribute value used in expression is not defined; attribute value: %s", ref)
	}
	delete(p.scope.unusedValues, ref)
	return &node{op: "value", value: v}
}

// call reads a function and its arguments, whatever they are; conditions and updates check them in their own ways.
func (p *parser) call() *node {
	n := &node{op: p.next().text, function: true}
	p.want("(")
	for {
		n.args = append(n.args, p.operand())
		if !p.symbol(",") {
			break
		}
	}
	p.want(")")
	return n
}

func (p *parser) pathOperand() *node {
	n := &node{op: "path", path: p.documentPath()}
	p.paths = append(p.paths, n.path)
	return n
}

func (p *parser) documentPath() path {
	steps := path{p.name()}
	for {
		switch {
		case p.symbol("."):
			steps = append(steps, p.name())
		case p.symbol("["):
			steps = append(steps, p.index())
			p.want("]")
		default:
			if len(steps) > maxPathDepth {
				p.flawed(flawPath, "The document path has too many nesting elements; nesting elements: %d", len(steps))
			}
			return steps
		}
	}
}

func (p *parser) name() step {
	switch t := p.token(); t.kind {
	case tokenName:
		p.next()
		if isReserved(t.text) {
			p.flawed(flawReserved, "Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return step{name: t.text, index: -1}
	case tokenNameRef:
		p.next()
		name, defined := p.scope.names[t.text]
		if !defined {
			p.flawed(flawReference, "An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		delete(p.scope.unusedNames, t.text)
		return step{name: name, index: -1}
	}
	p.fail()
	return step{index: -1}
}

func (p *parser) index() step {
	if p.token().kind != tokenInteger {
		p.fail()
		return step{}
	}
	digits := p.next().text
	i, err := strconv.Atoi(digits)
	if err != nil || i > maxListIndex {
		p.flawed(flawPath, "List index is not within the allowable range; index: [%s]", digits)
	}
	return step{index: i}
}

// distinctPath refuses a path that overlaps or conflicts with one of those before.
func (p *parser) distinctPath(before []path, q path) {
	for _, b := range before {
		const format = "Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s"
		switch overlap, conflict := b.clash(q); {
		case overlap:
			p.flawed(flawOverlap, format, "overlap", b, q)
		case conflict:
			p.flawed(flawConflict, format, "conflict", b, q)
		}
	}
}
