package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"kaiwa/local/bench/broadcast"
	"kaiwa/local/issuer"
	"kaiwa/local/stack"
	"kaiwa/pkg/emu/converse"
	"kaiwa/pkg/emu/lambdart"
)

// closeTime is what everything together has to end by itself.
const closeTime = 3 * time.Second

// session is one run, from the command line to the end.
type session struct {
	*settings
	terminal
	signals *signals
	issuer  *issuer.Issuer   // nil unless the template wants tokens of it
	crowd   *broadcast.Crowd // connections without sockets; nil but in bench broadcast
}

// run does everything in order. The error is one line for the user, the code the
// chat's.
func (s *session) run(ctx context.Context) (code int, err error) {
	// The port is taken first, and kept: the build may take long.
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return 0, addressError(s.addr, err)
	}
	defer l.Close()
	p, err := s.prepare(ctx, l.Addr())
	if err != nil {
		return 0, err
	}
	defer p.close()
	st, err := stack.Start(ctx, l, p.template, p.functions, s.options(p))
	if err != nil {
		return 0, err
	}
	defer s.end(st)
	s.announce(st, p)
	return s.untilOver(ctx, p, st)
}

// end stops everything, within closeTime.
func (s *session) end(st *stack.Stack) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	err := st.Close(ctx)
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, err := range all {
		var killed *lambdart.KilledError
		switch {
		case err == nil:
		case errors.As(err, &killed):
			fmt.Fprintln(s.err, tellKilled(killed.Functions))
		default:
			fmt.Fprintf(s.err, "local: %s\n", oneLine(err))
		}
	}
}

// tellKilled says which functions did not end by themselves.
func tellKilled(functions []string) string {
	who, were := "1 function", "was"
	if n := len(functions); n > 1 {
		who, were = fmt.Sprint(n, " functions"), "were"
	}
	return fmt.Sprintf("%s did not end within %.0f s and %s killed: %s", who, closeTime.Seconds(), were, strings.Join(functions, ", "))
}

// untilOver returns when the chat, the listener or ctx ends: the first takes the
// others with it.
func (s *session) untilOver(ctx context.Context, p *prepared, st *stack.Stack) (code int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var owned sync.WaitGroup
	defer owned.Wait()
	defer cancel(nil)
	owned.Go(func() {
		select {
		case <-st.Stopped():
			cancel(fmt.Errorf("the listener failed: %w", st.Err()))
		case <-ctx.Done():
		}
	})
	if p.watcher != nil {
		owned.Go(func() { p.watcher.Run(ctx, st.Replace) })
	}
	if p.client != "" {
		return s.chat(ctx, p, st)
	}
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

// addressError says which address cannot be had, and what to do.
func addressError(addr string, err error) error {
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		err = sys.Err
	}
	return fmt.Errorf("listen on %s: %w; choose another address with -addr", addr, err)
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// opensChat says whether there is somebody to chat with.
func (s *session) opensChat() bool { return !s.serve && term.IsTerminal(int(s.in.Fd())) }

func (s *session) options(p *prepared) *stack.Options {
	o := &stack.Options{
		Region:   p.region,
		Bedrock:  s.model.bedrock,
		DynamoDB: s.dynamodb,
		Data:     s.data,
		Environ:  os.Environ(),
		Idle:     s.idle, Life: s.life, IntegrationTimeout: s.integrationTimeout, AsyncRetry: s.asyncRetry,
		Issuer:      s.issuer,
		Faults:      s.faults,
		CAFile:      p.caFile,
		CABundle:    p.caBundle,
		FunctionLog: p.logs.Function,
		Report:      p.logs.Report,
		Logger:      p.logs.Logger(),
	}
	if s.model.url != "" {
		o.Model = converse.OpenAI(s.model.url, s.model.name, http.DefaultClient)
	}
	return o
}

// announce says what one needs to know, on stderr, and that all is ready.
func (s *session) announce(st *stack.Stack, p *prepared) {
	if p.client == "" {
		s.sayIgnored(p.template.Ignored())
	}
	for _, line := range p.notHere {
		fmt.Fprintf(s.err, "not here: %s\n", line)
	}
	for _, line := range append(slices.Clone(p.notes), st.NotJudged()...) {
		fmt.Fprintf(s.err, "note: %s\n", line)
	}
	for _, api := range p.template.APIs()[1:] {
		fmt.Fprintf(s.err, "also ws://%s/%s (%s)\n", st.Addr(), api.Stage.Name, p.template.APIPlace(api.ID).ID)
	}
	a := st.Access()
	if a.AccessKeyID != "" {
		fmt.Fprintf(s.err, "sign with AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_REGION=%s\n", a.AccessKeyID, a.SecretAccessKey, p.region)
	}
	if a.URL != st.URL() {
		fmt.Fprintf(s.err, "or connect, within a week, to %s\n", a.URL)
	}
	if a.APIKey != "" {
		fmt.Fprintf(s.err, "send the header x-api-key: %s\n", a.APIKey)
	}
	if a.Token != "" {
		fmt.Fprintf(s.err, "send a token, like: wscat -c %s -H 'Authorization: Bearer %s'\n", a.URL, a.Token)
		fmt.Fprintf(s.err, "another user's: go run ./local token -addr %s -user alice -expires 10m (to notify, it is %q)\n", st.Addr(), s.issuer.URL()+" alice")
	}
	if a.Open {
		how := "an authorizer, AWS_IAM or an API key on $connect shuts it"
		if p.template.HasParameter("Auth") {
			how = "-auth shuts it"
		}
		fmt.Fprintf(s.err, "warning: nobody is asked who they are: deployed like this, it is open to whoever finds its URL, at your cost (%s)\n", how)
	}
	if p.client == "" {
		fmt.Fprintf(s.err, "TLS on the same port, for Node.js with NODE_EXTRA_CA_CERTS=%s, for others with AWS_CA_BUNDLE, SSL_CERT_FILE, REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE=%s\n",
			p.caFile, p.caBundle)
	} else {
		fmt.Fprintf(s.err, "function logs in %s\n", p.logs.name)
	}
	fmt.Fprintf(s.out, "ready %s\n", st.URL())
}

// sayIgnored names what the template has and a run here has not: a line for each
// thing that matters, one for all types that have no meaning here.
func (s *session) sayIgnored(lines []string) {
	var types []string
	for _, line := range lines {
		if kind, _, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(kind, "AWS::") {
			types = append(types, kind)
			continue
		}
		fmt.Fprintf(s.err, "not here: %s\n", line)
	}
	if len(types) > 0 {
		fmt.Fprintf(s.err, "without effect here: %s\n", strings.Join(types, ", "))
	}
}
