package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"kaiwa/local/conform"
	"kaiwa/local/faults"
	"kaiwa/local/stack"
)

const conformHelp = `usage: go run ./local conform [flags]

Asks an API Gateway WebSocket API how it behaves and compares that, row by row,
with what is known of AWS. Without -url it asks our own emulator. To ask AWS:

	sam build -t local/conform/probe.yaml && sam deploy --stack-name conform
	go run ./local conform -url wss://…/open
	sam delete --stack-name conform

It exits with 1 if something differs.`

// asking is what the command line of conform says.
type asking struct {
	url string
	conform.Options
}

// conformance is the command conform.
func conformance(args []string, t terminal) int {
	a, err := parseConform(args, t.out)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(t.err, "local: %v (conform -h lists the flags)\n", err)
		return 2
	}
	signals := catchSignals()
	defer signals.release()
	s := &session{terminal: t, signals: signals, settings: &settings{addr: "127.0.0.1:0", serve: true,
		template: "local/conform/probe.yaml", params: map[string]string{}, faults: &faults.Plan{}}}
	var sum conform.Summary
	if a.url != "" {
		sum, err = s.ask(signals.ctx, conform.Target{URL: a.url, Credentials: s.credentials(signals.ctx)}, a.Options)
	} else {
		sum, err = s.askOurselves(signals.ctx, a.Options)
	}
	if err != nil {
		fmt.Fprintf(t.err, "local: %s\n", oneLine(err))
		return 1
	}
	fmt.Fprintln(t.out, sum)
	if sum[conform.Differs] > 0 {
		return 1
	}
	return 0
}

func parseConform(args []string, help io.Writer) (a asking, err error) {
	fs := flag.NewFlagSet("local conform", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Func("url", "ask the probe stack with this `address`, its output Url; callbacks are signed with the AWS credentials of the ordinary chain", func(text string) error {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" || u.RawQuery != "" {
			return errors.New("want an address like wss://abc.execute-api.REGION.amazonaws.com/open")
		}
		a.url = strings.TrimSuffix(text, "/")
		return nil
	})
	fs.BoolVar(&a.Slow, "slow", false, "ask also what takes time, and really wait: two hours in all")
	fs.IntVar(&a.Parallel, "parallel", 4, "ask this `number` of rows at once; each has a few connections and invocations")
	fs.Func("run", "ask only rows that match this `regexp`, like '§4' or 'authorizer'", func(text string) error {
		like, err := regexp.Compile(text)
		if err != nil {
			return err
		}
		a.Rows = nil
		for _, r := range conform.Rows() {
			if like.MatchString("§" + r.Section + " " + r.Fact) {
				a.Rows = append(a.Rows, r)
			}
		}
		if a.Rows == nil {
			return errors.New("no row matches")
		}
		return nil
	})
	err = fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(help, conformHelp)
		fs.SetOutput(help)
		fs.PrintDefaults()
	case err == nil && fs.NArg() > 0:
		err = fmt.Errorf("conform takes no argument %q", fs.Arg(0))
	case err == nil && a.Parallel < 1:
		err = errors.New("-parallel: want at least 1")
	}
	return a, err
}

// forCredentials is how long the ordinary chain may look; it may ask a server that
// is not there.
const forCredentials = 10 * time.Second

// credentials are those of the ordinary chain, nil if there are none.
func (s *session) credentials(ctx context.Context) aws.CredentialsProvider {
	ctx, cancel := context.WithTimeout(ctx, forCredentials)
	defer cancel()
	c, err := config.LoadDefaultConfig(ctx)
	if err == nil {
		_, err = c.Credentials.Retrieve(ctx)
	}
	if err != nil {
		fmt.Fprintf(s.err, "no AWS credentials (%s): what needs them is not asked\n", oneLine(err))
		return nil
	}
	return c.Credentials
}

// askOurselves runs the probe stack here and asks it.
func (s *session) askOurselves(ctx context.Context, o conform.Options) (conform.Summary, error) {
	if err := s.atHome(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return nil, addressError(s.addr, err)
	}
	defer l.Close()
	p, err := s.prepare(ctx, l.Addr())
	if err != nil {
		return nil, err
	}
	defer p.close()
	opt := s.options(p)
	opt.FunctionLog, opt.Report, opt.Logger = nil, nil, nil // what is asked for makes functions fail
	st, err := stack.Start(ctx, l, p.template, p.functions, opt)
	if err != nil {
		return nil, err
	}
	defer s.end(st)
	who := st.Access()
	return s.ask(ctx, conform.Target{
		URL:         st.URL(),
		Credentials: credentials.NewStaticCredentialsProvider(who.AccessKeyID, who.SecretAccessKey, ""),
		Quiet:       quietHere,
	}, o)
}

// atHome refuses to look for a template of kaiwa's own where there is none.
func (s *session) atHome() error {
	if _, err := os.Stat(s.template); err != nil {
		return fmt.Errorf("%s is not here: run this in kaiwa's own folder", s.template)
	}
	return nil
}

// quietHere is long enough where nothing travels.
const quietHere = 500 * time.Millisecond

func (s *session) ask(ctx context.Context, t conform.Target, o conform.Options) (conform.Summary, error) {
	asked, err := conform.Open(ctx, t)
	if err != nil {
		return nil, err
	}
	defer asked.Close()
	return conform.Run(ctx, asked, o, s.out)
}
