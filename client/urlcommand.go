package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"kaiwa/client/session"
	"kaiwa/client/signin"
)

// longest is the most that AWS lets a presigned URL live.
const longest = 7 * 24 * time.Hour

// printURL prints the URL that the settings name; with --presign, one that other
// programs can connect to without credentials of their own.
func printURL(ctx context.Context, _ *session.Query, f *flags) error {
	if !f.presign {
		_, err := fmt.Fprintln(f.out, f.url)
		return err
	}
	if f.expires < time.Second || f.expires > longest {
		return usageError("--expires is between 1s and 168h, a week")
	}
	sign, err := signin.New(signin.Options{Region: f.signin.Region})
	if err != nil {
		return err
	}
	signed, until, err := sign.Presign(ctx, f.url, f.expires)
	if err != nil {
		return &session.SignError{Err: err}
	}
	say(os.Stderr, "whoever has this URL can connect with it until %s, and stay for two hours", until.Local().Format(time.DateTime))
	_, err = fmt.Fprintln(f.out, signed)
	return err
}
