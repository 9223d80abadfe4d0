package main

import (
	"fmt"
	"os"

	"golang.org/x/term"

	"kaiwa/local/logs"
	"kaiwa/pkg/emu/sam"
)

// logging is where lines of functions and emulators go: stderr, or a file while a
// chat owns the terminal.
type logging struct {
	*logs.Stream
	name string // of the file, else ""
	file *os.File
}

// openLogs opens the file if a chat will own the terminal; the lines of the run
// before are lost then.
func (s *session) openLogs(name string, functions []sam.Function) (*logging, error) {
	l := &logging{file: s.err}
	if s.opensChat() {
		var err error
		if l.file, err = os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
			return nil, fmt.Errorf("open the log: %w", err)
		}
		l.name = name
	}
	l.Stream = logs.New(l.file, &logs.Options{Colour: coloured(l.file), Labels: labels(functions)})
	return l, nil
}

// coloured says whether somebody looks at f who has not asked for no colours
// (no-color.org).
func coloured(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// labels are the shortest names that the functions of a template have.
func labels(functions []sam.Function) map[string]string {
	short := map[string]string{}
	for _, f := range functions {
		short[f.Name] = f.LogicalID
		if f.Alias != "" {
			short[f.Name] = f.Alias
		}
	}
	return short
}

func (l *logging) close() {
	l.Close()
	if l.name != "" {
		l.file.Close()
	}
}
