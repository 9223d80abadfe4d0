package chat

import "time"

// Anonymous is the user of connections that did not say who they are
// (authorization none). Its connections have nothing in common: nothing is kept
// for it, and what one subscribes to is its own.
const Anonymous = "anonymous"

// Home is what a user has besides conversations and connections.
type Home struct {
	// Topics the user subscribed to, sorted.
	Topics []string
	// Stale: the subscriptions expire before long if nobody renews them.
	Stale bool
	// Waiting: notifications may be waiting in the inbox.
	Waiting bool
}

// Missed is a notification kept for a user who was away. At and ID place and name
// it in the inbox: the same two again replace it.
type Missed struct {
	ID      string
	At      time.Time
	Frame   []byte // as it goes out
	Expires time.Time
}

// Delivery remembers how far a notification has come, or one part of its fan-out.
type Delivery struct {
	// Key names the notification by its target and id, Part the part, "" for the
	// whole.
	Key, Part string
	// Token is the one who works on it until Lease, a fresh random one.
	Token string
	Lease time.Time
	// At is when it was first taken on: it places the notification in inboxes.
	At time.Time
	// Done is final.
	Done bool
	// After is the place in the list up to which all have been served.
	After string
	// Reached are connections that have it while others have not.
	Reached []string
}
