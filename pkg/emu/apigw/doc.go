// Package apigw is an Amazon API Gateway WebSocket API as its clients and its
// Lambda functions see it: the socket front at /{stage}, the @connections
// callback API beside it, and the events in between. It lives in memory, takes
// any Lambda through Invoker, and knows nothing of the application behind it.
//
// Sources and confidence of every behaviour stand in aws-facts.md (§1-§5, §10) and
// in the table of local/conform, which facts_test.go asks row by row. What is not
// emulated is refused by New, by name: AWS, HTTP and HTTP_PROXY integrations,
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
// docs/emulator.md lists what nobody knows, with what happens here: choices, not
// facts, and nothing should come to depend on them. Further choices:
//
//   - A protocol violation by the client counts as 1006.
//   - How much a slow reader may leave unread before a POST is 429 is
//     Options.SendBuffer, here 1 MiB. A reply or gateway frame that finds the
//     buffer full is dropped.
//   - A stage throttle is one bucket for all routes without their own; the
//     new-connection bucket holds one second's worth.
//   - Text that is not valid UTF-8 reaches functions with U+FFFD.
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
