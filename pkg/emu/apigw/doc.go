// Package apigw is an Amazon API Gateway WebSocket API as its clients and its
// Lambda functions see it: the socket front at /{stage}, the @connections
// callback API beside it, and the events in between. It lives in memory, takes
// any Lambda through Invoker, and knows nothing of the application behind it.
//
// Sources and confidence of every behaviour stand in aws-facts.md (§1-§5, §10);
// facts_test.go has one check per row and names them. What is not emulated is
// refused by New, by name: AWS, HTTP and HTTP_PROXY integrations, models,
// mapping templates beyond the subset below, JWT authorizers.
//
// # Mapping templates
//
// MOCK integrations know $context.NAME (the names of AWS's WebSocket mapping
// reference), $stageVariables.NAME, $input.body, $input.json('$.path') and
// $util.escapeJavaScript(x), each also as ${…} and $!…. $input is for request
// templates only: what it holds in a MOCK response is not documented. Anything
// else, directives and comments included, makes New fail.
//
// # Not known of AWS, and what happens here
//
// These are choices, not facts; nothing should come to depend on them.
//
//   - Protocol pings do not reset the idle timer. permessage-deflate is never
//     negotiated (§10.1, §10.8).
//   - At the end of its life a connection is closed with 1001 "Going away", as
//     when idle (§10.2). The close frames for 1003 and 1009 carry no reason, and
//     the DISCONNECT event after 1003, 1006 and 1009 has reason "" (§10.11).
//     A protocol violation by the client counts as 1006.
//   - A $connect integration that times out answers 504; one that cannot be
//     invoked at all 502, like one that fails (§10.3).
//   - A message throttled by the gateway, and one whose Lambda was throttled,
//     get the "Internal server error" frame (§10.4).
//   - A POST over the frame limit arrives as several frames of one message
//     (§10.5); this is our reading of the quota page's footnote.
//   - A route response passes the body whatever its statusCode (§10.6). A
//     response without a body sends no frame; isBase64Encoded is not decoded;
//     one over the message limit is an "Internal server error" frame.
//   - A POST during $connect is 410 at once (§10.7).
//   - Headers of the upgrade have no size limit of their own (§10.9). A URL over
//     4096 characters is 414.
//   - A message whose route key begins with $ goes to $default (§10.10).
//   - Bodies of refusals: {"message":…} with X-Amzn-ErrorType when the gateway
//     refuses, empty when the $connect function does (§10.12).
//   - An authorizer result over 8 KB, or one that is not valid, is a 500.
//   - How much a slow reader may leave unread before a POST is 429 is
//     Options.SendBuffer, here 1 MiB.
//   - A reply or gateway frame that finds that buffer full is dropped.
//   - A stage throttle is one bucket for all routes without their own; the
//     new-connection bucket holds one second's worth.
//   - Text that is not valid UTF-8 reaches functions with U+FFFD; posts of such
//     bytes are sent as they are.
//   - escapeJavaScript follows commons-lang: / is escaped, non-ASCII is \uXXXX.
//     A JSONPath that finds nothing gives "" (with its quotes from $input.json).
//
// # Deviations
//
// Header names keep the client's spelling only under Serve (and Start); under
// another server they arrive in Go's canonical form. X-Forwarded-Port and
// X-Forwarded-Proto always say 443 and https, as on AWS. Custom domains, usage
// plan quotas, resource policies and IAM policies of callers are not evaluated:
// whoever signs correctly is allowed.
package apigw
