package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"kaiwa/local/bench/gateway"
	"kaiwa/local/faults"
	"kaiwa/local/stack"
)

// gatewayTemplate is what bench gateway runs, from the module's folder.
const gatewayTemplate = "local/bench/gateway/template.yaml"

// benchmarkGateway is the command bench gateway.
func benchmarkGateway(args []string, t terminal) int {
	var o gateway.Options
	fs := flag.NewFlagSet("local bench gateway", flag.ContinueOnError)
	fs.IntVar(&o.Idle, "idle", 10_000, "`number` of connections that are only held")
	fs.IntVar(&o.Connections, "connections", 100, "`number` of connections that echo")
	fs.DurationVar(&o.For, "for", 0, "`time` of each measurement (3s)")
	fs.IntVar(&o.Rounds, "rounds", 3, "`number` of measurements of each way; medians are shown")
	help := "go run ./local bench gateway measures the emulated gateway beside servers that do as little as possible:"
	if code, done := parseBench(fs, args, t, help, func() error {
		if o.Idle < 1 || o.Connections < 1 || o.Rounds < 1 || o.For < 0 {
			return errors.New("bench gateway needs at least 1 connection of each kind and 1 round")
		}
		return nil
	}); done {
		return code
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintf(t.err, "local: %s\n", oneLine(err))
		return 1
	}
	o.Clients = []string{self, "bench", clientsCommand}
	s := &session{terminal: t, settings: &settings{addr: "127.0.0.1:0", serve: true, template: gatewayTemplate,
		params: map[string]string{}, faults: &faults.Plan{}}}
	return s.measure(func(ctx context.Context, st *stack.Stack, p *prepared) error {
		o.Function = p.functions[0].Command // there is one
		return gateway.Run(ctx, st, o, t.out)
	})
}

// clientsCommand is how bench gateway calls this program for its clients.
const clientsCommand = "clients"

func benchmarkClients(t terminal) int {
	signals := catchSignals()
	defer signals.release()
	if err := gateway.Load(signals.ctx, t.in, t.out); err != nil && signals.ctx.Err() == nil {
		fmt.Fprintln(t.err, oneLine(err))
		return 1
	}
	return 0
}

// parseBench reads the flags of a benchmark. done means that all is said, with the
// exit code.
func parseBench(fs *flag.FlagSet, args []string, t terminal, help string, check func() error) (code int, done bool) {
	fs.SetOutput(io.Discard)
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(t.out, help)
		fs.SetOutput(t.out)
		fs.PrintDefaults()
		return 0, true
	case err == nil && fs.NArg() > 0:
		err = fmt.Errorf("%s takes no argument %q", fs.Name(), fs.Arg(0))
	case err == nil:
		err = check()
	}
	if err != nil {
		fmt.Fprintf(t.err, "local: %v (-h lists the flags)\n", err)
		return 2, true
	}
	return 0, false
}
