// Package wire is every byte that both ends of a kaiwa connection agree on:
// the actions a client sends, the frames the service answers with, the limits
// and the error codes. It imports nothing but the standard library.
//
// # Flow
//
//	client                                   service
//	{"action":"sendMessage","text":…}   →
//	                                    ←    accepted {id conversation reply}
//	                                    ←    delta {offset text} …
//	                                    ←    keepalive {waited}      (nothing for 20 s)
//	{"action":"stop","reply":…}         →
//	                                    ←    end {length saved stop usage timing}
//	{"action":"resume","reply":…,
//	 "offset":N}                        →
//	                                    ←    delta from N …, end
//
// Where tokens let people in, any message may be refused when the token has run
// out; a new one is taken in place:
//
//	{"action":…}                        →
//	                                    ←    error {code:"expired"}
//	{"action":"auth","token":…}         →
//	                                    ←    authorized
//	the same message again              →
//
// A client that does not refresh within a minute of the first refusal is closed at
// the next.
//
// Every frame of a reply names its id, conversation and reply. An offset, a
// length and a part are present even when 0 and count code points of the
// decoded text: never bytes, escapes or UTF-16 units.
//
// # Notifications
//
//	{"action":"subscribe","topic":…}    →
//	                                    ←    subscribed {topic}
//	                                    ←    notification {id title text level topic …}
//
// Topics are the user's: every connection hears them, and what comes while none is
// there is sent to the next one, oldest first. A notification may come twice under
// one id after a fault; a client shows it once.
//
// # What a message is
//
// A JSON object without "action" is sendMessage. An unknown action is
// bad_request. Text whose first non-space byte is { but which does not parse is
// bad_request and never reaches the model. An empty message is ignored.
// Anything else is plain text: somebody is typing in wscat, and reads lines.
//
// # Old and new peers
//
// A reader ignores fields it does not know; a client ignores frame types it
// does not know. Fields are only ever added. API Gateway's own frames
// {"message", "connectionId", "requestId"} reach clients too and decode as
// Gateway.
package wire
