// Package stack runs what a template describes on this machine: the emulators of
// AWS behind one loopback listener, and the functions as processes that find them
// there.
//
// Requests are told apart as AWS's own host names tell them apart, by path and
// header:
//
//	/STAGE, /STAGE/@connections/ID      the WebSocket API
//	X-Amz-Target: DynamoDB_20120810.…   DynamoDB, if it is the embedded one
//	/model/…                            Bedrock, unless it is the real one
//	/2015-03-31/functions/…             Lambda, and the Runtime API for processes
//	/_local/stats, /_local/faults       counters and faults
//	/_local/issuer/…, /_local/token     an issuer of tokens, if there is one
//
// A browser's page may open the socket, whose functions judge its origin, and
// nothing else: all other requests are refused if their Host or Origin is foreign.
package stack

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"kaiwa/local/faults"
	"kaiwa/local/listen"
	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/emu/converse"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/emu/iam"
	"kaiwa/pkg/emu/lambdart"
	"kaiwa/pkg/emu/sam"
)

// Stack is a running template.
type Stack struct {
	opt         Options
	addr        string
	url         string
	certificate tls.Certificate
	bundled     bool // CABundle has what the system trusts
	access      Access
	callers     map[string]*caller  // functions by access key
	notJudged   map[string][]string // functions whose role is not known, by the reason
	where       iam.Account
	named       named // services that are not here
	dice        faults.Dice
	host        *lambdart.Host
	apis        []*api
	model       *converse.Server // nil: AWS itself
	table       *ddb.Server      // nil: another one
	server      *http.Server
	owned       sync.WaitGroup
	closing     chan struct{} // closed by Close
	stopped     chan struct{} // closed when the listener is served no more
	err         error         // why, once stopped
}

// api is one WebSocket API of the template.
type api struct {
	id      string
	stage   string
	gateway *apigw.Gateway
}

// ErrNoAPI refuses a template that nobody could connect to.
var ErrNoAPI = errors.New("there is no WebSocket API to run")

// Start runs t behind l, which it owns from now on, and returns when everything
// is ready. functions are those of t that can run, with the command and folder of
// their processes; a route to any other answers as if it had failed. When Start
// fails nothing is left running.
func Start(ctx context.Context, l net.Listener, t *sam.Template, functions []lambdart.Function, o *Options) (*Stack, error) {
	s := &Stack{addr: l.Addr().String(), closing: make(chan struct{}), stopped: make(chan struct{})}
	if o != nil {
		s.opt = *o
	}
	if s.opt.Region == "" {
		s.opt.Region = "us-east-1"
	}
	if s.opt.Logger == nil {
		s.opt.Logger = slog.New(slog.DiscardHandler)
	}
	err := s.assemble(t, functions)
	if err == nil {
		err = s.serve(l)
	}
	if err == nil {
		err = s.createTables(ctx, t.Tables(), t.TablePlace)
	}
	if err != nil {
		l.Close()
		return nil, errors.Join(err, s.Close(ctx))
	}
	if s.opt.Faults != nil { // not before: making the tables is no part of the run
		s.dice.Use(s.opt.Faults)
	}
	return s, nil
}

// assemble makes the emulators; nothing runs yet.
func (s *Stack) assemble(t *sam.Template, functions []lambdart.Function) error {
	apis := t.APIs()
	if len(apis) == 0 {
		return ErrNoAPI
	}
	s.url = "ws://" + s.addr + "/" + apis[0].Stage.Name
	if err := s.admit(t); err != nil {
		return err
	}
	if err := s.trust(apis); err != nil {
		return err
	}
	s.host = lambdart.New(s.hostOptions(apis))
	s.host.SetBaseURL(s.addr)
	for _, f := range functions {
		f.Env = s.localise(f.Env, apis)
		f.Credentials = s.credentialsOf(f.LogicalID)
		if err := s.host.Add(f); err != nil {
			return fmt.Errorf("%s: %w", t.FunctionPlace(f.Name), err)
		}
	}
	for _, a := range apis {
		var route *apigw.RouteError
		switch err := s.addAPI(a); {
		case errors.As(err, &route):
			return fmt.Errorf("%s: %w", t.RoutePlace(a.ID, route.Key), err)
		case err != nil:
			return fmt.Errorf("%s: %w", t.APIPlace(a.ID), err)
		}
	}
	if !s.opt.Bedrock {
		s.model = converse.New(&converse.Options{Model: s.opt.Model, Logger: s.opt.Logger, Faults: s.modelFault})
	}
	return s.openTables()
}

// admit finds out who may do what: clients and functions.
func (s *Stack) admit(t *sam.Template) (err error) {
	s.callers = s.newCallers(t)
	s.where = iam.Account{Partition: "aws", Region: s.opt.Region, ID: account}
	if s.where.PartitionKey, err = partitionKeys(t.Tables()); err != nil {
		return err
	}
	s.access, err = s.newAccess(t)
	return err
}

func (s *Stack) hostOptions(apis []apigw.API) *lambdart.Options {
	return &lambdart.Options{
		Region:     s.opt.Region,
		AsyncRetry: s.opt.AsyncRetry,
		Env:        s.environment(apis),
		Logs:       s.opt.FunctionLog,
		Report:     s.opt.Report,
		Logger:     s.opt.Logger,
		Fault:      s.invokeFault,
	}
}

func (s *Stack) addAPI(a apigw.API) error {
	for _, other := range s.apis {
		if other.stage == a.Stage.Name {
			return fmt.Errorf("two APIs have a stage %s: on one listener their stages must differ", a.Stage.Name)
		}
	}
	opt := apigw.Options{
		Region:             s.opt.Region,
		DomainName:         s.addr,
		Logger:             s.opt.Logger,
		Credentials:        s.identity,
		VerifySignatures:   s.access.signed,
		APIKeys:            s.access.keys,
		Partly:             true,
		IdleTimeout:        s.opt.Idle,
		ConnectionLife:     s.opt.Life,
		IntegrationTimeout: s.opt.IntegrationTimeout,
		PostFault:          s.postFault,
		CutFault:           s.cutFault,
	}
	if s.opt.Unthrottled {
		opt.AccountRate, opt.ConnectRate = apigw.Throttle{Rate: -1}, apigw.Throttle{Rate: -1}
	}
	g, err := apigw.New(a, s.host, &opt)
	if err != nil {
		return err
	}
	s.apis = append(s.apis, &api{a.ID, a.Stage.Name, g})
	return nil
}

// serve starts the one listener.
func (s *Stack) serve(l net.Listener) error {
	s.server = &http.Server{
		Handler:           s.unserved(s.guard(s.routes())),
		ReadHeaderTimeout: time.Minute,
		// Its own way is stderr, which may be where a chat is.
		ErrorLog: slog.NewLogLogger(s.opt.Logger.Handler(), slog.LevelWarn),
	}
	s.owned.Go(func() {
		defer close(s.stopped)
		s.err = apigw.Serve(s.server, listen.Both(l, s.certificate))
	})
	if s.table != nil {
		s.owned.Go(s.sweep)
	}
	return nil
}

// URL is the address of the first API's sockets, like ws://127.0.0.1:3001/dev.
func (s *Stack) URL() string { return s.url }

// Addr is the listener's address.
func (s *Stack) Addr() string { return s.addr }

// Access is what a client needs to be let in.
func (s *Stack) Access() Access { return s.access }

// Stopped is closed when the listener is served no more: by Close, or because it
// failed, which Err tells.
func (s *Stack) Stopped() <-chan struct{} { return s.stopped }

// Err is why the listener failed, once Stopped is closed; nil after Close.
func (s *Stack) Err() error {
	if errors.Is(s.err, http.ErrServerClosed) {
		return nil
	}
	return s.err
}

// Close ends everything: sockets with 1001, functions, listener. It returns when
// nothing is left; what has not ended by itself when ctx does is cut short, of which
// a *lambdart.KilledError tells. It is called once.
func (s *Stack) Close(ctx context.Context) error {
	close(s.closing)
	var errs []error
	for _, a := range s.apis {
		if err := a.gateway.Close(ctx); !errors.Is(err, ctx.Err()) { // for clients or functions, and the host tells of those
			errs = append(errs, err)
		}
	}
	if s.host != nil {
		errs = append(errs, s.host.Close(ctx))
	}
	if s.server != nil && s.server.Shutdown(ctx) != nil {
		errs = append(errs, s.server.Close())
	}
	s.owned.Wait()
	if s.table != nil {
		errs = append(errs, s.table.Close())
	}
	errs = append(errs, s.distrust())
	return errors.Join(errs...)
}
