package dynamo

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"kaiwa/pkg/chat"
)

// The writes of a reply's owner. The SDK repeats none of them: the relay does,
// with fresh values (R3). A write that was applied although its answer got lost
// is recognized by the owner's token when it is repeated. Refused for good, they
// return chat.ErrLost and the image that is the truth. Of a reply that has been
// deleted that is an empty one, ended interrupted. Each takes as many write units
// as the item has KB, 1 to 6, refused or not.

// ClaimReply makes owner, a fresh random token, the one who may call the model
// (R2): of a reply that is pending and was created within chat.PendingMax. The
// lease is chat.Lease from now, seq 1.
func (t *Table) ClaimReply(ctx context.Context, reply, owner string) (chat.Reply, error) {
	now := t.now()
	img, ok, err := t.change(ctx, "claim reply", change{
		key:    replyKey(reply),
		update: "SET #state = :running, #owner = :me, #seq = :1, #lease = :lease",
		cond:   "#state = :pending AND #created > :since",
		values: item{
			":running": str(string(chat.Running)), ":pending": str(string(chat.Pending)), ":me": str(owner), ":1": num(1),
			":lease": millis(now.Add(chat.Lease)), ":since": millis(now.Add(-chat.PendingMax)),
		},
		once: true,
	})
	if err != nil {
		return chat.Reply{}, err
	}
	if img == nil {
		return deleted(reply), lost("claim", reply)
	}
	r := replyOf(reply, img)
	if ok || r.State == chat.Running && r.Owner == owner {
		return r, nil
	}
	return r, lost("claim", reply)
}

// Tick renews the lease and saves what has been said (R4). The image brings the
// stop wish and the listeners. A tick that finds its own seq or a later one
// stored has succeeded. Text below p.Base must be in segments already.
func (t *Table) Tick(ctx context.Context, p chat.Progress) (chat.Reply, error) {
	img, ok, err := t.change(ctx, "tick reply", progress(p))
	if err != nil {
		return chat.Reply{}, err
	}
	if img == nil {
		return t.orphaned(ctx, "tick", p.Reply)
	}
	r := replyOf(p.Reply, img)
	if ok || r.State == chat.Running && r.Owner == p.Owner {
		return r, nil
	}
	return r, lost("tick", p.Reply)
}

// End is the owner's last write (R5); EndBy becomes the owner. An end of its own
// that it finds stored has succeeded. chat.ErrMoved and the image: only OnlyIfN
// was in the way, somebody listens after all (R13).
func (t *Table) End(ctx context.Context, e chat.Ending) (chat.Reply, error) {
	c := progress(e.Progress)
	c.update += ", #state = :ended, #endStop = :stop, #endBy = :me, #usage = :usage, #timing = :timing"
	c.values[":ended"], c.values[":stop"] = str(string(chat.Ended)), str(e.Stop)
	c.values[":usage"], c.values[":timing"] = usageValue(e.Usage), timingValue(e.Timing)
	if e.OnlyIfN != nil {
		c.cond += " AND #n = :n"
		c.values[":n"] = num(*e.OnlyIfN)
	}
	img, ok, err := t.change(ctx, "end reply", c)
	if err != nil {
		return chat.Reply{}, err
	}
	if img == nil {
		return t.orphaned(ctx, "end", e.Reply)
	}
	r := replyOf(e.Reply, img)
	switch {
	case ok || r.State == chat.Ended && r.EndBy == e.Owner:
		return r, nil
	case r.State != chat.Running || r.Owner != e.Owner:
		return r, lost("end", e.Reply)
	case e.OnlyIfN != nil && r.N != *e.OnlyIfN:
		return r, chat.ErrMoved
	}
	return r, unavailable(fmt.Errorf("end reply %s: seq %d is stored already", replyKey(e.Reply), r.Seq))
}

// progress is what ticks and ends have in common.
func progress(p chat.Progress) change {
	return change{
		key:    replyKey(p.Reply),
		update: "SET #seq = :seq, #lease = :lease, #length = :length, #base = :base, #tail = :tail",
		cond:   "#owner = :me AND #state = :running AND #seq < :seq",
		values: item{
			":me": str(p.Owner), ":running": str(string(chat.Running)), ":seq": num(p.Seq), ":lease": millis(p.Lease),
			":length": num(p.Length), ":base": num(p.Base), ":tail": str(p.Tail),
		},
		once: true,
	}
}

// Takeover ends a reply that nobody works on any more (R6): interrupted, or
// stopped if that was wished. It is refused, without an error, if the reply has
// moved since it was seen. mine says that by, a fresh random token, ended it: its
// caller tells the listeners. Whether seen has expired is for the caller to know.
// NotFound. Write units: the item's KB, refused or not.
func (t *Table) Takeover(ctx context.Context, seen chat.Reply, by string) (img chat.Reply, mine bool, err error) {
	wished := seen.StopWish
	for {
		stop, cond := interrupted, " AND attribute_not_exists(#stop)"
		if wished {
			stop, cond = stopped, " AND attribute_exists(#stop)"
		}
		it, ok, err := t.change(ctx, "take over reply", change{
			key:    replyKey(seen.ID),
			update: "SET #state = :ended, #endStop = :endStop, #endBy = :by",
			cond:   "#state = :state AND #state <> :ended AND #seq = :seq AND #owner = :owner" + cond,
			values: item{
				":ended": str(string(chat.Ended)), ":endStop": str(stop), ":by": str(by),
				":state": str(string(seen.State)), ":seq": num(seen.Seq), ":owner": str(seen.Owner),
			},
			once: true,
		})
		if err != nil {
			return chat.Reply{}, false, err
		}
		r, err := t.image(seen.ID, it)
		if err != nil {
			return chat.Reply{}, false, err
		}
		same := r.State == seen.State && r.Seq == seen.Seq && r.Owner == seen.Owner
		if !ok && same && r.StopWish && !wished { // wished since it was seen; a wish is never taken back
			wished = true
			continue
		}
		return r, ok || r.State == chat.Ended && r.EndBy == by, nil
	}
}

// PutSegment stores a piece of a reply's text below its base. A piece shorter
// than what is stored there comes late and changes nothing, which is success. As
// many write units as the text has KB.
func (t *Table) PutSegment(ctx context.Context, reply string, s chat.Segment) error {
	it := t.segmentItem(replySegments(reply), s)
	_, err := t.put(ctx, "put segment", aws.NopRetryer{}, it,
		"attribute_not_exists(#pk) OR #length < :length", item{":length": num(s.Length)})
	return err
}

// orphaned answers the owner of a reply whose conversation was deleted meanwhile,
// and deletes the segments it may have written since: nothing else leads to them.
func (t *Table) orphaned(ctx context.Context, op, reply string) (chat.Reply, error) {
	left, err := t.allUnder(ctx, replySegments(reply))
	if err != nil {
		return chat.Reply{}, err
	}
	if k := replyKey(reply); slices.Contains(left, k) {
		return chat.Reply{}, fmt.Errorf("%s reply %s: refused without the image that was asked for", op, k)
	}
	if err := t.batchDelete(ctx, "delete segments", left); err != nil {
		return chat.Reply{}, err
	}
	return deleted(reply), lost(op, reply)
}

func deleted(reply string) chat.Reply {
	return chat.Reply{ID: reply, State: chat.Ended, EndStop: interrupted}
}

func lost(op, reply string) error {
	return fmt.Errorf("%s reply %s: %w", op, replyKey(reply), chat.ErrLost)
}
