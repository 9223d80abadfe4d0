package ddb_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// outcome is what a condition does: hold, fail, or be refused with a message that has these words.
type outcome string

const (
	holds outcome = "holds"
	fails outcome = "fails"
)

type conditionCase struct {
	expr   string
	values m
	want   outcome
	// aws: where dynoxide differs; sources are dynalite and the tests of scylladb/alternator, both run against AWS.
	aws bool
}

var conditionCases = []conditionCase{
	{"n = :v", m{":v": num("5.0")}, holds, false},
	{":v = n", m{":v": 5}, holds, false},
	{"n <> :v", m{":v": 6}, holds, false},
	{"n < :v", m{":v": 10}, holds, false},
	{"n <= :v", m{":v": 5}, holds, false},
	{"n > :v", m{":v": 5}, fails, false},
	{"n >= :v", m{":v": num("-10")}, holds, false},
	{"s < :v", m{":v": "hellp"}, holds, false},
	{"s > :v", m{":v": "Z"}, holds, false},
	{"b > :v", m{":v": []byte{0}}, holds, false},
	{"n = :v", m{":v": "5"}, fails, false},
	{"n < :v", m{":v": "9"}, fails, false},
	{"n <> :v", m{":v": "5"}, holds, false},
	{"absent = :v", m{":v": 1}, fails, false},
	{"absent <> :v", m{":v": 1}, holds, false},
	{"absent <> nothing", nil, holds, false},
	{"absent < :v", m{":v": 1}, fails, false},
	{"l = :v", m{":v": l{num("1.0"), "x", nil}}, holds, false},
	{"doc = :v", m{":v": m{"a": m{"b": l{7, 8}}, "z": true}}, holds, false},
	{"strs = :v", m{":v": ss{"y", "x"}}, holds, false},
	{"nums = :v", m{":v": ns{"2", "1.0"}}, holds, false},
	{"nul = :v", m{":v": nil}, holds, false},
	{"yes = :v", m{":v": true}, holds, false},
	{"doc.a.b[1] = :v", m{":v": 8}, holds, false},
	{"doc.a.b[1] > doc.a.b[0]", nil, holds, false},
	{"doc.a.b[9] = :v", m{":v": 8}, fails, false},
	{"doc.a[0] = :v", m{":v": 8}, fails, false},
	{"s.x.y <> :v", m{":v": 8}, holds, false},

	{"n BETWEEN :a AND :b", m{":a": 5, ":b": 5}, holds, false},
	{"n between :a and :b", m{":a": 1, ":b": 10}, holds, false},
	{"n BETWEEN :a AND :b", m{":a": 6, ":b": 10}, fails, false},
	{":a BETWEEN nine AND n", m{":a": 7}, fails, false},
	{":a BETWEEN n AND nine", m{":a": 7}, holds, false},
	{"n BETWEEN :a AND nine AND s = :s", m{":a": 1, ":s": "hello"}, holds, false},
	{"n BETWEEN :a AND :b", m{":a": 2, ":b": 1}, "upper bound to be greater than or equal to lower bound", false},
	{"n BETWEEN :a AND :b", m{":a": 2, ":b": "1"}, "same data type", false},
	{"n IN (:a, :b)", m{":a": "5", ":b": 5}, holds, false},
	{"n IN (:a)", m{":a": 6}, fails, false},
	{"n IN (nine, n)", nil, holds, false},
	{"absent IN (:a)", m{":a": 6}, fails, false},
	{"l IN (:a)", m{":a": l{1, "x", nil}}, holds, false},

	{"attribute_exists(n)", nil, holds, false},
	{"attribute_exists(nul)", nil, holds, false},
	{"attribute_exists(doc.a.b[1])", nil, holds, false},
	{"attribute_exists(doc.a.b[2])", nil, fails, false},
	{"attribute_not_exists(doc.q)", nil, holds, false},
	{"attribute_not_exists(pk)", nil, fails, false},
	{"attribute_type(n, :t)", m{":t": "N"}, holds, false},
	{"attribute_type(n, :t)", m{":t": "S"}, fails, false},
	{"attribute_type(absent, :t)", m{":t": "S"}, fails, false},
	{"attribute_type(nul, :t)", m{":t": "NULL"}, holds, false},
	{"attribute_type(doc, :t) AND attribute_type(strs, :u)", m{":t": "M", ":u": "SS"}, holds, false},
	{"attribute_type(n, :t)", m{":t": "DOG"}, "Invalid attribute type name found; type: DOG", true},
	{"attribute_type(n, :t)", m{":t": 1}, "operator or function: attribute_type, operand type: N", true},
	{"begins_with(s, :v)", m{":v": "hel"}, holds, false},
	{"begins_with(s, :v)", m{":v": "el"}, fails, false},
	{"begins_with(b, :v)", m{":v": []byte{1}}, holds, false},
	{"begins_with(n, :v)", m{":v": "5"}, fails, false},
	{"begins_with(s, :v)", m{":v": 1}, "operator or function: begins_with, operand type: N", false},
	{"begins_with(:v, s)", m{":v": "hello you"}, holds, false},
	{"contains(s, :v)", m{":v": "ell"}, holds, false},
	{"contains(b, :v)", m{":v": []byte{2}}, holds, false},
	{"contains(strs, :v)", m{":v": "x"}, holds, false},
	{"contains(strs, :v)", m{":v": 1}, fails, false},
	{"contains(nums, :v)", m{":v": num("1.00")}, holds, false},
	{"contains(l, :v)", m{":v": nil}, holds, false},
	{"contains(l, :v)", m{":v": 9}, fails, false},
	{"contains(n, :v)", m{":v": 5}, fails, false},
	{"contains(absent, :v)", m{":v": 5}, fails, false},
	{"contains(n, n)", nil, "first operand must be distinct", false},
	{"size(s) = :v", m{":v": 5}, holds, false},
	{"size(astral) = :v", m{":v": 4}, holds, false}, // UTF-16 units: 日本 and one beyond the basic plane
	{"size(b) = :v AND size(strs) = :w AND size(l) = :x AND size(doc) = :w", m{":v": 2, ":w": 2, ":x": 3}, holds, false},
	{"size(n) = :v", m{":v": 1}, fails, false},
	{"size(absent) <> :v", m{":v": 1}, holds, false},
	{"size(s) BETWEEN :v AND n", m{":v": 1}, holds, false},

	{"n = :v AND s = :s", m{":v": 5, ":s": "hello"}, holds, false},
	{"n = :v and s = :s", m{":v": 5, ":s": "x"}, fails, false},
	{"n = :w OR n = :v AND s = :w", m{":v": 5, ":w": 6}, fails, false},
	{"n = :v OR n = :w AND s = :w", m{":v": 5, ":w": 6}, holds, false},
	{"(n = :v OR n = :w) AND s = :w", m{":v": 5, ":w": 6}, fails, false},
	{"NOT n = :v", m{":v": 6}, holds, false},
	{"NOT n = :v AND n = :v", m{":v": 6}, fails, false},
	{"NOT (n = :w AND n = :v)", m{":v": 5, ":w": 6}, holds, false},
	{"nOt NOT attribute_exists(n)", nil, holds, false},
	{"(n = :v)", m{":v": 5}, holds, false},
	{"((n = :v) AND (s <> :v))", m{":v": 5}, holds, false},
	{"n=:v and(n=:v)and not(n<>:v)", m{":v": 5}, holds, false},
	{"((n = :v))", m{":v": 5}, "redundant parentheses", true},
	{"(n) = (:v)", m{":v": 5}, holds, true},

	{" ", nil, syntaxError, false},
	{"n", nil, syntaxError, false},
	{"n =", nil, syntaxError, false},
	{"n = = :v", m{":v": 5}, syntaxError, false},
	{"n == :v", m{":v": 5}, syntaxError, false},
	{"n != :v", m{":v": 5}, syntaxError, false},
	{"n = 5", nil, syntaxError, false},
	{`n = "5"`, nil, syntaxError, false},
	{"n = :v AND", m{":v": 5}, syntaxError, false},
	{"AND n = :v", m{":v": 5}, syntaxError, false},
	{"(n = :v", m{":v": 5}, syntaxError, false},
	{"n = :v)", m{":v": 5}, syntaxError, false},
	{"n IN ()", nil, syntaxError, false},
	{"n + :v = :v", m{":v": 5}, syntaxError, false},
	{"_n = :v", m{":v": 5}, syntaxError, true},
	{"n = :other", m{":v": 5}, "not defined; attribute value: :other", false},
	{"n = #other", nil, "not defined; attribute name: #other", false},
	{"status = :v", m{":v": 5}, "reserved keyword: status", true},
	{"doc.Name = :v", m{":v": 5}, "reserved keyword: Name", true},
	{"n = :v", m{":v": 5, ":w": 6, ":x": 7}, "unused in expressions: keys: {:w, :x}", false},
	{"dog(n)", nil, "Invalid function name; function: dog", false},
	{"ATTRIBUTE_EXISTS(n)", nil, "Invalid function name", true},
	{"size(s)", nil, "not allowed to be used this way in an expression; function: size", true},
	{"attribute_exists(n) = :v", m{":v": 5}, "not allowed to be used this way in an expression; function: attribute_exists", true},
	{"if_not_exists(n, n) = :v", m{":v": 5}, "not allowed", true},
	{"attribute_exists(:v)", m{":v": 5}, "requires a document path", true},
	{"attribute_exists(n, s)", nil, "number of operands: 2", true},
	{"begins_with(s)", nil, "number of operands: 1", true},
	{"n < :v", m{":v": l{}}, "operand type: L", true},
	{"n = n", nil, "first operand must be distinct", true},
	{"attribute_type(n, s)", nil, "operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}", true},
	{"size(size(s)) = :v", m{":v": 1}, "operator or function: size, operand type: N", true},
	{"size(:v) = :v", m{":v": 1}, "operator or function: size, operand type: N", true},
	{"begins_with(s, size(s))", nil, "operator or function: begins_with, operand type: N", true},
	{"contains(s, attribute_exists(n))", nil, "not allowed to be used this way in an expression; function: attribute_exists", true},
	{"n BETWEEN :v OR :v", m{":v": 1}, syntaxError, false},
	{"(n = :v) = :v", m{":v": 1}, syntaxError, true},
	{"l[99999999999] = :v", m{":v": 1}, "List index is not within the allowable range", true},
	{"n IN (:v" + strings.Repeat(", :v", 99) + ")", m{":v": 1}, "too many operands; operator: IN, number of operands: 101", true},
	{"n IN (:v" + strings.Repeat(", :v", 98) + ")", m{":v": 5}, holds, false},
	{"a" + strings.Repeat(".a", 32) + " = :v", m{":v": 5}, "too many nesting elements", true},
	{"n = :v" + strings.Repeat(" OR n = :v", 149), m{":v": 5}, holds, false},
	{"n = :v" + strings.Repeat(" OR n = :v", 150), m{":v": 5}, "too many operators; operator count: 301", true},
	{"n = :v" + strings.Repeat(" ", 4096), m{":v": 5}, "expression size: 4102", true},
}

func TestContractConditions(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{})
		d.put(t, table, with(key, m{
			"n": 5, "nine": 9, "s": "hello", "b": []byte{1, 2}, "l": l{1, "x", nil}, "doc": m{"a": m{"b": l{7, 8}}, "z": true},
			"strs": ss{"x", "y"}, "nums": ns{"1", "2"}, "nul": nil, "yes": true, "astral": "日本😀",
		}))
		for _, c := range conditionCases {
			if c.aws && !d.ours {
				continue
			}
			_, err := d.update(t, table, update{key: key, expr: "SET touched = n", cond: c.expr, values: c.values})
			d.check(t, c, err)
		}
	})
}

// check compares the error of an update under a condition with what the condition should have done.
func (d *db) check(t *testing.T, c conditionCase, err error) {
	t.Helper()
	var unmet *types.ConditionalCheckFailedException
	switch c.want {
	case holds:
		if err != nil {
			t.Errorf("%q should hold: %v", c.expr, err)
		}
	case fails:
		if !errors.As(err, &unmet) {
			t.Errorf("%q should fail: %v", c.expr, err)
		}
	default:
		d.refused(t, c.expr, err, invalid, string(c.want))
	}
}
