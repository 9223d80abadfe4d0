package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"

	"kaiwa/local/bench"
	"kaiwa/local/faults"
	"kaiwa/local/stack"
)

// benchmark is the command bench: it runs kaiwa's own template and measures it.
func benchmark(args []string, t terminal) int {
	var o bench.Options
	fs := flag.NewFlagSet("local bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.IntVar(&o.Tokens, "tokens", 200, "`number` of tokens of a reply")
	fs.DurationVar(&o.Every, "every", 0, "`time` between two tokens (6ms)")
	fs.IntVar(&o.Rounds, "rounds", 5, "`number` of rounds of each case; medians are shown")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(t.out, "go run ./local bench measures the service against itself, beside one post per token:")
		fs.SetOutput(t.out)
		fs.PrintDefaults()
		return 0
	case err == nil && fs.NArg() > 0:
		err = fmt.Errorf("bench takes no argument %q", fs.Arg(0))
	case err == nil && (o.Tokens < 2 || o.Rounds < 1 || o.Every < 0):
		err = errors.New("bench needs at least 2 tokens and 1 round")
	}
	if err != nil {
		fmt.Fprintf(t.err, "local: %v (bench -h lists the flags)\n", err)
		return 2
	}
	signals := catchSignals()
	defer signals.release()
	s := &session{terminal: t, signals: signals, settings: &settings{addr: "127.0.0.1:0", serve: true, template: "template.yaml",
		params: unthrottled(), faults: &faults.Plan{}}}
	err = s.bench(signals.ctx, o)
	switch {
	case signals.ctx.Err() != nil:
		return 0
	case err != nil:
		fmt.Fprintf(t.err, "local: %s\n", oneLine(err))
		return 1
	}
	return 0
}

// unthrottled parameters: the stage's own limit is there for the bill, and would
// be what is measured.
func unthrottled() map[string]string {
	return map[string]string{"ThrottleRate": "10000", "ThrottleBurst": "5000"}
}

func (s *session) bench(ctx context.Context, o bench.Options) error {
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
	opt.FunctionLog, opt.Logger = nil, nil
	st, err := stack.Start(ctx, l, p.template, p.functions, opt)
	if err != nil {
		return err
	}
	defer s.end(st)
	return bench.Run(ctx, st, o, s.out)
}
