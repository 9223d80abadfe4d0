package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
)

// PutPart stores one part of a prompt and tells whether now all are there (R15).
// First the text, if the part is absent or has the same hash (else BadRequest),
// then the header: which parts, how many bytes. Of parts that arrive at the same
// time exactly one completes; a part that is sent again after that completes
// again, for whoever came first may have died (the claim decides). A different
// number of parts is BadRequest. Over Options.MaxPrompt (TooLarge) or later than
// Options.PartsWithin (BadRequest) all parts are deleted. Write units: the text's
// KB and 1.
func (t *Table) PutPart(ctx context.Context, p chat.Part, hash string) (complete bool, err error) {
	if len(p.Text) > t.o.MaxPrompt {
		return false, t.tooLarge(ctx, p)
	}
	ok, err := t.put(ctx, "put part", t.again, t.partItem(p, hash),
		"attribute_not_exists(#pk) OR #hash = :hash OR #ttl <= :now", item{":hash": str(hash), ":now": seconds(t.now())})
	if err != nil {
		return false, err
	}
	if !ok {
		return false, chat.E(chat.BadRequest, "part %d was sent before with another text; send all parts again under a new id", p.Part)
	}
	for range maxTries {
		img, ok, err := t.mark(ctx, p)
		if err != nil {
			return false, err
		}
		if ok {
			return len(partsOf(img)) == p.Parts, nil
		}
		if t.live(img) {
			return t.unmarked(ctx, p, img)
		}
		// An unfinished prompt of long ago that DynamoDB has not deleted yet.
		if err := t.restart(ctx, p); err != nil {
			return false, err
		}
	}
	return false, unavailable(fmt.Errorf("put part %s: the header keeps changing", headerKey(p.User, p.Prompt)))
}

func (t *Table) partItem(p chat.Part, hash string) item {
	it := partKey(p.User, p.Prompt, p.Part).item()
	it["text"], it["hash"], it["ttl"] = str(p.Text), str(hash), seconds(t.now().Add(t.o.PartTTL))
	return it
}

// mark adds the part to the header, within the bounds.
func (t *Table) mark(ctx context.Context, p chat.Part) (item, bool, error) {
	now := t.now()
	return t.change(ctx, "mark part", change{
		key: headerKey(p.User, p.Prompt),
		update: "SET #parts = :parts, #at = if_not_exists(#at, :now), #ttl = :ttl " +
			"ADD #got :got, #bytes :bytes",
		cond: "attribute_not_exists(#got) OR " +
			"(#parts = :parts AND #at > :since AND #bytes <= :room AND NOT contains(#got, :part))",
		values: item{
			":parts": num(p.Parts), ":now": millis(now), ":ttl": seconds(now.Add(t.o.PartTTL)),
			":got": &types.AttributeValueMemberNS{Value: []string{strconv.Itoa(p.Part)}}, ":part": num(p.Part),
			":bytes": num(len(p.Text)), ":room": num(t.o.MaxPrompt - len(p.Text)), ":since": millis(now.Add(-t.o.PartsWithin)),
		},
	})
}

// unmarked tells why the header refused a part.
func (t *Table) unmarked(ctx context.Context, p chat.Part, header item) (bool, error) {
	got := partsOf(header)
	late := !header.time("at").After(t.now().Add(-t.o.PartsWithin))
	switch {
	case header.int("parts") != p.Parts:
		return false, chat.E(chat.BadRequest, "this prompt was announced with %d parts, not %d; send it again under a new id", header.int("parts"), p.Parts)
	case len(got) == p.Parts:
		return true, nil
	case late:
		if err := t.DropParts(ctx, p.User, p.Prompt); err != nil {
			return false, err
		}
		return false, chat.E(chat.BadRequest, "the parts took longer than %v; send all of them again", t.o.PartsWithin)
	case slices.Contains(got, strconv.Itoa(p.Part)):
		return false, nil
	}
	return false, t.tooLarge(ctx, p)
}

func (t *Table) tooLarge(ctx context.Context, p chat.Part) error {
	if err := t.DropParts(ctx, p.User, p.Prompt); err != nil {
		return err
	}
	return chat.E(chat.TooLarge, "a prompt has at most %d bytes, all parts together; send less", t.o.MaxPrompt)
}

func partsOf(header item) []string {
	if v, ok := header["got"].(*types.AttributeValueMemberNS); ok {
		return v.Value
	}
	return nil
}

// restart empties a header past its ttl, unless another part has just done so.
func (t *Table) restart(ctx context.Context, p chat.Part) error {
	now := t.now()
	_, _, err := t.change(ctx, "restart parts", change{
		key:    headerKey(p.User, p.Prompt),
		update: "SET #ttl = :ttl REMOVE #got, #bytes, #at, #parts",
		cond:   "#ttl <= :now",
		values: item{":ttl": seconds(now.Add(t.o.PartTTL)), ":now": seconds(now)},
	})
	return err
}

// JoinParts puts a complete prompt together; NotFound if a part is missing. Read
// units: 1 per 4 KB of the text, at least 1 per part.
func (t *Table) JoinParts(ctx context.Context, user, prompt string) (string, error) {
	keys, err := t.partKeys(ctx, user, prompt)
	if err != nil {
		return "", err
	}
	if len(keys) == 0 {
		return "", noSuch("prompt in parts")
	}
	found, err := t.batchGet(ctx, "join parts", keys, true)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, k := range keys {
		it, ok := found[k]
		if !ok {
			return "", chat.E(chat.NotFound, "part %d is missing; send all parts again", i)
		}
		b.WriteString(it.str("text"))
	}
	return b.String(), nil
}

// DropParts deletes a prompt's parts, if there are any. Write units: 1 per KB of
// text and 1.
func (t *Table) DropParts(ctx context.Context, user, prompt string) error {
	keys, err := t.partKeys(ctx, user, prompt)
	if err != nil || len(keys) == 0 {
		return err
	}
	// The header, which leads to the parts, goes last.
	return t.batchDelete(ctx, "drop parts", append(keys, headerKey(user, prompt)))
}

// partKeys are the keys of all parts that the header announces, present or not.
func (t *Table) partKeys(ctx context.Context, user, prompt string) ([]key, error) {
	header, err := t.get(ctx, "read parts", headerKey(user, prompt))
	if err != nil {
		return nil, err
	}
	var keys []key
	for i := range header.int("parts") {
		keys = append(keys, partKey(user, prompt, i))
	}
	return keys, nil
}
