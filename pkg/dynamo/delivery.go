package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"kaiwa/pkg/chat"
)

// deliveryLife is for how long the id of a notification makes a repeat harmless.
const deliveryLife = 24 * time.Hour

// Deliver takes a delivery, or a part of one, on: d has Key, Part, Token, Lease
// and At, which only the first sets. What comes back says how far an earlier attempt got. chat.ErrDuplicate: it
// is done. chat.ErrLost, and what is stored: somebody else works on it until the
// Lease. 1 read unit and, unless it is done, 1 write unit.
func (t *Table) Deliver(ctx context.Context, d chat.Delivery) (chat.Delivery, error) {
	k := deliveryKey(d.Key, d.Part)
	// Most repeats end here: reading is cheaper, and a key bears more of it.
	seen, err := t.get(ctx, "read delivery", k)
	if err != nil {
		return chat.Delivery{}, err
	}
	if seen.flag("done") {
		return deliveryOf(d, seen), chat.ErrDuplicate
	}
	now := t.now()
	if other := seen.str("token"); other != "" && other != d.Token && seen.time("lease").After(now) {
		return deliveryOf(d, seen), lostDelivery(k)
	}
	c := change{
		key:    k,
		update: "SET #token = :me, #lease = :lease, #at = if_not_exists(#at, :at), #ttl = :ttl",
		cond:   "attribute_not_exists(#pk) OR #token = :me",
		values: item{":me": str(d.Token), ":lease": millis(d.Lease), ":at": millis(d.At), ":ttl": seconds(now.Add(deliveryLife))},
	}
	if seen != nil {
		c.cond = "#token = :seen AND #lease = :until AND attribute_not_exists(#done) OR #token = :me"
		c.values[":seen"], c.values[":until"] = str(seen.str("token")), millis(seen.time("lease"))
	}
	img, ok, err := t.change(ctx, "take delivery", c)
	switch {
	case err != nil:
		return chat.Delivery{}, err
	case ok:
		return deliveryOf(d, img), nil
	case !t.live(img): // of yesterday, and not deleted yet
		return t.anew(ctx, d, c)
	case img.flag("done"):
		return deliveryOf(d, img), chat.ErrDuplicate
	}
	return deliveryOf(d, img), lostDelivery(k)
}

// anew takes a delivery on whose item has expired but is still there.
func (t *Table) anew(ctx context.Context, d chat.Delivery, c change) (chat.Delivery, error) {
	c.update = "SET #token = :me, #lease = :lease, #at = :at, #ttl = :ttl REMOVE #done, #after, #reached"
	c.cond = "#ttl <= :sec"
	c.values = item{":me": c.values[":me"], ":lease": c.values[":lease"], ":at": c.values[":at"], ":ttl": c.values[":ttl"], ":sec": seconds(t.now())}
	img, ok, err := t.change(ctx, "take delivery", c)
	if err == nil && !ok {
		err = lostDelivery(c.key)
	}
	return deliveryOf(d, img), err
}

// Delivered stores how far a delivery has come: After, Reached, Done, and the new
// Lease. chat.ErrLost: somebody else has taken it on. 1 write unit, more for a
// long Reached.
func (t *Table) Delivered(ctx context.Context, d chat.Delivery) error {
	c := change{
		key:    deliveryKey(d.Key, d.Part),
		update: "SET #lease = :lease, #after = :after",
		cond:   "#token = :me",
		values: item{":me": str(d.Token), ":lease": millis(d.Lease), ":after": str(d.After)},
	}
	if d.Done {
		c.update += ", #done = :yes"
		c.values[":yes"] = yes()
	}
	if len(d.Reached) > 0 {
		c.update += ", #reached = :reached"
		c.values[":reached"] = &types.AttributeValueMemberSS{Value: d.Reached}
	} else {
		c.update += " REMOVE #reached"
	}
	_, ok, err := t.change(ctx, "keep delivery", c)
	if err == nil && !ok {
		err = lostDelivery(c.key)
	}
	return err
}

func deliveryOf(d chat.Delivery, it item) chat.Delivery {
	return chat.Delivery{Key: d.Key, Part: d.Part, Token: it.str("token"), Lease: it.time("lease"), At: it.time("at"),
		Done: it.flag("done"), After: it.str("after"), Reached: it.set("reached")}
}

func lostDelivery(k key) error { return fmt.Errorf("delivery %s: %w", k, chat.ErrLost) }
