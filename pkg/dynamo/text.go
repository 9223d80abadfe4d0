package dynamo

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/chat"
)

// Text is code points from up to (not including) to of a reply's text as r has
// it, never past r.Length: out of segments below r.Base, then out of r.Tail. A
// piece that is missing is an error, never a gap. No units if the tail holds it
// all, else a read unit per 4 KB of the segments it touches.
func (t *Table) Text(ctx context.Context, r chat.Reply, from, to int) (string, error) {
	from, to = max(from, 0), min(to, r.Length)
	if from >= to {
		return "", nil
	}
	text, at := "", from
	if at < r.Base {
		var err error
		at = min(to, r.Base)
		if text, err = t.segments(ctx, replySegments(r.ID), from, at); err != nil {
			return "", err
		}
	}
	if at == to {
		return text, nil
	}
	tail := cut(r.Tail, at-r.Base, to-r.Base)
	if n := utf8.RuneCountInString(tail); n != to-at {
		return "", missing(replySegments(r.ID), at+n, to)
	}
	return text + tail, nil
}

// segments joins code points [from,to) out of the segments under pk.
func (t *Table) segments(ctx context.Context, pk string, from, to int) (string, error) {
	j := joiner{pk: pk, at: from, to: to}
	if from > 0 {
		// A segment is stored under where it begins: the first one needed is the
		// last of those that begin at from or before.
		last := segmentQuery(pk, 0, from)
		last.ScanIndexForward, last.Limit = aws.Bool(false), aws.Int32(1)
		for page, err := range t.pages(ctx, "read text", last) {
			if err := j.add(page, err); err != nil {
				return "", err
			}
			break
		}
	}
	if j.at < to {
		for page, err := range t.pages(ctx, "read text", segmentQuery(pk, j.at, to-1)) {
			if err := j.add(page, err); err != nil {
				return "", err
			}
		}
	}
	if j.at < to {
		return "", missing(pk, j.at, to)
	}
	return j.text.String(), nil
}

// segmentQuery finds the segments under pk that begin at lo to hi.
func segmentQuery(pk string, lo, hi int) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		KeyConditionExpression: aws.String("#pk = :pk AND #sk BETWEEN :lo AND :hi"),
		ExpressionAttributeValues: item{
			":pk": str(pk), ":lo": str(segmentSort(lo)), ":hi": str(segmentSort(hi)),
		},
		ConsistentRead: aws.Bool(true),
	}
}

// joiner puts segments together, from code point at up to code point to.
type joiner struct {
	pk     string
	at, to int
	text   strings.Builder
}

func (j *joiner) add(segments []item, err error) error {
	if err != nil {
		return err
	}
	for _, it := range segments {
		base, err := segmentBase(it.str("sk"))
		if err != nil {
			return fmt.Errorf("read text %s: %w", j.pk, err)
		}
		if base > j.at {
			return missing(j.pk, j.at, base)
		}
		if end := min(j.to, base+it.int("length")); end > j.at {
			j.text.WriteString(cut(it.str("text"), j.at-base, end-base))
			j.at = end
		}
	}
	return nil
}

func missing(pk string, from, to int) error {
	return fmt.Errorf("read text %s: code points %d to %d are not stored", pk, from, to)
}

// cut is code points [from,to) of s, as far as it has them.
func cut(s string, from, to int) string {
	start, end, n := len(s), len(s), 0
	for i := range s {
		if n == from {
			start = i
		}
		if n == to {
			end = i
			break
		}
		n++
	}
	return s[min(start, end):end]
}
