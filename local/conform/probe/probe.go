// Package probe is the function that the conformance table asks through: it
// records every event it gets, does what the event tells it to, and gives the
// records back. One function serves $connect, $disconnect, every message route and
// the authorizer of a probe stack (local/conform/probe.yaml).
//
// A connect says what to do in its query, a message in its body:
//
//	wss://…/open?probe=KEY&do=COMMAND     for $connect; authorize=COMMAND for the authorizer
//	{"action":"twoway","do":COMMAND}
//
// COMMAND is a [Command] as JSON. Anything else is recorded and answered with 200.
package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Command is what one event asks for. The zero value answers {"statusCode":200},
// from an authorizer a policy that allows.
type Command struct {
	// Sleep is a number of milliseconds before anything else.
	Sleep int `json:"sleep,omitempty"`
	// Post is posted to the event's own connection; how that went is recorded, with
	// the kind POST.
	Post string `json:"post,omitempty"`
	// Throw fails with this message.
	Throw string `json:"throw,omitempty"`
	// Answer is returned as it is, but for $methodArn, and for $fill, which stands
	// for Fill times x.
	Answer json.RawMessage `json:"answer,omitempty"`
	Fill   int             `json:"fill,omitempty"`
	// Echo makes the event itself the body of the answer.
	Echo bool `json:"echo,omitempty"`
	// List makes the records under this key the body of the answer.
	List string `json:"list,omitempty"`
	// Describe makes the stack's description the body of the answer.
	Describe bool `json:"describe,omitempty"`
}

// Record is one thing that happened.
type Record struct {
	// Kind is the event's type, CONNECT, MESSAGE, DISCONNECT or REQUEST; or POST.
	Kind string `json:"kind"`
	// Event as it came, but for a long body, which is left out; none with POST.
	Event json.RawMessage `json:"event,omitempty"`
	// BodyBytes is the length of the event's body.
	BodyBytes int `json:"bodyBytes,omitempty"`
	// Outcome of a POST: "200", or the error.
	Outcome string `json:"outcome,omitempty"`
}

// Log keeps records. A connect's are kept under its connection id and under the
// key in its query; an authorizer's under that key alone; the others under the
// connection id.
type Log interface {
	Add(ctx context.Context, key string, r Record) error
	// List returns the records under key, oldest first.
	List(ctx context.Context, key string) ([]Record, error)
}

// Poster posts to connections of the stack's APIs, which their stages tell apart.
type Poster interface {
	Post(ctx context.Context, stage, connection string, data []byte) error
}

// Stack describes a deployed probe stack. The template puts it, as JSON, into the
// function's variable STACK.
type Stack struct {
	// APIs are the socket addresses, wss://…, by stage name.
	APIs map[string]string `json:"apis"`
	// APIKey opens the APIs that ask for one.
	APIKey  string `json:"apiKey"`
	Region  string `json:"region"`
	Account string `json:"account"`
	// Async tells that the API open has the asynchronous route.
	Async bool `json:"async"`
}

// Function is the probe.
type Function struct {
	Log    Log
	Poster Poster
	Stack  Stack
}

// postTimeout is for a post that is never answered, as some say of one to a
// connection that is not there yet (aws-facts §4).
const postTimeout = 3 * time.Second

// event is the part of an event that the probe reads.
type event struct {
	Type           string            `json:"type"` // of the authorizer's only
	MethodARN      string            `json:"methodArn"`
	Query          map[string]string `json:"queryStringParameters"`
	Body           string            `json:"body"`
	RequestContext struct {
		EventType    string `json:"eventType"`
		ConnectionID string `json:"connectionId"`
		Stage        string `json:"stage"`
	} `json:"requestContext"`
}

// Handle is the Lambda handler.
func (f *Function) Handle(ctx context.Context, raw json.RawMessage) (json.RawMessage, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	command, err := e.command()
	if err != nil {
		return nil, err
	}
	if command.List == "" && !command.Describe { // asking leaves no trace
		kept, err := withoutLongBody(raw, e)
		if err == nil {
			err = f.record(ctx, e, Record{Kind: e.kind(), Event: kept, BodyBytes: len(e.Body)})
		}
		if err != nil {
			return nil, err
		}
	}
	if !wait(ctx, time.Duration(command.Sleep)*time.Millisecond) {
		return nil, ctx.Err()
	}
	if command.Post != "" {
		if err := f.record(ctx, e, Record{Kind: "POST", Outcome: f.post(ctx, e, command.Post)}); err != nil {
			return nil, err
		}
	}
	if command.Throw != "" {
		return nil, errors.New(command.Throw)
	}
	return f.answer(ctx, e, command, raw)
}

// longBody would not fit into an answer, which is a message itself.
const longBody = 16 << 10

func withoutLongBody(raw json.RawMessage, e event) (json.RawMessage, error) {
	if len(e.Body) < longBody {
		return raw, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	delete(fields, "body")
	return json.Marshal(fields)
}

func (e event) kind() string {
	if e.Type != "" {
		return e.Type
	}
	return e.RequestContext.EventType
}

// command finds what the event asks for. A body that is no JSON object asks for
// nothing.
func (e event) command() (c Command, err error) {
	text := e.Query["do"]
	switch e.kind() {
	case "REQUEST":
		text = e.Query["authorize"]
	case "MESSAGE":
		var message struct {
			Do json.RawMessage `json:"do"`
		}
		_ = json.Unmarshal([]byte(e.Body), &message) // not JSON: nothing to do
		text = string(message.Do)
	}
	if text == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("decode command: %w", err)
	}
	return c, nil
}

func (f *Function) record(ctx context.Context, e event, r Record) error {
	for _, key := range []string{e.RequestContext.ConnectionID, e.Query["probe"]} {
		if key == "" || key == e.RequestContext.ConnectionID && r.Kind == "REQUEST" {
			continue
		}
		if err := f.Log.Add(ctx, key, r); err != nil {
			return fmt.Errorf("record %s: %w", r.Kind, err)
		}
	}
	return nil
}

func (f *Function) post(ctx context.Context, e event, text string) string {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	err := f.Poster.Post(ctx, e.RequestContext.Stage, e.RequestContext.ConnectionID, []byte(text))
	switch {
	case ctx.Err() != nil:
		return fmt.Sprintf("no answer within %v", postTimeout)
	case err != nil:
		return err.Error()
	}
	return "200"
}

func (f *Function) answer(ctx context.Context, e event, c Command, raw json.RawMessage) (json.RawMessage, error) {
	switch {
	case c.List != "":
		records, err := f.Log.List(ctx, c.List)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", c.List, err)
		}
		return withBody(records)
	case c.Describe:
		return withBody(f.Stack)
	case c.Echo:
		return withBody(raw)
	case c.Answer == nil && e.Type != "":
		c.Answer = json.RawMessage(`{"principalId":"probe","policyDocument":{"Version":"2012-10-17","Statement":` +
			`[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"$methodArn"}]}}`)
	case c.Answer == nil:
		return json.RawMessage(`{"statusCode":200}`), nil
	}
	fill := strings.NewReplacer("$methodArn", e.MethodARN, "$fill", strings.Repeat("x", c.Fill))
	return json.RawMessage(fill.Replace(string(c.Answer))), nil
}

func withBody(v any) (json.RawMessage, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return json.Marshal(map[string]any{"statusCode": 200, "body": string(body)})
}

func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
