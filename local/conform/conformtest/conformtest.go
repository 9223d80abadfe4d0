// Package conformtest runs the probe stack in this process, without processes and
// tables: the gateways that probe.yaml describes, with the probe called directly.
// It is for tests, which may break the gateways on purpose.
package conformtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"

	"kaiwa/local/conform"
	"kaiwa/local/conform/probe"
	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/emu/sam"
)

// Options change what is run. Nil and zero values run it as it is.
type Options struct {
	// API may change an API, Gateway its gateway's options.
	API     func(*apigw.API)
	Gateway func(*apigw.Options)
	// Function may stand before the probe, Front before everything.
	Function func(apigw.Invoker) apigw.Invoker
	Front    func(http.Handler) http.Handler
	// Wire may change what is written to clients.
	Wire func([]byte) []byte
	// Patience is the Target's.
	Patience time.Duration
}

// Stack is a running probe stack.
type Stack struct {
	// Target is how to ask it.
	Target conform.Target

	gateways map[string]*apigw.Gateway // by stage
	server   *http.Server
	owned    sync.WaitGroup
	posts    *http.Client
}

// Start runs the probe stack behind l, which it owns from now on. dial opens
// connections to l.
func Start(l net.Listener, dial func(context.Context, string, string) (net.Conn, error), o *Options) (*Stack, error) {
	if o == nil {
		o = &Options{}
	}
	template, err := sam.Load(Template(), nil)
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	who := credentials.NewStaticCredentialsProvider("AKIDCONFORM", "secret", "")
	s := &Stack{
		Target:   conform.Target{URL: "ws://" + address + "/open", Credentials: who, Dial: dial, Quiet: time.Second, Patience: o.Patience},
		gateways: map[string]*apigw.Gateway{},
		posts:    &http.Client{Transport: &http.Transport{DialContext: dial}},
	}
	about, err := describe(template, address)
	if err != nil {
		return nil, err
	}
	var fn apigw.Invoker = &function{&probe.Function{Log: &memory{}, Stack: about, Poster: &probe.Posts{
		Client: apigatewaymanagementapi.New(apigatewaymanagementapi.Options{Region: about.Region, Credentials: who, HTTPClient: s.posts}),
		APIs:   about.APIs,
	}}}
	if o.Function != nil {
		fn = o.Function(fn)
	}
	for _, api := range template.APIs() {
		if o.API != nil {
			o.API(&api)
		}
		if s.gateways[api.Stage.Name], err = apigw.New(api, fn, gatewayOptions(about, address, o.Gateway)); err != nil {
			return nil, err
		}
	}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve)}
	if o.Front != nil {
		s.server.Handler = o.Front(s.server.Handler)
	}
	if o.Wire != nil {
		l = &wire{l, o.Wire}
	}
	s.owned.Go(func() { _ = apigw.Serve(s.server, l) }) // always http.ErrServerClosed
	return s, nil
}

// Run runs the probe stack for the length of a test, on a real socket, or, if slow
// says that hours will pass, on Pipes: then t is in a bubble of testing/synctest.
func Run(t testing.TB, slow bool, o *Options) *conform.Stack {
	t.Helper()
	network := NewPipes()
	l, dial := net.Listener(network), network.Dial
	var err error
	if !slow {
		dial = (&net.Dialer{}).DialContext
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	running, err := Start(l, dial, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := running.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	s, err := conform.Open(t.Context(), running.Target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Template is the file probe.yaml.
func Template() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "probe.yaml")
}

// describe reads the description out of the function's environment, with every
// API at address.
func describe(t *sam.Template, address string) (about probe.Stack, err error) {
	for _, f := range t.Functions() {
		if f.LogicalID == "Probe" {
			err = json.Unmarshal([]byte(f.Env["STACK"]), &about)
		}
	}
	for stage := range about.APIs {
		about.APIs[stage] = "ws://" + address + "/" + stage
	}
	return about, err
}

func gatewayOptions(about probe.Stack, address string, change func(*apigw.Options)) *apigw.Options {
	o := &apigw.Options{
		Region: about.Region, AccountID: about.Account, DomainName: address,
		APIKeys: map[string]string{about.APIKey: "id-1"},
		Credentials: func(key string) (apigw.Identity, bool) {
			return apigw.Identity{SecretAccessKey: "secret", AccountID: about.Account, Caller: "AIDA", User: "AIDA",
				UserARN: "arn:aws:iam::" + about.Account + ":user/conform"}, key == "AKIDCONFORM"
		},
		VerifySignatures: true,
	}
	if change != nil {
		change(o)
	}
	return o
}

func (s *Stack) serve(w http.ResponseWriter, r *http.Request) {
	stage, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if g, ok := s.gateways[stage]; ok {
		g.ServeHTTP(w, r)
		return
	}
	w.Header().Set("X-Amzn-ErrorType", "ForbiddenException")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(`{"message":"Forbidden"}`)) // the client may be gone
}

// Close ends everything and waits for it, until ctx ends.
func (s *Stack) Close(ctx context.Context) error {
	var first error
	for _, g := range s.gateways {
		if err := g.Close(ctx); err != nil && first == nil {
			first = err
		}
	}
	s.posts.CloseIdleConnections()
	_ = s.server.Close()
	s.owned.Wait()
	return first
}

// function is an apigw.Invoker of the probe. The function Starved is throttled.
type function struct {
	probe *probe.Function
}

func (f *function) Invoke(ctx context.Context, name string, in []byte) (out []byte, functionError string, err error) {
	if strings.HasSuffix(name, "-Starved") {
		return nil, "", fmt.Errorf("invoke %s: Rate Exceeded", name)
	}
	out, err = f.probe.Handle(ctx, in)
	if err != nil {
		thrown, _ := json.Marshal(map[string]string{"errorMessage": err.Error(), "errorType": "errorString"}) // strings always can
		return thrown, "Unhandled", nil
	}
	return out, "", nil
}

// memory is a probe.Log.
type memory struct {
	mu      sync.Mutex
	records map[string][]probe.Record
}

func (m *memory) Add(_ context.Context, key string, r probe.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		m.records = map[string][]probe.Record{}
	}
	m.records[key] = append(m.records[key], r)
	return nil
}

func (m *memory) List(_ context.Context, key string) ([]probe.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]probe.Record{}, m.records[key]...), nil
}
