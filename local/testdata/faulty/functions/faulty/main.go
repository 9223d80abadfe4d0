// Faulty does what a message tells it to, most of which no function should.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	if len(os.Args) > 1 { // a child
		select {}
	}
	signal.Ignore(syscall.SIGTERM)
	lambda.Start(faulty{})
}

// faulty is a lambda.Handler, which may answer with any bytes.
type faulty struct{}

func (faulty) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e events.APIGatewayWebsocketProxyRequest
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	switch e.Body {
	case "panic":
		panic("as told")
	case "exit":
		os.Exit(0)
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "hang":
		select {}
	case "garbage":
		return []byte("{\xff not JSON"), nil
	case "nothing":
		return nil, nil
	case "huge":
		return []byte(`{"statusCode":200,"body":"` + strings.Repeat("x", 7<<20) + `"}`), nil
	case "eat":
		eat()
	case "flood":
		flood()
	case "child": // in a session of its own, so that no signal to a group finds it
		if err := exec.Command("setsid", os.Args[0], "child").Start(); err != nil {
			return nil, err
		}
	case "close": // its output
		os.Stdout.Close()
		os.Stderr.Close()
	}
	return []byte(`{"statusCode":200,"body":"done"}`), nil
}

func eat() {
	var all [][]byte
	for range 1000 {
		all = append(all, []byte(strings.Repeat("x", 1<<20)))
		time.Sleep(time.Millisecond)
	}
	fmt.Println(len(all))
}

// flood prints everything but a newline, a lot of it.
func flood() {
	all := make([]byte, 1<<20)
	for i := range all {
		all[i] = byte(i)
		if all[i] == '\n' {
			all[i] = 'n'
		}
	}
	for range 2 {
		os.Stdout.Write(all)
	}
}
