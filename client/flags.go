package main

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"kaiwa/client/raw"
	"kaiwa/client/session"
	"kaiwa/client/signin"
	"kaiwa/pkg/wire"
)

const (
	defaultURL = "ws://127.0.0.1:3001/dev"
	maxPiped   = wire.MaxPrompt + 1 // one byte more than is allowed tells that it is too much
)

// flags is the command line, with the environment where it says nothing.
type flags struct {
	url        string
	prompt     string   // -p; "": a chat, or lines
	first      string   // the positional text: a chat's first prompt
	files      []string // go with the prompt
	header     http.Header
	ping       time.Duration // as session.Options.Ping
	timeout    time.Duration // 0: none
	json       bool
	streamJSON bool
	extract    bool
	version    bool
	plain      bool     // no cursor movements, no colours
	last       bool     // -c
	resume     string   // -r
	topics     []string // of watch
	markdown   bool     // of export

	wait      raw.Wait // of raw
	times     bool
	protocols []string
	slash     bool
	frames    bool          // -P
	pingFrame time.Duration // 0: never
	listen    string

	all bool // of rm
	yes bool

	presign bool // of url
	expires time.Duration

	look     look
	signin   signin.Options
	ca       string // files
	cert     string
	key      string
	insecure bool
	proxy    string

	command string          // "": chat, or ask
	config  *session.Config // how to reach the service
	profile string
	source  map[string]string // where a flag's value comes from
	getenv  func(string) string

	out *output // standard output

	words []string // what is not a flag: the command's, or the prompt's
	text  int      // how many words came before --
}

// scripted says that the output is for a program.
func (f *flags) scripted() bool { return f.json || f.streamJSON || f.extract }

// parse reads the command line. It returns flag.ErrHelp if help was asked for.
func parse(args []string, getenv func(string) string) (*flags, error) {
	f := &flags{header: http.Header{}, getenv: getenv}
	set := f.set()
	if err := f.read(set, args); err != nil {
		return nil, err
	}
	f.bareAddress()
	if f.needsNothing() {
		f.source = map[string]string{}
		return f, f.address()
	}
	if err := f.settle(set, getenv); err != nil {
		return nil, err
	}
	switch {
	case f.ping < 0:
		return nil, errors.New("--ping must not be negative")
	case f.ping == 0:
		f.ping = -1
	}
	if f.timeout < 0 {
		return nil, errors.New("--timeout must not be negative")
	}
	if f.json && f.streamJSON || f.json && f.extract || f.streamJSON && f.extract {
		return nil, errors.New("--json, --stream-json and -x are three ways to print; choose one")
	}
	return f, f.address()
}

// needsNothing says whether the command is one that works whatever the settings
// are, even wrong ones.
func (f *flags) needsNothing() bool {
	return f.version || f.prompt == "" && f.text > 0 && len(f.words) > 0 && slices.Contains([]string{"completion", "help", "version"}, f.words[0])
}

// set is what the command line may say.
func (f *flags) set() *flag.FlagSet {
	set := flag.NewFlagSet("kaiwa", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Func("p", "", func(s string) error {
		if f.prompt = s; s == "" {
			f.prompt = "-" // an empty text: all there is comes from the pipe
		}
		return nil
	})
	set.StringVar(&f.profile, "profile", "", "")
	set.StringVar(&f.signin.Token, "token", "", "")
	set.StringVar(&f.signin.Command, "token-command", "", "")
	set.Func("token-as", "", func(s string) error {
		if f.signin.AsSubprotocol = s == "subprotocol"; !f.signin.AsSubprotocol && s != "header" {
			return errors.New("a token goes as header or as subprotocol")
		}
		return nil
	})
	set.StringVar(&f.signin.APIKey, "api-key", "", "")
	set.BoolVar(&f.signin.SigV4, "sigv4", false, "")
	set.StringVar(&f.signin.Region, "region", "", "")
	set.StringVar(&f.ca, "ca", "", "")
	set.StringVar(&f.cert, "cert", "", "")
	set.StringVar(&f.key, "key", "", "")
	set.BoolVar(&f.insecure, "insecure", false, "")
	set.StringVar(&f.proxy, "proxy", "", "")
	duration(set, &f.ping, "ping", wire.PingEvery)
	duration(set, &f.timeout, "timeout", 0)
	set.StringVar(&f.url, "url", "", "")
	set.Func("H", "", func(s string) error { return addHeader(f.header, s) })
	set.Func("f", "", func(s string) error { f.files = append(f.files, s); return nil })
	set.BoolVar(&f.json, "json", false, "")
	set.BoolVar(&f.streamJSON, "stream-json", false, "")
	set.BoolVar(&f.extract, "x", false, "")
	set.BoolVar(&f.last, "c", false, "")
	set.Func("r", "", func(s string) error {
		if f.resume = s; strings.TrimSpace(s) == "" {
			return errors.New("say an id or a title")
		}
		return nil
	})
	set.Func("topic", "", func(s string) error { f.topics = append(f.topics, s); return nil })
	set.BoolVar(&f.markdown, "md", false, "")
	set.Func("wait-for", "", func(s string) (err error) { f.wait, err = raw.ParseWait(s); return err })
	set.BoolVar(&f.times, "time", false, "")
	set.Func("s", "", func(s string) error { f.protocols = append(f.protocols, s); return nil })
	set.BoolVar(&f.slash, "slash", false, "")
	f.look.set(set)
	set.BoolVar(&f.frames, "P", false, "")
	duration(set, &f.pingFrame, "ping-frame", 0)
	set.StringVar(&f.listen, "listen", "", "")
	set.Func("auth", "", func(s string) error {
		if !strings.Contains(s, ":") {
			return errors.New("it has the form NAME:PASSWORD")
		}
		f.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s)))
		return nil
	})
	set.BoolVar(&f.all, "all", false, "")
	set.BoolVar(&f.yes, "yes", false, "")
	set.BoolVar(&f.presign, "presign", false, "")
	duration(set, &f.expires, "expires", 5*time.Minute)
	set.BoolVar(&f.plain, "plain", false, "")
	set.BoolVar(&f.version, "version", false, "")
	return set
}

// duration is a flag for a time; a bare number is one in seconds.
func duration(set *flag.FlagSet, d *time.Duration, name string, otherwise time.Duration) {
	*d = otherwise
	set.Func(name, "", func(s string) error {
		if _, err := strconv.ParseFloat(s, 64); err == nil {
			s += "s"
		}
		got, err := time.ParseDuration(s)
		if err != nil {
			return errors.New("write a time like 30s, 5m or 1h30m")
		}
		*d = got
		return nil
	})
}

// read takes flags and words in any order; after -- all is words.
func (f *flags) read(set *flag.FlagSet, args []string) error {
	for {
		if err := set.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return err
			}
			if len(f.words) > 0 && verbs()[f.words[0]].least > 0 {
				return fmt.Errorf("%w; an id that starts with - goes after --", err)
			}
			return fmt.Errorf("%w; kaiwa -h tells more", err)
		}
		rest := set.Args()
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			f.text = len(f.words)
			f.words = append(f.words, rest...)
			return nil
		}
		if len(rest) == 0 {
			f.text = len(f.words)
			return nil
		}
		f.words, args = append(f.words, rest[0]), rest[1:]
	}
}

// address sorts the words and finds the URL: given, from the environment, or the
// local service's.
func (f *flags) address() error {
	if i := slices.IndexFunc(f.words[:f.text], isURL); i >= 0 {
		if f.url != "" || slices.ContainsFunc(f.words[i+1:f.text], isURL) {
			return errors.New("give the URL once, as an argument or as --url")
		}
		f.url, f.source["url"] = f.words[i], "the command line"
		f.words = slices.Delete(f.words, i, i+1)
		f.text--
	} else if err := f.notWebSocket(); err != nil {
		return err
	}
	if err := f.sort(); err != nil {
		return err
	}
	if f.prompt != "" && f.first != "" {
		return fmt.Errorf("%q is one argument too many: -p has the prompt; kaiwa -h tells more", f.first)
	}
	if f.url == "" {
		f.url = defaultURL
	}
	return session.CheckURL(f.url)
}

// sort tells a command from a prompt: a word that is known is a command.
func (f *flags) sort() error {
	switch {
	case f.last && f.resume != "":
		return errors.New("-c and -r are two conversations; choose one")
	case f.prompt == "" && f.text > 0 && len(f.words) > 0 && verbs()[f.words[0]].run != nil:
		f.command, f.words = f.words[0], f.words[1:]
		return verbs()[f.command].check(f)
	}
	f.first = strings.Join(f.words, " ")
	return nil
}

// bareAddress lets the first word after raw be HOST:PORT, as wscat does.
func (f *flags) bareAddress() {
	words := f.words[:f.text]
	if f.prompt == "" && f.url == "" && len(words) > 1 && words[0] == "raw" && !slices.ContainsFunc(words, isURL) && hostPort.MatchString(words[1]) {
		words[1] = "ws://" + words[1]
	}
}

// notWebSocket tells of an address that would be taken for text, and sent to the
// service that the settings name.
func (f *flags) notWebSocket() error {
	words := f.words[:f.text]
	if len(words) > 0 && words[0] == "raw" {
		words = words[1:]
	}
	if len(words) == 0 || strings.ContainsAny(words[0], " \t\n") {
		return nil
	}
	if scheme, rest, _ := strings.Cut(words[0], "://"); scheme == "http" || scheme == "https" {
		return fmt.Errorf("the address of a WebSocket begins with ws: %s://%s; a text goes after --", strings.Replace(scheme, "http", "ws", 1), rest)
	}
	return nil
}

var hostPort = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]+(/\S*)?$`)

// isURL says whether a word is an address rather than text.
func isURL(word string) bool {
	return strings.HasPrefix(word, "ws://") || strings.HasPrefix(word, "wss://")
}

// addHeader takes "Name: value". One without a colon would be sent as a broken
// line.
func addHeader(h http.Header, s string) error {
	name, value, ok := strings.Cut(s, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || name == "" || strings.ContainsAny(name, " \t\r\n") || strings.ContainsAny(value, "\r\n") {
		return errors.New(`it has the form "Name: value"`)
	}
	h.Add(name, value)
	return nil
}
