package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"kaiwa/local/bench/broadcast"
	"kaiwa/local/faults"
	"kaiwa/local/stack"
)

// benchmarkBroadcast is the command bench broadcast.
func benchmarkBroadcast(args []string, t terminal) int {
	var o broadcast.Options
	fs := flag.NewFlagSet("local bench broadcast", flag.ContinueOnError)
	fs.IntVar(&o.Connections, "connections", 1000, "`number` of connections of the last row; each row has ten times the one before, from 1000 on")
	fs.BoolVar(&o.Topic, "topic", false, "to a topic that everybody subscribed to, instead of to all")
	fs.DurationVar(&o.Post, "post", 10*time.Millisecond, "`time` a post takes at the gateway")
	rate := fs.Int("rate", 5000, "posts a second, the parameter BroadcastRate, a `number`")
	help := "go run ./local bench broadcast sends one notification to many connections, which have no sockets:"
	if code, done := parseBench(fs, args, t, help, func() error {
		if o.Connections < 1 || *rate < 16 || o.Post < 0 {
			return errors.New("bench broadcast needs at least 1 connection and 16 posts a second")
		}
		return nil
	}); done {
		return code
	}
	plan, err := faults.Parse(fmt.Sprintf("post.delay=%v", o.Post))
	if err != nil {
		fmt.Fprintf(t.err, "local: %v\n", err)
		return 2
	}
	crowd := broadcast.NewCrowd(o.Connections)
	params := unthrottled()
	params["BroadcastRate"] = fmt.Sprint(*rate)
	s := &session{terminal: t, settings: &settings{addr: "127.0.0.1:0", serve: true, template: "template.yaml", params: params, faults: plan}}
	s.crowd = crowd
	return s.measure(func(ctx context.Context, st *stack.Stack, _ *prepared) error {
		return broadcast.Run(ctx, st, crowd, *rate, o, t.out)
	})
}
