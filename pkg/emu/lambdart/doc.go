// Package lambdart is AWS Lambda as seen on the wire: the Runtime API that a
// function's process polls for work, and the Invoke API that everybody else
// calls. One Host is one http.Handler for both, for any number of functions.
//
// A function is a command. The host starts it when there is work and no idle
// process, hands it one invocation at a time, keeps it warm, and replaces it
// when it crashes or runs past its timeout. Event invocations go through a queue
// that retries as Lambda does.
//
//	host := lambdart.New(nil)
//	host.Add(lambdart.Function{Name: "echo", Command: []string{"./echo"}})
//	server := httptest.NewServer(host)
//	host.SetBaseURL(server.URL)
//	out, functionError, err := host.Invoke(ctx, "echo", []byte(`{"a":1}`))
//	host.Close(ctx) // before the server: idle processes hold a request open
//
// Paths served: /_runtime/TOKEN/… for the processes, /2015-03-31/functions/NAME/invocations,
// and every other path that starts with a date, which is refused by name. The
// listener must have no read or write timeout: an idle process waits in a request.
//
// Not emulated: versions other than $LATEST, which every alias is, layers,
// provisioned concurrency, the second init attempt, response streaming to the
// caller (a streamed body is accepted and buffered), extensions that subscribe
// to events. Signatures are required but not verified.
package lambdart
