package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"kaiwa/client/session"
)

// version prints what was built, with what, for what.
func version(_ context.Context, _ *session.Query, f *flags) error {
	_, err := fmt.Fprintln(f.out, built())
	return err
}

func built() string {
	name := "kaiwa"
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" {
		name += " " + info.Main.Version // go build takes it from git
	}
	return fmt.Sprintf("%s %s %s/%s", name, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
