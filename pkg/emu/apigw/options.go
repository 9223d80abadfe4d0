package apigw

import (
	"log/slog"
	"time"
)

// Options tune a Gateway; nil means all defaults. Of limits, 0 means AWS's own
// value (aws-facts §1) and a negative one means no limit.
type Options struct {
	// AccountID and Region stand in ARNs and credential scopes; by default
	// 123456789012 and us-east-1.
	AccountID string
	Region    string
	// DomainName stands in every event; by default
	// {API.ID}.execute-api.{Region}.amazonaws.com.
	DomainName string
	// Now stamps events and ids and judges signatures; by default time.Now.
	// Timers and rates always run on the runtime's clock.
	Now func() time.Time
	// Logger gets refusals and failing integrations, never message text; nil
	// discards.
	Logger *slog.Logger

	// Credentials finds the caller of an access key; AWS_IAM and
	// VerifySignatures need it.
	Credentials func(accessKeyID string) (Identity, bool)
	// VerifySignatures checks the SigV4 signature of @connections requests.
	// Unsigned ones get 403 in any case.
	VerifySignatures bool
	// APIKeys are the accepted API keys: key value to apiKeyId.
	APIKeys map[string]string

	// Partly has New take an API although some of its MOCK integrations are not
	// emulated, which Integration.Check tells: their routes answer as if they had
	// failed. By default New refuses it.
	Partly bool

	// FrameSize bounds an inbound frame, and what outbound messages are split
	// at: 32 KB.
	FrameSize int
	// MessageSize bounds messages either way, in bytes: 128 KB.
	MessageSize int
	// IdleTimeout closes a connection without data messages: 10 min.
	IdleTimeout time.Duration
	// ConnectionLife closes any connection: 2 h.
	ConnectionLife time.Duration
	// IntegrationTimeout bounds the wait for integrations and authorizers; an
	// integration's own shorter timeout wins: 29 s.
	IntegrationTimeout time.Duration
	// ConnectRate bounds new connections: 500 a second.
	ConnectRate Throttle
	// AccountRate is the bucket that connects, messages and @connections
	// requests share: 10,000 a second, burst 5,000.
	AccountRate Throttle
	// SendBuffer bounds the bytes waiting for one slow reader, beyond what
	// the socket holds: 1 MiB (AWS's value is not known).
	SendBuffer int

	// PostFault, if set, decides about each signed POST to a connection.
	PostFault func(connectionID string) Fault
	// CutFault, if set, is asked before each message to a client; true cuts its
	// TCP connection instead.
	CutFault func(connectionID string) bool
	// Posted, if set, is told of every answered POST, except those refused for
	// signature, size or rate. It is called concurrently.
	Posted func(Post)
}

// Fault tells what goes wrong with one POST; the zero value is nothing.
type Fault struct {
	// Delay passes before the answer. Delivery does not wait for it.
	Delay time.Duration
	// Status, unless 0, is answered instead; 410, 413, 429 and 403 with the
	// error types of the API.
	Status int
	// DeliverAnyway posts although Status reports a failure.
	DeliverAnyway bool
}

// Post is one answered POST.
type Post struct {
	ConnectionID string
	Status       int
	Bytes        int
	At           time.Time     // when it arrived, by Options.Now
	Took         time.Duration // until the answer
}

// Identity is an IAM caller: what AWS_IAM puts into requestContext.identity
// (aws-facts §2), and the secret it signs with.
type Identity struct {
	SecretAccessKey string
	// SessionToken must equal the request's, unless empty.
	SessionToken string

	AccountID string
	Caller    string
	User      string
	UserARN   string

	CognitoIdentityID             string
	CognitoIdentityPoolID         string
	CognitoAuthenticationType     string
	CognitoAuthenticationProvider string
}

// withDefaults fills o; limits that are off become 0.
func (o *Options) withDefaults(api API) Options {
	var r Options
	if o != nil {
		r = *o
	}
	r.AccountID = orElse(r.AccountID, "123456789012")
	r.Region = orElse(r.Region, "us-east-1")
	r.DomainName = orElse(r.DomainName, api.ID+".execute-api."+r.Region+".amazonaws.com")
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.Logger == nil {
		r.Logger = slog.New(slog.DiscardHandler)
	}
	r.FrameSize = limit(r.FrameSize, 32<<10)
	r.MessageSize = limit(r.MessageSize, 128<<10)
	r.IdleTimeout = limit(r.IdleTimeout, 10*time.Minute)
	r.ConnectionLife = limit(r.ConnectionLife, 2*time.Hour)
	r.IntegrationTimeout = limit(r.IntegrationTimeout, maxIntegrationTimeout)
	r.ConnectRate = rate(r.ConnectRate, Throttle{Rate: 500, Burst: 500})
	r.AccountRate = rate(r.AccountRate, accountThrottle)
	r.SendBuffer = limit(r.SendBuffer, 1<<20)
	return r
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func limit[T int | time.Duration](v, awsDefault T) T {
	switch {
	case v == 0:
		return awsDefault
	case v < 0:
		return 0
	}
	return v
}

func rate(t, awsDefault Throttle) Throttle {
	switch {
	case t.Rate < 0 || t.Burst < 0:
		return Throttle{}
	case t == Throttle{}:
		return awsDefault
	}
	return t
}
