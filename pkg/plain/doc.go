// Package plain is plain mode (DESIGN §2): what people who type in wscat or
// websocat may write, when text is ready to be shown as a line, and what
// everything but the reply itself looks like there. Nothing it makes can drive a
// terminal, and nothing is JSON. It knows no clock, socket or goroutine.
package plain
