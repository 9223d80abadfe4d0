// Package relay makes one reply, from its first token to its last: the order of
// things, who is told what, and what happens when a client, the table, the model
// or the function itself is gone. The rules R1 to R16 it keeps are those of
// DESIGN §3; docs/architecture.md has the picture.
//
// One Run is one attempt of the reply function. Inside it one goroutine reads
// the model, one sender per listener posts, and the caller's own goroutine owns
// all that is written to the table. They share the text, which only grows: the
// text at an offset never changes, so every listener may stand at its own place.
package relay
