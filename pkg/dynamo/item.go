package dynamo

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is an item, or the values of an expression, as DynamoDB has them.
type item map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num[N int | int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func boolean(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

func yes() types.AttributeValue { return boolean(true) }

func dict(m item) types.AttributeValue { return &types.AttributeValueMemberM{Value: m} }

func texts(elements []string) types.AttributeValue {
	l := &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
	for _, s := range elements {
		l.Value = append(l.Value, str(s))
	}
	return l
}

// seconds is for ttl, micros for rates, millis for every other time.
func seconds(t time.Time) types.AttributeValue { return num(t.Unix()) }

func millis(t time.Time) types.AttributeValue {
	if t.IsZero() {
		return num(0)
	}
	return num(t.UnixMilli())
}

func micros(t time.Time) types.AttributeValue { return num(t.UnixMicro()) }

// The readers give the zero value for what is absent.

func (it item) str(name string) string {
	if v, ok := it[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func (it item) num(name string) int64 {
	if v, ok := it[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64) // only this package writes them, as integers
		return n
	}
	return 0
}

func (it item) int(name string) int { return int(it.num(name)) }

func (it item) flag(name string) bool {
	v, ok := it[name].(*types.AttributeValueMemberBOOL)
	return ok && v.Value
}

func (it item) dict(name string) item {
	if v, ok := it[name].(*types.AttributeValueMemberM); ok {
		return v.Value
	}
	return nil
}

// texts is nil for what is absent, not for what is empty.
func (it item) texts(name string) []string {
	l, ok := it[name].(*types.AttributeValueMemberL)
	if !ok {
		return nil
	}
	elements := []string{}
	for _, v := range l.Value {
		elements = append(elements, item{"": v}.str(""))
	}
	return elements
}

func (it item) set(name string) []string {
	if v, ok := it[name].(*types.AttributeValueMemberSS); ok {
		return v.Value
	}
	return nil
}

func (it item) time(name string) time.Time {
	if ms := it.num(name); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// names maps every #word in the expressions to the attribute called word, so that
// no name can clash with DynamoDB's long list of reserved ones (user, owner,
// state …). other gives the words that stand for something else.
func names(other map[string]string, expressions ...string) map[string]string {
	m := map[string]string{}
	for _, e := range expressions {
		for _, rest := range strings.Split(e, "#")[1:] {
			end := strings.IndexFunc(rest, func(r rune) bool {
				return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
			})
			if end < 0 {
				end = len(rest)
			}
			m["#"+rest[:end]] = rest[:end]
		}
	}
	for word, name := range other {
		m[word] = name
	}
	if len(m) == 0 {
		return nil // DynamoDB refuses an empty map
	}
	return m
}
