package dynamo

import (
	"context"
	"time"

	"kaiwa/pkg/chat"
)

// Authorize gives a connection that is known a new token of the same user; one
// that is not is no error. 1 write unit for each KB of the token's topics.
func (t *Table) Authorize(ctx context.Context, conn string, id chat.Identity) error {
	set, remove := "SET #expires = :expires", " REMOVE #refused"
	values := item{":expires": millis(id.Expires), ":user": str(id.User)}
	if id.Topics == nil {
		remove += ", #topics"
	} else {
		set += ", #topics = :topics"
		values[":topics"] = texts(id.Topics)
	}
	_, _, err := t.change(ctx, "authorize connection", change{key: connectionKey(conn), update: set + remove, cond: "#user = :user", values: values})
	return err
}

// Refuse notes when a message of a connection was first refused because its token
// had run out. 1 write unit.
func (t *Table) Refuse(ctx context.Context, conn string) error {
	_, _, err := t.change(ctx, "refuse connection", change{
		key: connectionKey(conn), update: "SET #refused = if_not_exists(#refused, :now)", cond: "attribute_exists(#pk)",
		values: item{":now": millis(t.now())},
	})
	return err
}

// revocationLife is how long a revocation is remembered: longer than any token
// that it is about should live.
const revocationLife = 90 * 24 * time.Hour

// Revoke makes every token of a user that was issued before now worthless, for
// what begins from now on. The connections that are open have to be ended one by
// one (Expire). 1 write unit.
func (t *Table) Revoke(ctx context.Context, user string) error {
	now := t.now()
	_, _, err := t.change(ctx, "revoke tokens", change{
		key: revocationKey(user), update: "SET #before = :now, #ttl = :ttl",
		values: item{":now": millis(now), ":ttl": seconds(now.Add(revocationLife))},
	})
	return err
}

// Revoked tells whether an identity's token was revoked after it was issued. A
// token that does not say when it was issued counts as an old one. 1 read unit.
func (t *Table) Revoked(ctx context.Context, id chat.Identity) (bool, error) {
	it, err := t.get(ctx, "read revocation", revocationKey(id.User))
	return it != nil && id.Issued.Before(it.time("before")), err
}

// Expire ends what a connection may do: as if its token had run out long ago. One
// that is unknown is no error. 1 write unit.
func (t *Table) Expire(ctx context.Context, conn string) error {
	_, _, err := t.change(ctx, "expire connection", change{
		key: connectionKey(conn), update: "SET #expires = :past", cond: "attribute_exists(#pk)",
		values: item{":past": num(1)},
	})
	return err
}
