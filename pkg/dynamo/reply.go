package dynamo

import (
	"context"
	"fmt"
	"time"

	"kaiwa/pkg/chat"
)

// Reply reads a reply consistently; NotFound. 1 or 2 read units: the item holds
// its tail, a few KB.
func (t *Table) Reply(ctx context.Context, id string) (chat.Reply, error) {
	it, err := t.get(ctx, "read reply", replyKey(id))
	if err != nil {
		return chat.Reply{}, err
	}
	return t.image(id, it)
}

// image decodes a reply; NotFound if it is absent or expired.
func (t *Table) image(id string, it item) (chat.Reply, error) {
	if !t.live(it) {
		return chat.Reply{}, noSuch("reply")
	}
	return replyOf(id, it), nil
}

// Listen registers a connection at offset with a reply that has not ended (R9,
// second step) and returns the image: of an ended reply without registering. The
// oldest beyond chat.MaxListeners leaves. NotFound. Write units: the item's KB (1
// to 6), again when one leaves; a refused write costs the same.
func (t *Table) Listen(ctx context.Context, reply, conn string, offset int, m chat.Mode) (chat.Reply, error) {
	k := replyKey(reply)
	img, ok, err := t.change(ctx, "listen to reply", change{
		key:    k,
		update: "SET #n = #n + :1, #ln.#c = #n + :1, #lo.#c = :offset, #lm.#c = :mode",
		cond:   "attribute_exists(#pk) AND #state <> :ended",
		values: item{":1": num(1), ":offset": num(offset), ":mode": str(string(m)), ":ended": str(string(chat.Ended))},
		names:  map[string]string{"#c": conn},
	})
	if err == nil && ok {
		err = t.sweep(ctx, "listen to reply", k, img, "ln", "lo", "lm")
	}
	if err != nil {
		return chat.Reply{}, err
	}
	return t.image(reply, img)
}

// stopped is the end of a reply somebody asked to stop, interrupted that of one
// nobody worked on any more (DESIGN §2).
const (
	stopped     = "stopped"
	interrupted = "interrupted"
)

// Wish asks a reply to stop (R11) and returns the image: a pending one has then
// ended at once, EndBy by; a running one carries the wish; an ended one is as it
// was. NotFound. Write units: the item's KB, up to three times.
func (t *Table) Wish(ctx context.Context, reply, by string) (chat.Reply, error) {
	end := change{
		key:    replyKey(reply),
		update: "SET #stop = :yes, #state = :ended, #endStop = :stopped, #endBy = :by",
		cond:   "#state = :pending",
		values: item{":yes": yes(), ":ended": str(string(chat.Ended)), ":stopped": str(stopped), ":by": str(by), ":pending": str(string(chat.Pending))},
	}
	wish := change{
		key:    replyKey(reply),
		update: "SET #stop = :yes",
		cond:   "#state = :running",
		values: item{":yes": yes(), ":running": str(string(chat.Running))},
	}
	// Running is the common case. A state only moves on, so three attempts meet it.
	for _, c := range []change{wish, end, wish} {
		img, ok, err := t.change(ctx, "stop reply", c)
		if err != nil {
			return chat.Reply{}, err
		}
		if r, err := t.image(reply, img); err != nil || ok || r.State == chat.Ended {
			return r, err
		}
	}
	return chat.Reply{}, fmt.Errorf("stop reply %s: state is neither pending, running nor ended", replyKey(reply))
}

// Reinvoked notes an Invoke of a reply that still waits for its claim, unless
// somebody else has done so since it was read with Invoked seen: true says that
// the Invoke is the caller's to make (R9). 1 write unit.
func (t *Table) Reinvoked(ctx context.Context, reply string, seen time.Time) (bool, error) {
	now := t.now()
	img, ok, err := t.change(ctx, "note invoke", change{
		key:    replyKey(reply),
		update: "SET #invoked = :now",
		cond:   "#state = :pending AND #invoked = :seen",
		values: item{":now": millis(now), ":seen": millis(seen), ":pending": str(string(chat.Pending))},
	})
	if err != nil {
		return false, err
	}
	// Refused by exactly what was to be written: a repeat after a lost answer. That
	// another caller has the same millisecond costs a second Invoke, which is harmless.
	mine := img.str("state") == string(chat.Pending) && img.time("invoked").Equal(now)
	return ok || mine, nil
}
