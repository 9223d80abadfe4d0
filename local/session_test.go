package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kaiwa/local/stack"
	"kaiwa/pkg/emu/sam"
)

// mock is an API without functions.
const mock = `
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: mock, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: dev, AutoDeploy: true}
`

// When the listener fails, the chat ends too, and the error says why.
func TestListenerFails(t *testing.T) {
	t.Setenv(asClient, "1")
	template, err := sam.Parse("mock.yaml", []byte(mock), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, client := range map[string]string{"chat": os.Args[0], "serve": ""} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		st, err := stack.Start(t.Context(), l, template, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		in, keys, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		s := &session{settings: defaults(), terminal: terminal{in, os.Stderr, os.Stderr}, signals: &signals{}}
		l.Close()
		code, err := s.untilOver(t.Context(), &prepared{client: client}, st)
		if err == nil || !strings.HasPrefix(err.Error(), "the listener failed: ") || code != 0 {
			t.Errorf("%s: exit %d, error %v", name, code, err)
		}
		keys.Close()
		in.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if err := st.Close(ctx); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
		cancel()
	}
}

func TestTellKilled(t *testing.T) {
	for _, c := range []struct {
		functions []string
		want      string
	}{
		{[]string{"A"}, "1 function did not end within 3 s and was killed: A"},
		{[]string{"A", "B"}, "2 functions did not end within 3 s and were killed: A, B"},
	} {
		if got := tellKilled(c.functions); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// A template's folder is its own from run to run, and goes when the template has.
func TestCache(t *testing.T) {
	base := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", base)
	t.Setenv("HOME", base) // where other systems look
	gone, here := filepath.Join(base, "gone"), filepath.Join(base, "here")
	for _, dir := range []string{gone, here} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	open := func(folder string) string {
		t.Helper()
		c, err := openCache(folder)
		if err != nil {
			t.Fatal(err)
		}
		c.close()
		if _, err := os.Stat(c.dir); err != nil {
			t.Errorf("does not last: %v", err)
		}
		return c.dir
	}
	first := open(gone)
	if open(gone) != first || open(here) == first {
		t.Error("folders are mixed up")
	}
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	open(here)
	if _, err := os.Stat(first); !os.IsNotExist(err) {
		t.Errorf("the folder of a template that is gone: %v", err)
	}
}

// Without a home nothing lasts.
func TestCacheWithoutHome(t *testing.T) {
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, "")
	}
	c, err := openCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.dir); err != nil {
		t.Error(err)
	}
	c.close()
	if _, err := os.Stat(c.dir); !os.IsNotExist(err) {
		t.Errorf("left behind: %v", err)
	}
}
