package main

import (
	"bytes"
	"errors"
	"flag"
	"reflect"
	"strings"
	"testing"
	"time"

	"kaiwa/local/faults"
)

// defaults are those of DESIGN §5.
func defaults() *settings {
	return &settings{
		addr: "127.0.0.1:3001", template: "template.yaml", params: map[string]string{}, imports: map[string]string{}, faults: &faults.Plan{},
		idle: 10 * time.Minute, life: 2 * time.Hour, integrationTimeout: 29 * time.Second, asyncRetry: time.Minute,
	}
}

func TestParse(t *testing.T) {
	plan, err := faults.Parse("post.429=1/5")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args   string
		change func(*settings)
	}{
		{"", func(*settings) {}},
		{"-addr localhost:0", func(s *settings) { s.addr = "localhost:0" }},
		{"-addr [::1]:3002", func(s *settings) { s.addr = "[::1]:3002" }},
		{"-serve", func(s *settings) { s.serve = true }},
		{"--serve --idle=30s", func(s *settings) { s.serve, s.idle = true, 30*time.Second }},
		{"-template a/b.yaml", func(s *settings) { s.template = "a/b.yaml" }},
		{"-param A=1 -param B=x=y -param C=", func(s *settings) { s.params = map[string]string{"A": "1", "B": "x=y", "C": ""} }},
		{"-import net-vpc=vpc-1 -import a=b=c", func(s *settings) { s.imports = map[string]string{"net-vpc": "vpc-1", "a": "b=c"} }},
		{"-auth iam", func(s *settings) { s.params["Auth"], s.auth = "iam", true }},
		{"-auth iam -param Auth=iam", func(s *settings) { s.params["Auth"], s.auth = "iam", true }},
		{"-auth jwt", func(s *settings) { s.params["Auth"], s.auth = "jwt", true }},
		{"-param Auth=jwt", func(s *settings) { s.params["Auth"] = "jwt" }},
		{"-model demo", func(*settings) {}},
		{"-model bedrock", func(s *settings) { s.model = model{bedrock: true} }},
		{"-model openai:http://127.0.0.1:11434#llama3.2:1b", func(s *settings) { s.model = model{url: "http://127.0.0.1:11434", name: "llama3.2:1b"} }},
		{"-dynamodb http://127.0.0.1:8000/", func(s *settings) { s.dynamodb = "http://127.0.0.1:8000" }},
		{"-watch", func(s *settings) { s.watch = true }},
		{"-data folder", func(s *settings) { s.data = "folder" }},
		{"-life 1h -integration-timeout 5s -async-retry 100ms", func(s *settings) {
			s.life, s.integrationTimeout, s.asyncRetry = time.Hour, 5*time.Second, 100*time.Millisecond
		}},
		{"-faults post.429=1/5", func(s *settings) { s.faults = plan }},
	}
	for _, tt := range tests {
		want := defaults()
		tt.change(want)
		var help bytes.Buffer
		got, err := parse(strings.Fields(tt.args), &help)
		if err != nil || help.Len() > 0 {
			t.Errorf("%s: %v, help %q", tt.args, err, &help)
			continue
		}
		if got.faults.String() != want.faults.String() {
			t.Errorf("%s: faults %s, want %s", tt.args, got.faults, want.faults)
		}
		got.faults, want.faults = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", tt.args, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ args, want string }{
		{"-nonsense", "-nonsense"},
		{"serve", `unexpected argument "serve"`},
		{"-serve again", `unexpected argument "again"`},
		{"-addr 3001", "want HOST:PORT"},
		{"-addr :3001", "only this machine"},
		{"-addr 0.0.0.0:3001", "only this machine"},
		{"-addr 192.168.0.7:3001", "only this machine"},
		{"-addr example.com:3001", "only this machine"},
		{"-param Auth", "want NAME=VALUE"},
		{"-param =x", "want NAME=VALUE"},
		{"-param A=1 -param A=2", "A is given twice"},
		{"-auth everybody", "want one of none, iam, jwt, apikey"},
		{"-auth iam -param Auth=none", "Auth is given twice"},
		{"-model gpt", "want demo, bedrock or openai:URL#MODEL"},
		{"-model openai:http://127.0.0.1:1", "openai:URL#MODEL"},
		{"-model openai:127.0.0.1#m", "openai:URL#MODEL"},
		{"-dynamodb 127.0.0.1:8000", "want a URL"},
		{"-data folder -dynamodb http://127.0.0.1:8000", "either -data or -dynamodb"},
		{"-idle 30", "want a time"},
		{"-idle 0s", "want a time"},
		{"-life -1h", "want a time"},
		{"-integration-timeout soon", "want a time"},
		{"-async-retry", "flag needs an argument"},
		{"-faults post=1", "unknown fault"},
	}
	for _, tt := range tests {
		s, err := parse(strings.Fields(tt.args), &bytes.Buffer{})
		if err == nil {
			t.Errorf("%s: %+v, want an error", tt.args, s)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q, want one line with %q", tt.args, err, tt.want)
		}
	}
}

// The help names every flag of DESIGN §5.
func TestHelp(t *testing.T) {
	var help bytes.Buffer
	if _, err := parse([]string{"-h"}, &help); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, name := range strings.Fields("addr serve template param auth model dynamodb data idle life integration-timeout async-retry faults") {
		if !strings.Contains(help.String(), "\n  -"+name) {
			t.Errorf("no -%s in the help", name)
		}
	}
}
