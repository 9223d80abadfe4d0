// Package chat is the domain without any technology: conversations, turns and
// the state of a reply, the token budget, and the kinds of error. Every other
// package of the service may import it; it imports the standard library only.
package chat
