// Package herald brings one notification to everybody it is for: from the moment
// it is taken on to the last connection that has it.
//
// # What is promised
//
// To a connection, a user or the owner of a conversation, and to those who
// subscribed to a topic: a notification that was accepted reaches every connection
// that is open, at least once, or waits in the inbox of its user; if neither can be
// done the whole is an error, so that its queue tries again and at last keeps it as
// a dead letter. To all: every connection that is open when its shard is read.
//
// Once: a notification with an id is taken on by one function at a time and, when
// it is done, never again (24 h). What is known to have it is not sent it again
// by a retry. A function that dies between a post and writing that down leaves a
// doubt, and is resolved towards twice: its frames carry the id, by which a client
// drops what it has seen; a person who reads lines sees the line again.
//
// In order: the inbox of a user is emptied by one function at a time, oldest
// first, and while anything waits there what comes for the user goes there too;
// what comes for a topic or for all does not wait. Between notifications that come
// at the same time there is no order, but that of a FIFO queue's group.
//
// # Away or here
//
// A connection is stored before its $connect looks into the inbox, and an inbox is
// written before it is looked once more whether the user is here; both read
// consistently. So one of the two sees the other, whatever the timing.
//
// # Many
//
// A topic's subscribers and all connections stand in shards. If there are few they
// are served at once; otherwise each shard is handed to a function of its own,
// which walks through it page by page, notes after each page how far it came, and
// before its time is over hands the rest to a fresh one, with the names of those who
// have it if it is in the middle of a page. A connection that fails by itself is left
// to a function of its own. Nothing is kept in memory but a page. If it takes nothing
// there either the inbox has it, which is tried again while Lambda repeats that event,
// about three minutes; from then on it waits for the user's next connection, or for
// something that comes for the user alone.
//
// # Time
//
// A function is killed at its deadline. So no post begins that could not end before
// Deliver's or Serve's context does, and that ends Settling before the function.
package herald
