package ddb_test

import (
	"regexp"
	"slices"
	"strings"
)

// excuses are the differences to dynoxide 1.2.1 that are known, and on which AWS is with us. Where no source is named, the contract
// suite has the case, with its source.
var excuses = []struct {
	why string
	is  func(s step, ours, theirs answer) bool
}{
	{"a mistake that shows in the request alone is refused before anything is looked at, and whether or not it would have mattered", func(_ step, ours, _ answer) bool {
		return has(ours.kind, "Two document paths overlap", "Two document paths conflict", "Incorrect operand type", "unused in expressions", "redundant parentheses",
			"is a reserved keyword", "used in expression is not defined", "used in the document path is not defined", "can only be used once", "must be distinct",
			"Invalid function name", "contains duplicates", "may not be empty", "Null attribute value types", "contain an empty", "not allowed to be used this way", "requires a document path", "Incorrect number of operands", "Invalid attribute type name")
	}},
	{"dynoxide has its own words for a syntax error, and reads no operand in parentheses", func(s step, ours, theirs answer) bool {
		return ours.kind == "ValidationException: Syntax error" && strings.HasPrefix(theirs.kind, "ValidationException: ") || has(theirs.kind+theirs.text, "Expected ") ||
			has(theirs.kind, "unused in expressions") && operandInParentheses.MatchString(shown(s.body))
	}},
	{"key attributes of tables and indexes are scalars", func(_ step, ours, _ answer) bool {
		return has(ours.kind+ours.text, "Key attributes must be scalars")
	}},
	{"constants for the key of an index are checked before the item is looked at", func(_ step, ours, theirs answer) bool {
		return has(ours.kind+ours.text, "Type mismatch for Index Key", "secondary index key")
	}},
	{"a filter sees what a global index projects, and cannot name more", func(_ step, ours, _ answer) bool {
		return has(ours.kind, "does not project one or more filter attributes")
	}},
	{"nor can a projection", func(_ step, ours, _ answer) bool {
		return has(ours.kind, "Global secondary index") && has(ours.kind, "does not project")
	}},
	{"of several actions of an update that are wrong for the item, which is told is documented nowhere", func(_ step, ours, theirs answer) bool {
		wrong := []string{"The document path provided", "An operand in the update expression", "refers to an attribute that does not exist"}
		return has(ours.kind+ours.text, wrong...) && has(theirs.kind+theirs.text, wrong...)
	}},
	{"nor of a Query that both selects and filters what it cannot", func(_ step, ours, theirs answer) bool {
		return has(ours.kind, "Select type ALL_ATTRIBUTES") && has(theirs.kind, "Filter Expression can only contain")
	}},
	{"a path into nothing is an error of the item, also to REMOVE", func(_ step, ours, theirs answer) bool {
		return has(ours.kind+ours.text, "The document path provided") && (theirs.kind == ok || has(theirs.kind, "TransactionCanceled"))
	}},
	{"writes that do not suit their table come before failed conditions", func(s step, ours, theirs answer) bool {
		return s.op == "TransactWriteItems" && has(ours.kind, "ValidationError") && has(theirs.kind, "ValidationError")
	}},
	{"dynoxide does not read parentheses in a key condition", func(s step, ours, theirs answer) bool {
		body, _ := s.body.(m)
		key, _ := body["KeyConditionExpression"].(string)
		return strings.Contains(key, "(") && has(theirs.kind, "Query condition missed key schema element")
	}},
	{"a projection of TransactGetItems has what it names, and dynoxide the key too", func(s step, ours, theirs answer) bool {
		return s.op == "TransactGetItems" && ours.kind == ok && theirs.kind == ok && strings.Contains(shown(s.body), "ProjectionExpression")
	}},
	{"dynoxide has words of its own for this", func(_ step, ours, theirs answer) bool {
		return has(ours.kind, "IdempotentParameterMismatch") && has(theirs.kind, "IdempotentParameterMismatch") ||
			has(ours.kind+ours.text, "An operand in the update expression") && has(theirs.kind+theirs.text, "must be numbers", "requires two list operands") ||
			has(ours.kind, "No key attribute specified") && has(theirs.kind, "unsupported operator with a value on the left")
	}},
	{"mistakes in the actions of a transaction refuse the request; dynoxide cancels the transaction", func(s step, ours, theirs answer) bool {
		return strings.HasPrefix(s.op, "Transact") && strings.HasPrefix(ours.kind, "ValidationException: ") &&
			(has(theirs.kind, "TransactionCanceled") || has(theirs.kind, "IdempotentParameterMismatch") || has(ours.kind, "The expression can not be empty"))
	}},
	{"values where only a projection could use them are not unused but out of place, and that is seen first (dynalite)", func(_ step, ours, theirs answer) bool {
		return has(ours.kind, "can only be specified when using expressions") && theirs.kind != ok
	}},
	{"what a local index does not hold is fetched from the table (DynamoDB developer guide, \"Local Secondary Indexes\"; for a filter that is our reading of it)", func(s step, ours, theirs answer) bool {
		body, _ := s.body.(m)
		return body["IndexName"] == "local-keys" && ours.kind == ok && theirs.kind == ok
	}},
	{"UPDATED_OLD and UPDATED_NEW have of lists the elements written", func(s step, ours, theirs answer) bool {
		body, _ := s.body.(m)
		returns, _ := body["ReturnValues"].(string)
		return strings.HasPrefix(returns, "UPDATED") && ours.kind == ok && theirs.kind == ok
	}},
	{"an update that makes the item returns no old one", func(s step, ours, theirs answer) bool {
		return s.op == "UpdateItem" && ours.text == "{}" && theirs.kind == ok
	}},
	{"time to live is not disabled twice, nor moved to another attribute", func(s step, ours, theirs answer) bool {
		return s.op == "UpdateTimeToLive" && ours.kind != ok
	}},
	{"dynoxide says Querying of a Scan too", func(_ step, ours, theirs answer) bool {
		return has(ours.kind, "can be used only when Scanning") && has(theirs.kind, "can be used only when Querying")
	}},
	{"both keys under one name is what AWS says first", func(s step, ours, _ answer) bool {
		return s.op == "CreateTable" && has(ours.kind, "have the same name")
	}},
	{"SerializationException is worded by whoever parses", func(_ step, ours, theirs answer) bool {
		return has(ours.kind, "SerializationException") && has(theirs.kind, "SerializationException")
	}},
}

var operandInParentheses = regexp.MustCompile(`\([#:]?\w+\)\s*[<>=]|[<>=]\s*\([#:]?\w+\)`)

func has(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// gapFilled tells that dynoxide has put nulls between the end of a list and an element set beyond it, which AWS appends
// (DynamoDB developer guide, "SET"). It shows at some later call, and everything after it may be otherwise.
func gapFilled(program []step, ours, theirs answer) bool {
	beyond := slices.ContainsFunc(program, func(s step) bool {
		return !reads(s.op) && strings.Contains(shown(s.body), "UpdateExpression") && elementPath.MatchString(shown(s.body))
	})
	return beyond && strings.Count(theirs.text, `{"NULL":true}`) > strings.Count(ours.text, `{"NULL":true}`)
}

var elementPath = regexp.MustCompile(`\[[1-9]\]`)

// excuse names the excuse for a difference, empty if there is none.
func excuse(s step, ours, theirs answer) string {
	for _, e := range excuses {
		if e.is(s, ours, theirs) {
			return e.why
		}
	}
	return ""
}
