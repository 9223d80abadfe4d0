package dynamo_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
)

func (w *world) delivery(token string) chat.Delivery {
	return chat.Delivery{Key: "k", Part: "03", Token: token, Lease: w.clock.Now().Add(time.Minute), At: w.clock.Now()}
}

// TestDeliveryIsTakenOnOnce: by one at a time, and never again once it is done.
func TestDeliveryIsTakenOnOnce(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	began := w.clock.Now()
	d, err := w.Deliver(ctx, w.delivery("a"))
	if err != nil || d.Token != "a" || !d.At.Equal(began) || d.Done || d.After != "" {
		t.Fatalf("%+v, %v", d, err)
	}
	w.clock.advance(time.Second)
	other, err := w.Deliver(ctx, w.delivery("b"))
	wantIs(t, err, chat.ErrLost)
	if other.Token != "a" || !other.Lease.Equal(d.Lease) {
		t.Errorf("who has it: %+v", other)
	}
	if again, err := w.Deliver(ctx, w.delivery("a")); err != nil || !again.At.Equal(began) { // its answer was lost
		t.Errorf("%+v, %v", again, err)
	}
	d.After, d.Reached, d.Lease = "x", []string{"c1", "c2"}, w.clock.Now().Add(time.Minute)
	must(t, w.Delivered(ctx, d))
	w.clock.advance(2 * time.Minute) // a died
	d, err = w.Deliver(ctx, w.delivery("b"))
	slices.Sort(d.Reached)
	if err != nil || d.Token != "b" || d.After != "x" || !slices.Equal(d.Reached, []string{"c1", "c2"}) || !d.At.Equal(began) {
		t.Fatalf("taken over: %+v, %v", d, err)
	}
	a := d
	a.Token = "a" // was only slow
	wantIs(t, w.Delivered(ctx, a), chat.ErrLost)
	d.Lease = time.Time{} // b failed, and says so
	must(t, w.Delivered(ctx, d))
	d, err = w.Deliver(ctx, w.delivery("c"))
	if err != nil || len(d.Reached) != 2 {
		t.Errorf("%+v, %v", d, err)
	}
	d.Reached = nil // the page they stood on is done
	must(t, w.Delivered(ctx, d))
	if d, err = w.Deliver(ctx, w.delivery("c")); err != nil || len(d.Reached) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
	d.Done = true
	must(t, w.Delivered(ctx, d))
	for _, token := range []string{"c", "d"} {
		_, err = w.Deliver(ctx, w.delivery(token))
		wantIs(t, err, chat.ErrDuplicate)
	}
	part := w.delivery("d")
	part.Part = "04"
	if _, err := w.Deliver(ctx, part); err != nil {
		t.Errorf("another part: %v", err)
	}
	// A day later the id means something new, deleted or not.
	w.clock.advance(25 * time.Hour)
	d, err = w.Deliver(ctx, w.delivery("e"))
	if err != nil || d.After != "" || d.Reached != nil || d.Done || !d.At.Equal(w.clock.Now()) {
		t.Errorf("a day later: %+v, %v", d, err)
	}
}

// TestDeliveryRace: of many at the same time one has it.
func TestDeliveryRace(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	for _, expired := range []bool{false, true} {
		if expired {
			w.clock.advance(25 * time.Hour)
		}
		var all sync.WaitGroup
		got := make(chan error, 50)
		for i := range 50 {
			all.Go(func() {
				_, err := w.Deliver(ctx, w.delivery(fmt.Sprint("t", i)))
				got <- err
			})
		}
		all.Wait()
		close(got)
		n := 0
		for err := range got {
			if err == nil {
				n++
				continue
			}
			wantIs(t, err, chat.ErrLost)
		}
		if n != 1 {
			t.Errorf("expired %v: %d have it", expired, n)
		}
	}
}

// TestDuplicatesAreCheap: a repeat of what is done reads and does not write.
func TestDuplicatesAreCheap(t *testing.T) {
	w := newWorld(t, dynamo.Options{})
	ctx := t.Context()
	d, err := w.Deliver(ctx, w.delivery("a"))
	must(t, err)
	d.Done = true
	must(t, w.Delivered(ctx, d))
	w.net.count()
	_, err = w.Deliver(ctx, w.delivery("b"))
	wantIs(t, err, chat.ErrDuplicate)
	if got := w.net.count(); len(got) != 1 || got["GetItem"] != 1 {
		t.Errorf("calls %v", got)
	}
}
