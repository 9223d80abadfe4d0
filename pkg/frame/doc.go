// Package frame splits text by its encoded size, holds a growing reply so that
// any piece of it can be had by code points, and joins pieces that arrive
// repeated, reordered or with gaps (DESIGN §2 and §3, R12). It knows no clock,
// no socket and no goroutine; no type here is safe for concurrent use.
//
// Coalescing needs no type of its own: tokens are appended to a Text while a post
// is in flight, and the next Text.Next carries all of them.
package frame
