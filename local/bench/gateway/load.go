package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

// job is what the other process, the clients, is asked to do.
type job struct {
	URL         string `json:"url"`
	Connections int    `json:"connections"`
	// Message is sent again and again by every connection, each time when
	// something has come back, for as long as For says. "" sends nothing.
	Message string        `json:"message"`
	For     time.Duration `json:"for"`
}

// report is what the clients saw.
type report struct {
	OpenedIn   time.Duration `json:"openedIn"` // all connections
	RoundTrips int           `json:"roundTrips"`
	Took       time.Duration `json:"took"`
	P50        time.Duration `json:"p50"`
	P99        time.Duration `json:"p99"`
}

func (r report) rate() float64 { return float64(r.RoundTrips) / r.Took.Seconds() }

// opening is how many handshakes are under way at once.
const opening = 32

// Load is the other process: it reads one job from in, does it, writes a report to
// out and keeps the connections open until in ends. Clients have a process of their
// own so that the gateway's memory is the gateway's.
func Load(ctx context.Context, in io.Reader, out io.Writer) error {
	jobs := json.NewDecoder(in)
	var j job
	if err := jobs.Decode(&j); err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	began := time.Now()
	sockets, err := openAll(ctx, j)
	defer closeAll(sockets)
	if err != nil {
		return err
	}
	r := report{OpenedIn: time.Since(began)}
	if j.Message != "" {
		if err := converse(ctx, j, sockets, &r); err != nil {
			return err
		}
	}
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in) // until the other side has measured what it wanted
	return err
}

func openAll(ctx context.Context, j job) ([]*websocket.Conn, error) {
	sockets := make([]*websocket.Conn, j.Connections)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(opening)
	for i := range sockets {
		g.Go(func() (err error) {
			if sockets[i], _, err = websocket.Dial(gctx, j.URL, nil); err != nil {
				return fmt.Errorf("open connection %d of %d: %w", i+1, j.Connections, err)
			}
			return nil
		})
	}
	return sockets, g.Wait()
}

func closeAll(sockets []*websocket.Conn) {
	var wg sync.WaitGroup
	for _, ws := range sockets {
		if ws != nil {
			wg.Go(func() { _ = ws.CloseNow() }) // the measurement is over
		}
	}
	wg.Wait()
}

// converse lets every connection go to and fro.
func converse(ctx context.Context, j job, sockets []*websocket.Conn, r *report) error {
	times := make([][]time.Duration, len(sockets))
	began := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for i, ws := range sockets {
		g.Go(func() error {
			for time.Since(began) < j.For {
				at := time.Now()
				if err := ws.Write(ctx, websocket.MessageText, []byte(j.Message)); err != nil {
					return fmt.Errorf("connection %d: %w", i+1, err)
				}
				if _, _, err := ws.Read(ctx); err != nil {
					return fmt.Errorf("connection %d: %w", i+1, err)
				}
				times[i] = append(times[i], time.Since(at))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	opened := r.OpenedIn
	*r = reportOf(times, time.Since(began))
	r.OpenedIn = opened
	return nil
}
