package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress says on w what is being done while do runs, and how long it took. In a
// terminal the seconds count.
func progress(w *os.File, what string, do func() error) error {
	began := time.Now()
	fmt.Fprintf(w, "%s … ", what)
	done := make(chan struct{})
	var owned sync.WaitGroup
	inTerminal := term.IsTerminal(int(w.Fd()))
	if inTerminal {
		owned.Go(func() { count(w, what, began, done) })
	}
	err := do()
	close(done)
	owned.Wait()
	took := fmt.Sprintf("%.1f s", time.Since(began).Seconds())
	if err != nil {
		took = "failed"
	}
	if inTerminal {
		fmt.Fprintf(w, "\r%s … ", what)
	}
	fmt.Fprintln(w, took)
	return err
}

func count(w *os.File, what string, began time.Time, done <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(w, "\r%s … %.0f s ", what, time.Since(began).Seconds())
		case <-done:
			return
		}
	}
}
