// Package term is the terminal side of the client: keys in, an edited text, and
// a screen that keeps finished text as the terminal's own.
//
// It asks the terminal no questions, uses neither the alternate screen nor
// scroll regions nor the mouse, and knows nothing of conversations. The rules
// it keeps are those of reference/terminal-clients.md §5.
package term
