package apigw_test

import "testing"

// facts has one line for each row of aws-facts.md that a client or a function
// can observe, with the row's sources and confidence as that file gives them.
// Rows marked "choice" are unknown there; the check pins what we chose.
var facts = []struct {
	row, source, confidence string
	check                   func(*testing.T)
}{
	{"1 idle connection timeout", "Q; CAP3", "H", idleCloses},
	{"1 what resets it", "hotsock; subscriptionless#3", "M-H", dataResetsIdle},
	{"3 client pings and the idle timer", "as cited", "L, choice", pingLeavesIdle},
	{"1 connection duration", "Q; hotsock; SOFF", "H, code L", lifeEnds},
	{"1 integration timeout", "Q; BC; mangum#128; BCHAT", "H", integrationTimeout},
	{"1 message payload and frame size", "Q; BC; DG", "H", inboundSizes},
	{"1 binary frames", "DG", "H", binaryCloses},
	{"1 new connections per second", "Q; DG", "H/M", connectRate},
	{"1 request and callback rate", "QA; BC", "H", callbackRate},
	{"1 route and stage throttles", "DG; BC", "H, frame text is a choice", routeThrottle},
	{"1 authorizer result size", "Q", "H, status is a choice", authorizerResultSize},
	{"1 URL length", "Q", "H, status is a choice", urlLength},
	{"2 the three events and the authorizer's", "DGnew; CAP2; CAP3; EV", "H", goldenEvents},
	{"2 headers keep the client's casing", "DGnew; CAP2", "H", headerSpelling},
	{"2 userAgent only if sent", "CAP2; CAP3", "H", userAgentAbsent},
	{"2 queryStringParameters only if there is a query", "SOFF; DG", "H", queryParameters},
	{"2 stageVariables only if defined", "EV; DG", "M", stageVariables},
	{"2 rc.authorizer on all events", "boto3#3789; EV; SOFF", "H/M", authorizerContext},
	{"2 IAM identity fields", "DG", "M", iamIdentity},
	{"2 API key identity fields", "DG", "M", apiKeys},
	{"2 close without status, tab closed", "DGnew; CAP2; EV", "H/M", clientCloses},
	{"2 network loss", "not found", "?, choice", lostClient},
	{"2 id formats", "CAP2; CAP3; EV; CAP4", "H shape, M inside", idFormats},
	{"3 route selection", "DG", "H", routeSelection},
	{"3 no match and $default", "DG", "H", noMatchDefault},
	{"3 no match and no $default", "FRB; chat-app#24", "H", noMatchForbidden},
	{"3 custom keys must not start with $", "DG", "H, routing is a choice", dollarKeys},
	{"3 function throws on a message", "CAP1; SOFF", "H", functionThrows},
	{"3 statusCode on a one-way route", "CAP1; DG", "H", oneWaySilent},
	{"3 statusCode on a two-way route", "BCHAT", "M", twoWayStatus},
	{"3 two-way on proxy", "DG", "H", twoWayBody},
	{"3 Lambda throttled", "a fork's notes", "L", lambdaThrottled},
	{"3 $connect is optional", "DG", "H", connectOptional},
	{"3 $connect status, throw, timeout", "CAP1; DG", "H, timeout L", connectStatus},
	{"3 authorizer: 401, 403, 500", "DG; BC; powertools#5800", "H/M", authorizerOutcomes},
	{"3 plain GET on the stage", "SOFF e2e", "M", plainGet},
	{"3 Sec-WebSocket-Protocol", "DG", "H", subprotocol},
	{"3 messages before $connect finishes", "DG", "H", connectPending},
	{"3 $disconnect for a refused $connect", "inferred", "M", refusedHasNoDisconnect},
	{"3 messages processed concurrently", "DG; serverless-patterns#139", "H", concurrentMessages},
	{"3 permessage-deflate", "CAP2", "?, choice", noCompression},
	{"4 POST, GET, DELETE success", "BC", "H", callbackSuccess},
	{"4 DeleteConnection closes 1000", "boto3#3789; chalice#2060", "H", deleteCloses},
	{"4 %40connections", "PROBE; DG", "H", escapedPath},
	{"4 410 GoneException", "BC; KC410; PROBE", "H", gone},
	{"4 POST to self during $connect", "KC410; SOFF", "H/L", goneDuringConnect},
	{"4 413", "BC", "H", postTooLarge},
	{"4 429 and a slow reader", "BC", "H", slowReader},
	{"4 403 unsigned, wrong stage", "BC", "H", callbackForbidden},
	{"4 POST over 32 KB", "Q; BC", "M", postIsSplit},
	{"4 order of posts", "dev.to/multigrid; BCHAT", "H", postOrder},
	{"5 AWS_IAM", "DG; BC", "H", iamSignatures},
	{"5 identity sources", "BC; DG", "H", identitySources},
	{"5 no authorizer caching", "BC", "H", authorizerRunsAlways},
	{"5 API keys by usageIdentifierKey", "DG; CDK", "H", usageIdentifierKey},
	{"5 Origin is nobody's business", "BC; CAP3", "H", foreignOrigin},
}

func TestFacts(t *testing.T) {
	for _, f := range facts {
		t.Run(f.row+" ["+f.source+" "+f.confidence+"]", f.check)
	}
}
