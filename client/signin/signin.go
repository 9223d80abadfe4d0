// Package signin lets a user in at a service: with a bearer token, with an API
// key, or with a request signed with AWS credentials.
package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"kaiwa/client/jwt"
	"kaiwa/pkg/wire"
)

// Options say how to sign in; the zero value is for a service that lets anybody
// in.
type Options struct {
	// Token is a bearer token.
	Token string
	// Command is a shell command that prints a bearer token. It is run when there is
	// none yet, and when the last one has run out.
	Command string
	// AsSubprotocol sends the token as the subprotocol bearer.TOKEN, the way a
	// browser does; else it goes into the header Authorization.
	AsSubprotocol bool
	// APIKey goes into the header x-api-key.
	APIKey string
	// SigV4 signs with the credentials of AWS's chain: variables, profiles, SSO,
	// roles.
	SigV4 bool
	// Region is the API's. "": the one in its host name, else that of AWS's settings.
	Region string
	// Run runs Command and gives what it prints. nil: a shell does.
	Run func(ctx context.Context, command string) (string, error)
}

// SignIn signs handshakes. Its methods may be called by several goroutines.
type SignIn struct {
	opt Options
	// turn is held by whoever looks at what follows.
	turn    chan struct{}
	aws     *aws.Config
	token   string // the last one that Command printed
	expires time.Time
}

// early is how long before its end a token counts as run out: a handshake takes its
// time, and so does the first message.
const early = 30 * time.Second

// New makes a sign-in. The error is about options that exclude one another.
func New(opt Options) (*SignIn, error) {
	token := opt.Token != "" || opt.Command != ""
	switch {
	case opt.Token != "" && opt.Command != "":
		return nil, errors.New("token and token-command are two ways to give a token; choose one")
	case token && opt.SigV4 && !opt.AsSubprotocol:
		return nil, errors.New("a token and sigv4 both go into the header Authorization; choose one")
	case strings.ContainsFunc(opt.Token+opt.APIKey, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("the token or the API key has characters that none has, such as a space or the end of a line")
	}
	if opt.Run == nil {
		opt.Run = shell
	}
	return &SignIn{opt: opt, turn: make(chan struct{}, 1)}, nil
}

// Renews says whether Renew can work: there is a command to get tokens with.
func (s *SignIn) Renews() bool { return s.opt.Command != "" }

// Sign adds to a handshake what lets the user in. expires is when the token runs
// out, by its own word; zero if it has none.
func (s *SignIn) Sign(ctx context.Context, r *http.Request) (expires time.Time, err error) {
	token, expires, err := s.current(ctx)
	if err != nil {
		return expires, err
	}
	switch {
	case token == "":
	case !s.opt.AsSubprotocol:
		r.Header.Set("Authorization", "Bearer "+token)
	case !isName(token):
		return expires, errors.New("this token cannot go as a subprotocol: it has characters that no name may have")
	default:
		r.Header.Add("Sec-Websocket-Protocol", wire.SubprotocolBearer+token)
	}
	if s.opt.APIKey != "" {
		r.Header.Set("X-Api-Key", s.opt.APIKey)
	}
	if s.opt.SigV4 {
		err = s.signAWS(ctx, r)
	}
	return expires, err
}

// current is the token to use now, "" where none is needed.
func (s *SignIn) current(ctx context.Context) (token string, expires time.Time, err error) {
	if s.opt.Command == "" {
		_, expires = jwt.Validity(s.opt.Token)
		return s.opt.Token, expires, nil
	}
	if err := s.begin(ctx); err != nil {
		return "", expires, err
	}
	defer s.end()
	if s.token == "" || !s.expires.IsZero() && time.Until(s.expires) < early {
		if err := s.ask(ctx); err != nil {
			return "", expires, err
		}
	}
	return s.token, s.expires, nil
}

// Renew gets a newer token, because the service does not take the last one any
// more, or soon will not. If the command gives that one again it must be good by
// its own word: then the service may only have forgotten it.
func (s *SignIn) Renew(ctx context.Context) (token string, expires time.Time, err error) {
	if s.opt.Command == "" {
		return "", expires, errors.New("there is no token-command")
	}
	if err := s.begin(ctx); err != nil {
		return "", expires, err
	}
	defer s.end()
	old := s.token
	if err := s.ask(ctx); err != nil {
		return "", expires, err
	}
	if s.token == old && !time.Now().Before(s.expires) { // one that is still good may have been forgotten
		return "", expires, errors.New("token-command gives the same one again")
	}
	return s.token, s.expires, nil
}

func (s *SignIn) begin(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *SignIn) end() { <-s.turn }

// ask runs the command.
func (s *SignIn) ask(ctx context.Context) error {
	out, err := s.opt.Run(ctx, s.opt.Command)
	if err != nil {
		return fmt.Errorf("token-command: %w", err)
	}
	words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(out), "Bearer "))
	switch len(words) {
	case 0:
		return errors.New("token-command printed nothing; it should print a token")
	case 1:
	default:
		return fmt.Errorf("token-command printed %d words; it should print a token and nothing else", len(words))
	}
	s.token = words[0]
	_, s.expires = jwt.Validity(s.token)
	return nil
}

// isName says whether s can be a subprotocol's name: a token of RFC 9110 §5.6.2.
func isName(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return true
}
