package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kaiwa/local/stack"
)

// token prints a token of the built-in issuer of a run with -auth jwt.
func token(args []string, t terminal) int {
	fs := flag.NewFlagSet("local token", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	addr := fs.String("addr", "127.0.0.1:3001", "`address` that the run listens on")
	user := fs.String("user", stack.TokenUser, "whose token, a `name`")
	expires := fs.Duration("expires", 24*time.Hour, "`time` until it runs out; negative: it has already")
	claims := fs.String("claims", "", "further claims, a `JSON` object")
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(t.out, "usage: go run ./local token [flags]\n\nPrints a token for a run with -auth jwt.")
		fs.SetOutput(t.out)
		fs.PrintDefaults()
		return 0
	}
	if err == nil && fs.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(t.err, "local token: %v (-h lists the flags)\n", err)
		return 2
	}
	text, err := grant(context.Background(), *addr, url.Values{"user": {*user}, "expires": {expires.String()}, "claims": {*claims}})
	if err != nil {
		fmt.Fprintf(t.err, "local token: %s\n", oneLine(err))
		return 1
	}
	fmt.Fprintln(t.out, text)
	return 0
}

// grant asks a run for a token.
func grant(ctx context.Context, addr string, form url.Values) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+stack.TokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", fmt.Errorf("%w; is go run ./local -auth jwt running there?", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	text := strings.TrimSpace(string(b))
	switch {
	case err != nil:
		return "", err
	case res.StatusCode == http.StatusNotFound:
		return "", fmt.Errorf("the run at %s gives no tokens; start it with -auth jwt", addr)
	case res.StatusCode != http.StatusOK:
		return "", errors.New(text)
	}
	return text, nil
}
