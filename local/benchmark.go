package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"

	"kaiwa/local/bench"
	"kaiwa/local/faults"
	"kaiwa/local/stack"
)

// benchmark is the command bench: it runs kaiwa's own template and measures it, or
// what its first argument names.
func benchmark(args []string, t terminal) int {
	if len(args) > 0 {
		switch args[0] {
		case "broadcast":
			return benchmarkBroadcast(args[1:], t)
		case "gateway":
			return benchmarkGateway(args[1:], t)
		case clientsCommand:
			return benchmarkClients(t)
		}
	}
	var o bench.Options
	fs := flag.NewFlagSet("local bench", flag.ContinueOnError)
	fs.IntVar(&o.Tokens, "tokens", 200, "`number` of tokens of a reply")
	fs.DurationVar(&o.Every, "every", 0, "`time` between two tokens (6ms)")
	fs.IntVar(&o.Rounds, "rounds", 5, "`number` of rounds of each case; medians are shown")
	help := "go run ./local bench measures the service against itself, beside one post per token (bench gateway -h: the gateway; bench broadcast -h: notifications):"
	if code, done := parseBench(fs, args, t, help, func() error {
		if o.Tokens < 2 || o.Rounds < 1 || o.Every < 0 {
			return errors.New("bench needs at least 2 tokens and 1 round")
		}
		return nil
	}); done {
		return code
	}
	s := &session{terminal: t, settings: &settings{addr: "127.0.0.1:0", serve: true, template: "template.yaml",
		params: unthrottled(), faults: &faults.Plan{}}}
	return s.measure(func(ctx context.Context, st *stack.Stack, _ *prepared) error { return bench.Run(ctx, st, o, t.out) })
}

// unthrottled parameters: the limits are there for the bill, and would be what is
// measured. What a user's prompts take is counted all the same, which takes its time.
func unthrottled() map[string]string {
	return map[string]string{"ThrottleRate": "10000", "ThrottleBurst": "5000", "MessagesPerSecond": "1000",
		"UserReplies": "100000", "UserPromptsPerMinute": "1000000", "UserTokensPerDay": "1000000000", "UserConversations": "1000000",
		"UserConnections": "0"}
}

// measure starts the template for run and gives the exit code.
func (s *session) measure(run func(context.Context, *stack.Stack, *prepared) error) int {
	s.signals = catchSignals()
	defer s.signals.release()
	err := s.measured(s.signals.ctx, run)
	switch {
	case s.signals.ctx.Err() != nil:
		return 0
	case err != nil:
		fmt.Fprintf(s.err, "local: %s\n", oneLine(err))
		return 1
	}
	return 0
}

func (s *session) measured(ctx context.Context, run func(context.Context, *stack.Stack, *prepared) error) error {
	if err := s.atHome(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return addressError(s.addr, err)
	}
	defer l.Close()
	p, err := s.prepare(ctx, l.Addr())
	if err != nil {
		return err
	}
	defer p.close()
	opt := s.options(p)
	opt.FunctionLog, opt.Report, opt.Logger, opt.Unthrottled = nil, nil, nil, true
	if s.crowd != nil { // the account's rate is what a broadcast has to keep below
		opt.Accepts, opt.Report, opt.Unthrottled = s.crowd.Accepts, s.crowd.Report, false
	}
	st, err := stack.Start(ctx, l, p.template, p.functions, opt)
	if err != nil {
		return err
	}
	defer s.end(st)
	return run(ctx, st, p)
}
