package bedrock_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"kaiwa/pkg/bedrock"
	"kaiwa/pkg/chat"
	"kaiwa/pkg/emu/converse"
)

// TestMain fails on streams left open: each holds goroutines of the SDK.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	tick, limit := time.NewTicker(5*time.Millisecond), time.After(10*time.Second)
	for code == 0 && runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-limit:
			fmt.Fprintln(os.Stderr, "goroutines leaked:")
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = 1
		}
	}
	os.Exit(code)
}

const modelID = "anthropic.claude-sonnet-4-5-20250929-v1:0"

// environment is what the functions' mains load: it alone says where Bedrock is.
func environment(t *testing.T, endpoint string) aws.Config {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for k, v := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_BEARER_TOKEN_BEDROCK": "", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": endpoint,
	} {
		t.Setenv(k, v)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// start is a model behind the emulated Bedrock, on a real socket.
func start(t *testing.T, o bedrock.Options, emu *converse.Options) (*bedrock.Model, *converse.Server) {
	t.Helper()
	endpoint, s := converse.Start(t, emu)
	if o.ModelID == "" {
		o.ModelID = modelID
	}
	return bedrock.New(environment(t, endpoint), o), s
}

// scripted is a model that says what a test wants.
type scripted func(ctx context.Context, emit func(converse.Event) error) error

func (f scripted) Stream(ctx context.Context, _ converse.Request, emit func(converse.Event) error) error {
	return f(ctx, emit)
}

func user(text string) chat.Prompt {
	return chat.Prompt{Messages: []chat.Message{{Role: chat.User, Text: text}}}
}

// heard is all that one Converse gave.
type heard struct {
	chunks []chat.Chunk
	err    error
}

func ask(ctx context.Context, m *bedrock.Model, p chat.Prompt) heard {
	var h heard
	h.err = m.Converse(ctx, p, func(c chat.Chunk) { h.chunks = append(h.chunks, c) })
	return h
}

func (h heard) text() string {
	var b strings.Builder
	for _, c := range h.chunks {
		b.WriteString(c.Text)
	}
	return b.String()
}

func (h heard) stops() (reasons []string) {
	for _, c := range h.chunks {
		if c.Stop != "" {
			reasons = append(reasons, c.Stop)
		}
	}
	return reasons
}

// outcomes is a logger for the emulator that tells how each call ended.
func outcomes() (*slog.Logger, <-chan string) {
	ch := make(chan string, 100)
	return slog.New(outcomeHandler(ch)), ch
}

type outcomeHandler chan string

func (h outcomeHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h outcomeHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h outcomeHandler) WithGroup(string) slog.Handler            { return h }
func (h outcomeHandler) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "outcome" {
			h <- a.Value.String()
		}
		return true
	})
	return nil
}

// refusing answers every call with one error.
func refusing(status int, exception string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if exception != "" {
			w.Header().Set("X-Amzn-ErrorType", exception)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, `{"message":"no"}`)
	})
}
