package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// logs is where lines of functions and emulators go: stderr, or a file while a
// chat owns the terminal.
type logs struct {
	name string // of the file, else ""

	mu   sync.Mutex
	file *os.File
}

// openLogs opens the file if a chat will own the terminal; the lines of the run
// before are lost then.
func (s *session) openLogs(name string) (*logs, error) {
	if !s.opensChat() {
		return &logs{file: s.err}, nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return &logs{name: name, file: f}, nil
}

func (l *logs) close() {
	if l.name != "" {
		l.file.Close()
	}
}

// line writes one line of a function, with the beginning of its request id.
func (l *logs) line(function, requestID string, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.file, "%s %.8s %s\n", function, requestID, line)
}

// Write writes what is one line already.
func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Write(line)
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelInfo}))
}
