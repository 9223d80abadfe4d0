package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"kaiwa/local/faults"
)

// settings are what the command line says (DESIGN §5).
type settings struct {
	addr     string
	serve    bool
	template string
	params   map[string]string // Auth among them when -auth is given
	auth     bool              // -auth is given
	imports  map[string]string // what other stacks export
	model    model
	dynamodb string // "" for the embedded one
	data     string // its folder, "" for memory
	watch    bool

	idle, life, integrationTimeout, asyncRetry time.Duration

	faults *faults.Plan
}

// model is who answers: the demo by default, an OpenAI-compatible server, or
// Bedrock itself.
type model struct {
	bedrock   bool
	url, name string // of the OpenAI-compatible server
}

// auths are the values of the parameter Auth that -auth can set up.
var auths = []string{"none", "iam", "jwt", "apikey"}

// parse reads the command line. Its error is one line, or flag.ErrHelp after the
// help was written.
func parse(args []string, help io.Writer) (*settings, error) {
	s := &settings{params: map[string]string{}, imports: map[string]string{}, faults: &faults.Plan{}}
	fs := flag.NewFlagSet("local", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&s.addr, "addr", "127.0.0.1:3001", "listen on this loopback `address`, plain and TLS on one port")
	fs.BoolVar(&s.serve, "serve", false, "no chat, only serve")
	fs.StringVar(&s.template, "template", "template.yaml", "the SAM template to run, a `file`")
	fs.Func("param", "a template parameter as `NAME=VALUE`; repeatable", s.setParam)
	fs.Func("import", "what another stack exports, for Fn::ImportValue, as `NAME=VALUE`; repeatable", s.setImport)
	fs.Func("auth", "short for -param Auth=…: `WHO` may connect, none (everybody, the default here), iam, jwt (tokens of an issuer in this program) or apikey; prints what a client needs", s.setAuth)
	fs.Func("model", "`WHO` answers: demo (built in), openai:URL#MODEL (any OpenAI-compatible server) or bedrock (the real one); default demo", s.setModel)
	fs.Func("dynamodb", "`URL` of another DynamoDB than the embedded one", s.setDynamoDB)
	fs.StringVar(&s.data, "data", "", "keep the embedded DynamoDB's tables in this `folder`, whatever ends the run; by default they are in memory")
	fs.BoolVar(&s.watch, "watch", false, "rebuild and replace functions whose sources change; sockets stay open, what runs ends as it began")
	fs.Func("faults", "`what` goes wrong, like post.delay=20ms,post.429=1/5,post.410=10: every fifth, the tenth only", s.setFaults)
	duration := func(d *time.Duration, name string, value time.Duration, usage string) {
		*d = value
		fs.Func(name, fmt.Sprintf("%s (default %v)", usage, value), func(text string) error { return setDuration(d, text) })
	}
	duration(&s.idle, "idle", 10*time.Minute, "close a connection after this `time` without a message")
	duration(&s.life, "life", 2*time.Hour, "close any connection after this `time`")
	duration(&s.integrationTimeout, "integration-timeout", 29*time.Second, "`time` a function has to answer a message")
	duration(&s.asyncRetry, "async-retry", time.Minute, "`time` before a failed event is tried again")

	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(help, "usage: go run ./local [flags]\n\nBuilds what the template says, runs it here and opens a chat.\nOther commands: bench, bench gateway, conform, notify, token; -h after one tells more.")
		fs.SetOutput(help)
		fs.PrintDefaults()
		return nil, err
	} else if err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if s.data != "" && s.dynamodb != "" {
		return nil, errors.New("-data is for the embedded DynamoDB: leave out either -data or -dynamodb")
	}
	return s, loopback(s.addr)
}

func (s *settings) setParam(text string) error { return set(s.params, text) }

func (s *settings) setImport(text string) error { return set(s.imports, text) }

// set notes a NAME=VALUE.
func set(values map[string]string, text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("want NAME=VALUE")
	}
	if had, ok := values[name]; ok && had != value {
		return fmt.Errorf("%s is given twice, with different values", name)
	}
	values[name] = value
	return nil
}

func (s *settings) setAuth(text string) error {
	if !slices.Contains(auths, text) {
		return fmt.Errorf("want one of %s", strings.Join(auths, ", "))
	}
	s.auth = true
	return s.setParam("Auth=" + text)
}

func (s *settings) setModel(text string) error {
	backend, isOpenAI := strings.CutPrefix(text, "openai:")
	at, name, _ := strings.Cut(backend, "#")
	switch {
	case text == "demo":
		s.model = model{}
	case text == "bedrock":
		s.model = model{bedrock: true}
	case isOpenAI && isHTTP(at) && name != "":
		s.model = model{url: at, name: name}
	default:
		return errors.New("want demo, bedrock or openai:URL#MODEL, like openai:http://127.0.0.1:11434#llama3")
	}
	return nil
}

func (s *settings) setDynamoDB(text string) error {
	if !isHTTP(text) {
		return errors.New("want a URL like http://127.0.0.1:8000")
	}
	s.dynamodb = strings.TrimSuffix(text, "/")
	return nil
}

func (s *settings) setFaults(text string) (err error) {
	s.faults, err = faults.Parse(text)
	return err
}

func setDuration(d *time.Duration, text string) error {
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		return errors.New("want a time like 30s or 10m")
	}
	*d = v
	return nil
}

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// loopback refuses what others could reach: the emulators verify next to nothing.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("-addr %s: want HOST:PORT, like 127.0.0.1:3001", addr)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("-addr %s: only this machine may reach it: want 127.0.0.1, [::1] or localhost", addr)
	}
	return nil
}
