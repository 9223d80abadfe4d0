package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// notice is the message of docs/notifications.md.
type notice struct {
	To struct {
		User         string `json:"user,omitempty"`
		Topic        string `json:"topic,omitempty"`
		Conversation string `json:"conversation,omitempty"`
		Connection   string `json:"connection,omitempty"`
		All          bool   `json:"all,omitempty"`
	} `json:"to,omitzero"`
	Title string          `json:"title,omitempty"`
	Text  string          `json:"text,omitempty"`
	Level string          `json:"level,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	ID    string          `json:"id,omitempty"`
	TTL   int             `json:"ttl,omitempty"`
	Ask   bool            `json:"ask,omitempty"`
}

// notify sends one notification to a run, by Invoke as any other system would.
func notify(args []string, t terminal) int {
	fs := flag.NewFlagSet("local notify", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	addr := fs.String("addr", "127.0.0.1:3001", "`address` that the run listens on")
	function := fs.String("function", "notify", "`name` of the function")
	event := fs.String("event", "", "send the JSON of this `file` as it is (- for the standard input), for example what SNS would hand over")
	var n notice
	fs.StringVar(&n.To.User, "user", "", "to all connections of this user, a `name`")
	fs.StringVar(&n.To.Topic, "topic", "", "to whoever subscribed to this topic, a `name`")
	fs.StringVar(&n.To.Conversation, "conversation", "", "to the owner of this conversation, an `id`")
	fs.StringVar(&n.To.Connection, "connection", "", "to this connection, an `id`")
	fs.BoolVar(&n.To.All, "all", false, "to everybody who is connected")
	fs.StringVar(&n.Title, "title", "", "a `title`")
	fs.StringVar(&n.Level, "level", "", "any `word`: info, warning, error, critical")
	fs.StringVar(&n.ID, "id", "", "makes a repeat harmless, an `id`")
	fs.IntVar(&n.TTL, "ttl", 0, "worth delivering for so many `seconds`")
	fs.BoolVar(&n.Ask, "ask", false, "start a reply about it, with -conversation")
	fs.Func("data", "any `JSON`, for programs", func(s string) error {
		if n.Data = json.RawMessage(s); !json.Valid(n.Data) {
			return errors.New("not JSON")
		}
		return nil
	})
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(t.out, "usage: go run ./local notify [flags] TEXT…\n\nSends a notification to a run and prints what became of it.")
		fs.SetOutput(t.out)
		fs.PrintDefaults()
		return 0
	}
	var payload []byte
	if n.Text = strings.Join(fs.Args(), " "); err == nil {
		payload, err = n.payload(*event, t.in)
	}
	if err != nil {
		fmt.Fprintf(t.err, "local notify: %s (-h lists the flags)\n", oneLine(err))
		return 2
	}
	out, err := send(context.Background(), *addr, *function, payload)
	if err != nil {
		fmt.Fprintf(t.err, "local notify: %s\n", oneLine(err))
		return 1
	}
	fmt.Fprintln(t.out, out)
	return 0
}

// payload is the event: a file as it is, or the message.
func (n notice) payload(file string, in io.Reader) ([]byte, error) {
	switch {
	case file == "-":
		return io.ReadAll(in)
	case file != "":
		return os.ReadFile(file)
	case n.Text == "" && n.Title == "" && n.Data == nil:
		return nil, errors.New("there is nothing to say: give a text")
	}
	return json.Marshal(n)
}

// send invokes a function of a run and waits for its answer.
func send(ctx context.Context, addr, function string, payload []byte) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute) // a user's inbox may have to be emptied first
	defer cancel()
	svc := lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://" + addr), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	out, err := svc.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: payload})
	if err != nil {
		return "", fmt.Errorf("%w; is go run ./local running there?", err)
	}
	if out.FunctionError == nil {
		return string(out.Payload), nil
	}
	var failed struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(out.Payload, &failed) != nil || failed.Message == "" {
		failed.Message = string(out.Payload)
	}
	return "", errors.New(failed.Message)
}
