package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
)

// signals turns the signals that ask a program to end into the end of a context.
type signals struct {
	ctx context.Context
	// chatting tells that a client owns the terminal: what ^C means is its to say.
	chatting atomic.Bool

	caught   chan os.Signal
	released chan struct{}
	owned    sync.WaitGroup
}

func catchSignals() *signals {
	ctx, cancel := context.WithCancel(context.Background())
	s := &signals{ctx: ctx, caught: make(chan os.Signal, 1), released: make(chan struct{})}
	signal.Notify(s.caught, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// Whoever read stderr may go; that must not end the program halfway, as it
	// would unless somebody listens for it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	s.owned.Go(func() {
		defer cancel()
		for {
			select {
			case <-s.released:
				return
			case got := <-s.caught:
				if got != os.Interrupt || !s.chatting.Load() {
					cancel()
				}
			}
		}
	})
	return s
}

// release gives the signals their usual meaning back.
func (s *signals) release() {
	signal.Stop(s.caught)
	close(s.released)
	s.owned.Wait()
}
