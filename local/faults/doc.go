// Package faults is the language of -faults and of POST /_local/faults, and the
// dice behind it.
//
// A text is a list of NAME=VALUE with commas between, blank for no faults:
//
//	post.delay=20ms,post.429=1/5,post.410=10,invoke.kill=1/3
//
// A value is a time that everything of the kind is delayed by, for the names
// that end in .delay, and else how often: 1/5 is every fifth, 10 is the tenth
// only. Each fault counts for itself, from when the text was set; so a text and a
// sequence of requests give the same faults every time.
//
//	post.delay        a post to a connection is answered that much later
//	post.410          a post is refused: the connection is gone
//	post.429          a post is refused: throttled
//	post.500          a post is refused: a failure inside AWS
//	post.timeout      a post is delivered, but its answer never comes in time
//	ddb.throttle      a table operation is refused: throughput exceeded
//	ddb.500           a table operation is refused: internal server error
//	ddb.lost          a table operation is done, but answered as ddb.500
//	invoke.delay      an invocation starts that much later
//	invoke.kill       a function's process is killed during an invocation
//	invoke.duplicate  an event is delivered twice
//	model.throttle    a call of the model is refused: throttled
//	socket.cut        a socket is cut instead of getting its next message
package faults
