// Package session is the client's side of a conversation: it loses no word, and
// knows no terminal.
//
// Talk holds the rules (DESIGN §3, R12) as a state machine without socket or
// clock: what comes in and the time go in, requests to send and events to show
// come out. Session runs a Talk over WebSockets.
//
// One prompt is served at a time, in the order given; the others wait. A prompt
// ends with Ended or Refused, exactly one of them, but for the second Ended that
// follows one that was not saved, and for a prompt that was sent more than once and
// is Refused: the service may have taken the copy whose answer was lost.
package session
