package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"kaiwa/client/session"
	"kaiwa/pkg/wire"
)

const usage = `kaiwa talks to a kaiwa service.

  kaiwa [flags] [URL]            chat (URL: ws://… or wss://…)
  kaiwa -p TEXT [flags] [URL]    ask one thing: the reply on stdout, all else on stderr
  kaiwa [flags] [URL] < prompts  one prompt a line, one reply after the other

Without URL it takes KAIWA_URL, and without that ws://127.0.0.1:3001/dev, which
is where "go run ./local" listens.

  -p TEXT          the prompt; what is piped in follows it. -p - takes the pipe alone
  -H 'Name: value' a header of the handshake; repeatable
  --token TOKEN    sent as Authorization: Bearer TOKEN (default: KAIWA_TOKEN)
  --ping 25s       how often to ping when nothing else goes; 0 for never
  --url URL        the same as URL

  git diff | kaiwa -p "write a commit message" > message.txt
  kaiwa --token "$(cat token)" wss://chat.example.com/prod

Exit codes: 0 reply complete, 1 error from the service, 2 usage, 3 not
authorised, 4 cannot connect, 5 lost before the end, 6 refused (busy, rate
limit), 130 stopped by ^C.
`

const (
	defaultURL = "ws://127.0.0.1:3001/dev"
	maxPiped   = wire.MaxPrompt + 1 // one byte more than is allowed tells that it is too much
)

// flags is the command line, with the environment where it says nothing.
type flags struct {
	url    string
	prompt string // "": a chat, or lines
	header http.Header
	ping   time.Duration // as session.Options.Ping
}

// parse reads the command line. It returns flag.ErrHelp if help was asked for.
func parse(args []string, getenv func(string) string) (*flags, error) {
	f := &flags{header: http.Header{}}
	set := flag.NewFlagSet("kaiwa", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	prompt := set.String("p", "", "")
	token := set.String("token", getenv("KAIWA_TOKEN"), "")
	ping := set.Duration("ping", wire.PingEvery, "")
	set.StringVar(&f.url, "url", "", "")
	set.Func("H", "", func(s string) error { return addHeader(f.header, s) })
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, fmt.Errorf("%w; kaiwa -h tells more", err)
	}
	set.Visit(func(g *flag.Flag) {
		if f.prompt = *prompt; g.Name == "p" && *prompt == "" {
			f.prompt = "-" // an empty text: all there is comes from the pipe
		}
	})
	if *token != "" {
		f.header.Set("Authorization", "Bearer "+*token)
	}
	switch f.ping = *ping; {
	case *ping < 0:
		return nil, errors.New("--ping must not be negative")
	case *ping == 0:
		f.ping = -1
	}
	return f, f.address(set.Args(), getenv)
}

// address finds the URL: given, from the environment, or the local service's.
func (f *flags) address(args []string, getenv func(string) string) error {
	switch {
	case len(args) > 1:
		return fmt.Errorf("%q is one argument too many; kaiwa -h tells more", args[1])
	case len(args) == 1 && f.url != "":
		return errors.New("give the URL once, as an argument or as --url")
	case len(args) == 1:
		f.url = args[0]
	case f.url == "":
		f.url = getenv("KAIWA_URL")
	}
	if f.url == "" {
		f.url = defaultURL
	}
	return session.CheckURL(f.url)
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
