// Command fn is the function of lambdart's tests. The payload says what it does;
// an argument changes how it starts.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Do   string
	N    int
	Ms   int
	Addr string
	File string
	Text string
}

func main() {
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch mode {
	case "init-exit":
		os.Exit(3)
	case "init-error":
		url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
		http.Post(url, "application/json", strings.NewReader(`{"errorType":"Function.Boom","errorMessage":"no database"}`))
		os.Exit(1)
	case "hold":
		hold(os.Args[2])
	case "sigterm":
		lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM(func() { fmt.Println("got SIGTERM") }))
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fallthrough
	default:
		lambda.Start(handle)
	}
}

func handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var r request
	json.Unmarshal(raw, &r)
	switch r.Do {
	case "":
		return raw, nil
	case "error":
		return nil, errors.New(r.Text)
	case "panic":
		panic(r.Text)
	case "exit":
		os.Exit(r.N)
	case "sleep":
		fmt.Println("sleeping")
		time.Sleep(time.Duration(r.Ms) * time.Millisecond)
		return "slept", nil
	case "env":
		return os.Environ(), nil
	case "big":
		return strings.Repeat("x", r.N), nil
	case "args":
		return os.Args[1:], nil
	case "pid":
		return os.Getpid(), nil
	case "log":
		fmt.Print(r.Text)
		return nil, nil
	case "stream":
		return io.MultiReader(strings.NewReader("one "), strings.NewReader("two")), nil
	case "torn":
		return io.MultiReader(strings.NewReader("one "), torn{}), nil
	case "context":
		return describe(ctx), nil
	case "dial":
		hold(r.Addr)
	case "child":
		child := exec.Command(os.Args[0], "hold", r.Addr)
		child.Stdout = os.Stdout
		return nil, child.Start()
	case "escape": // a child in a session of its own
		child := exec.Command("setsid", os.Args[0], "hold", r.Addr)
		child.Stdout = os.Stdout
		return nil, child.Start()
	case "eat":
		return eat(r), nil
	case "flood":
		return nil, flood(r.N)
	case "count":
		return count(ctx, r)
	}
	return nil, fmt.Errorf("unknown %q", r.Do)
}

// hold keeps a connection open as long as the process lives.
func hold(addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		panic(err)
	}
	conn.Read(make([]byte, 1))
	os.Exit(0)
}

type torn struct{}

func (torn) Read([]byte) (int, error) { return 0, errors.New("torn") }

func describe(ctx context.Context) map[string]string {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return map[string]string{
		"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "trace": os.Getenv("_X_AMZN_TRACE_ID"),
		"deadline": deadline.UTC().Format(time.RFC3339Nano), "client": lc.ClientContext.Client.AppTitle,
	}
}

// eat has N MB in memory for as long as it takes to sleep.
func eat(r request) int {
	all := make([]byte, r.N<<20)
	for i := range all {
		all[i] = byte(i)
	}
	time.Sleep(time.Duration(r.Ms) * time.Millisecond)
	return int(all[len(all)/2])
}

// flood writes N MB of everything but newlines, and goes on writing afterwards.
func flood(n int) error {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	all['\n'] = 'n'
	for range n << 12 {
		if _, err := os.Stdout.Write(all); err != nil {
			return err
		}
	}
	go func() {
		for {
			fmt.Print("and more ")
		}
	}()
	return nil
}

// count notes the attempt in a file and fails the first N of them.
func count(ctx context.Context, r request) (any, error) {
	lc, _ := lambdacontext.FromContext(ctx)
	f, err := os.OpenFile(r.File, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fmt.Fprintln(f, lc.AwsRequestID)
	seen, err := os.ReadFile(r.File)
	if err != nil {
		return nil, err
	}
	if n := strings.Count(string(seen), "\n"); n <= r.N {
		fmt.Printf("failed %d\n", n)
		return nil, errors.New("not yet")
	}
	fmt.Println("done")
	return nil, nil
}
