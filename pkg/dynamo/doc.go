// Package dynamo keeps everything kaiwa remembers in one DynamoDB table. It is
// the only package that knows keys and item shapes.
//
// Attributes pk and sk are the key, ttl (epoch seconds) is always filtered on
// read because DynamoDB deletes late (aws-facts §9). There is no Scan.
//
//	pk           sk            what
//	C#CONN       C             connection: user mode conv at gone expires topics refused due; g2 ALL#SHARD CONN
//	V#CONV       V             conversation: user title at active n ln lm; g1 U#USER V#MILLIS#CONV,
//	                           X#CONV while it is being deleted
//	V#CONV       M#MESSAGE     user message: text or segs, reply at length
//	M#MESSAGE    S#BASE        text of a user message over 64 KB, in segments
//	R#REPLY      R             reply: the state of DESIGN §3 R1, n ln lo lm
//	R#REPLY      S#BASE        text of a reply below its base, in segments
//	U#USER       N             tokens issued before are revoked: before, 90 days
//	U#USER       Q             account: v minute prompts day tokens convs running{reply:{u t}}, 2 days
//	U#USER       C#CONN        open connection of the user: joined (topics)
//	U#USER       H             home: topics, 90 days
//	U#USER       I#MILLIS#ID   missed notification: frame
//	U#USER       L             who empties the inbox: token lease
//	U#USER       K#PROMPT      claim of a prompt id: hash reply conv, 24 h
//	U#USER       P#NN#PROMPT   part NN of a prompt: text hash, 10 min
//	U#USER       P#H#PROMPT    which parts are there: got parts bytes at, 10 min
//	T#NN#TOPIC   USER          subscription, 90 days
//	T#NN#TOPIC   USER\x1fCONN  open connection that hears the topic: at
//	D#KEY        D#PART        a notification under way, or part of it: token lease at after reached done, 24 h
//
// NN is the shard, by user: a page of a topic shows who is here and who is away.
//
// The assistant's message is not stored a second time: it is the reply.
//
// Whatever a client may choose (user, prompt id, the id it asks for) stands last
// in its key, so no two of them can ever share one. Message ids and MILLIS sort
// by time; BASE is nine digits and counts code points.
//
// ln, lo and lm are maps from a connection to its registration number, offset
// and mode. They are flat so that one update can say n=n+1, ln.#c=n+1, lo.#c=:o.
// At most chat.MaxListeners of them count, the newest.
//
// Units in the method comments are DynamoDB's: a write of 1 KB, a strongly
// consistent read of 4 KB; a transaction costs double (aws-facts §7).
package dynamo
