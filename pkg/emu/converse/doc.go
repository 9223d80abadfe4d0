// Package converse is Amazon Bedrock Runtime's Converse and ConverseStream as seen on the wire, with a model built in.
//
// [New] gives an http.Handler for
//
//	POST /model/{modelId}/converse-stream
//	POST /model/{modelId}/converse
//
// which any AWS SDK reaches with AWS_ENDPOINT_URL_BEDROCK_RUNTIME. A streamed answer has the real event-stream encoding
// and order: messageStart, contentBlockDelta for every piece (a text block has no contentBlockStart), contentBlockStop,
// messageStop, and metadata last (aws-facts §8). The response begins with the model's first event, so until then a call
// can still be refused with an HTTP status; after it an error is an exception inside the stream.
//
// Requests are validated: what Bedrock refuses is refused in its words where these are known, members the Converse API
// does not have are refused by name, and members it has but this package does not emulate (tools, images, documents,
// guardContent, ...) are refused in one line. Nothing is accepted silently: guardrailConfig, performanceConfig,
// additionalModelRequestFields and requestMetadata change no answer of the demo model, and [Server.Requests] shows them.
// Signatures are not verified, but a request without one gets the 403 it would get from AWS.
//
// Behind the handler stands a [Model]: [Demo], deterministic and obeying the knobs of an @demo prompt (see [Knobs]), or
// [OpenAI], which asks an OpenAI-compatible server.
package converse
