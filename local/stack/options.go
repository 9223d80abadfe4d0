package stack

import (
	"log/slog"
	"time"

	"kaiwa/local/faults"
	"kaiwa/local/issuer"
	"kaiwa/pkg/emu/converse"
	"kaiwa/pkg/emu/lambdart"
)

// Options of Start. Nil and zero values are the defaults.
type Options struct {
	// Region stands in events, ARNs and signatures. Default us-east-1.
	Region string
	// Model answers for Bedrock. Default: the demo model.
	Model converse.Model
	// Bedrock leaves Bedrock to AWS; Model is not used then.
	Bedrock bool
	// DynamoDB is the URL of another DynamoDB. Default: the embedded one.
	DynamoDB string
	// Data is a folder for the embedded one's tables; see ddb.Open. Default: they
	// are in memory.
	Data string
	// Environ is where the user's settings are looked for, as NAME=VALUE: the file of
	// trusted certificates and, when functions call AWS itself, all of AWS. Default:
	// none.
	Environ []string
	// AWS's limits; 0 is AWS's value (DESIGN §5).
	Idle, Life, IntegrationTimeout, AsyncRetry time.Duration
	// Unthrottled lifts the account's rates of requests and of new connections, which
	// would be what a benchmark measures.
	Unthrottled bool
	// Issuer gives tokens here, at IssuerPath and TokenPath. Default: nobody does.
	Issuer *issuer.Issuer
	// Faults from the beginning. Default: none.
	Faults *faults.Plan
	// Accepts takes the posts to connections that are not there, which then are
	// answered as if they were. Default: none.
	Accepts func(connection string) bool
	// CAFile is where the authority's certificate for TLS is put, for programs
	// that insist on it, and CABundle where it is put together with what the system
	// trusts, for programs that take one file for both. Close removes them. Default:
	// nowhere.
	CAFile, CABundle string
	// Calls gets every permission that a function needed for a request to an AWS
	// service that is emulated here. It is called concurrently. Default: nobody.
	Calls func(Call)
	// FunctionLog gets every line the functions write; see lambdart.Options.Logs.
	FunctionLog func(function, requestID string, line []byte)
	// Report gets the end of every invocation; see lambdart.Options.Report.
	Report func(lambdart.Report)
	// Logger gets what the emulators have to say. Default: discarded.
	Logger *slog.Logger
}
