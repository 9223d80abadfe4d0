package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"kaiwa/pkg/emu/lambdart"
)

// bare is a WebSocket server that does nothing but echo.
type bare struct {
	url    string
	server *http.Server
	served chan error
}

func startBare() (*bare, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &bare{url: "ws://" + l.Addr().String(), server: &http.Server{Handler: http.HandlerFunc(echo)}, served: make(chan error, 1)}
	go func() { b.served <- b.server.Serve(l) }()
	return b, nil
}

func echo(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // Accept has answered
	}
	defer ws.CloseNow()
	for {
		typ, body, err := ws.Read(context.Background()) // ends when the clients' process does
		if err != nil || ws.Write(context.Background(), typ, body) != nil {
			return
		}
	}
}

func (b *bare) close() {
	b.server.Close()
	<-b.served
}

// functionName is that of template.yaml.
const functionName = "echo"

// loop is a host of functions and an @connections that takes everything and
// delivers nothing: what a function that posts costs before there is a gateway.
type loop struct {
	host   *lambdart.Host
	server *http.Server
	served chan error
}

func startLoop(function []string) (*loop, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := lis.Addr().String()
	host := lambdart.New(&lambdart.Options{Env: map[string]string{"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "http://" + addr + "/bench"}})
	host.SetBaseURL(addr)
	if err := host.Add(lambdart.Function{Name: functionName, Command: function, Handler: "bootstrap", Timeout: 29 * time.Second}); err != nil {
		lis.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", host)
	mux.HandleFunc("POST /bench/@connections/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a caller who is gone needs no answer
		w.Header().Set("Content-Type", "application/json")
	})
	l := &loop{host: host, server: &http.Server{Handler: mux}, served: make(chan error, 1)}
	go func() { l.served <- l.server.Serve(lis) }()
	return l, nil
}

// run invokes the function from many callers, each again when it has answered.
func (l *loop) run(ctx context.Context, callers int, d time.Duration) (report, error) {
	event, err := json.Marshal(events.APIGatewayWebsocketProxyRequest{Body: echoMessage,
		RequestContext: events.APIGatewayWebsocketProxyRequestContext{ConnectionID: "L0SM9cOFvHcCIhw=", Stage: "bench", RouteKey: "echo",
			EventType: "MESSAGE", MessageDirection: "IN"}})
	if err != nil {
		return report{}, err
	}
	times := make([][]time.Duration, callers)
	began := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for i := range times {
		g.Go(func() error {
			for time.Since(began) < d {
				at := time.Now()
				if out, failed, err := l.host.Invoke(ctx, functionName, event); err != nil || failed != "" {
					return fmt.Errorf("invoke echo: %w %s %s", err, failed, out)
				}
				times[i] = append(times[i], time.Since(at))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return report{}, err
	}
	return reportOf(times, time.Since(began)), nil
}

func (l *loop) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.host.Close(ctx) // processes that do not end are killed
	l.server.Close()
	<-l.served
}

func reportOf(times [][]time.Duration, took time.Duration) report {
	all := slices.Concat(times...)
	slices.Sort(all)
	return report{RoundTrips: len(all), Took: took, P50: all[len(all)/2], P99: all[len(all)*99/100]}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
