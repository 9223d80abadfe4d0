package raw

import (
	"context"
	"net"
	"net/http"

	"github.com/coder/websocket"
)

// Accept waits until a program connects to l, and gives that connection; l is
// closed. Whoever comes after it is refused.
func Accept(ctx context.Context, l net.Listener, subprotocols []string) (*websocket.Conn, error) {
	came := make(chan *websocket.Conn, 1)
	first := make(chan struct{}, 1)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case first <- struct{}{}:
		default:
			http.Error(w, "somebody else is connected", http.StatusServiceUnavailable)
			return
		}
		// Pages of any origin may connect: it is a tool for trying them.
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: subprotocols, InsecureSkipVerify: true})
		if err != nil { // it was told
			<-first
			return
		}
		came <- conn
	})}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	defer func() { _ = s.Close(); <-done }()
	select {
	case conn := <-came:
		return conn, nil
	case err := <-done:
		done <- err
		return nil, err
	case <-ctx.Done():
		_ = s.Close()
		select {
		case conn := <-came:
			_ = conn.CloseNow()
		default:
		}
		return nil, ctx.Err()
	}
}
