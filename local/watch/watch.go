// Package watch rebuilds functions whose sources change, and has them replaced.
//
// It looks at the files, four times a second, instead of having itself told by the
// system: there are few of them, looking takes about a millisecond, and it works the
// same on every system and file system, with editors that rename and tools that
// write in bursts. Which files matter, the go tool says (go list -deps), and which
// functions have changed, what it builds: all are built, and those whose program is
// new are replaced.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"kaiwa/local/build"
)

// interval is how often files are looked at; what changes must be quiet as long.
const interval = 250 * time.Millisecond

// maxLines is how many lines of the compiler are shown.
const maxLines = 10

// Function is a function to look after.
type Function struct {
	Name   string // for Replace
	Label  string // for people
	Source string // its folder
	Go     bool   // it must be built; others are only started anew
}

// Options are what New needs.
type Options struct {
	Functions []Function
	// Template is the file of which only a new run takes notice.
	Template string
	// Build builds all functions in Go and returns the programs by source.
	Build func(context.Context) (map[string]string, error)
	// Say tells people what happened.
	Say func(slog.Level, string)
	// Folder is where programs run from, for Build may write over its own at any
	// time. It belongs to this Watcher.
	Folder string
	// Data is a folder that the run itself writes to, wherever it is. Default: none.
	Data string
}

// Replace has a function run a command from now on; an empty one is that which it
// has, in new processes.
type Replace func(name string, command []string) error

// Watcher looks after functions. It is used by one goroutine.
type Watcher struct {
	Options
	replaced Replace
	list     listing
	seen     snapshot
	copies   copies
	stopped  bool // the last build failed
}

// New begins to look: what changes from now on is noticed.
func New(ctx context.Context, o Options) (*Watcher, error) {
	w := &Watcher{Options: o, copies: copies{folder: o.Folder}}
	var err error
	if w.list, err = w.listSources(ctx); err != nil {
		return nil, err
	}
	w.seen = w.look()
	return w, w.copies.clear()
}

// Programs takes what was built first, and returns what the functions are to run in
// its place.
func (w *Watcher) Programs(built map[string]string) (map[string]string, error) {
	run := maps.Clone(built)
	for _, f := range w.Functions {
		if !f.Go {
			continue
		}
		command, _, err := w.copies.of(f.Source, built[f.Source])
		if err != nil {
			return nil, err
		}
		run[f.Source] = command
	}
	return run, nil
}

// Run looks until ctx ends.
func (w *Watcher) Run(ctx context.Context, replace Replace) {
	w.replaced = replace
	tick := time.NewTicker(interval)
	defer tick.Stop()
	changed := false
	before := w.seen
	for {
		select {
		case <-ctx.Done():
			_ = w.copies.clear() // what still runs and cannot be removed, the next run removes
			return
		case <-tick.C:
		}
		now := w.look()
		quiet := maps.Equal(now, before)
		before = now
		if changed = changed || !maps.Equal(now, w.seen); changed && quiet {
			changed = false
			what := now.since(w.seen)
			w.seen = now
			w.act(ctx, what)
		}
	}
}

// act does what changed files ask for.
func (w *Watcher) act(ctx context.Context, changed []string) {
	w.restart(changed)
	if slices.ContainsFunc(changed, w.list.has) {
		w.rebuild(ctx)
	}
}

// restart does what needs no building.
func (w *Watcher) restart(changed []string) {
	if slices.Contains(changed, w.Template) {
		w.Say(slog.LevelWarn, w.Template+" has changed: end this run and start another, which will do what it says")
	}
	for _, f := range w.Functions {
		if !f.Go && slices.ContainsFunc(changed, func(file string) bool { return within(file, f.Source) }) {
			w.replace([]Function{f}, nil, "restarted")
		}
	}
}

// rebuild builds, and replaces what came out new.
func (w *Watcher) rebuild(ctx context.Context) {
	began := time.Now()
	// What is imported may have changed too. All is looked at before it is built, so
	// that nothing which changes meanwhile is missed.
	if list, err := w.listSources(ctx); err == nil {
		w.list = list
	}
	before := w.seen
	w.seen = w.look()
	w.restart(w.seen.since(before)) // what else changed while the go tool made its list
	built, err := w.Build(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		w.complain(err)
	} else {
		took := fmt.Sprintf("rebuilt in %.1f s", time.Since(began).Seconds())
		w.replaceBuilt(built, took)
	}
}

func (w *Watcher) complain(err error) {
	w.stopped = true
	var failed *build.Failure
	lines := []string{strings.ReplaceAll(err.Error(), "\n", "; ")}
	if errors.As(err, &failed) {
		lines = failed.Lines
	}
	w.Say(slog.LevelError, "it does not build, so what ran before goes on:")
	for _, line := range lines[:min(len(lines), maxLines)] {
		w.Say(slog.LevelError, line)
	}
	if more := len(lines) - maxLines; more > 0 {
		w.Say(slog.LevelError, fmt.Sprintf("… and %d more lines", more))
	}
}

func (w *Watcher) replaceBuilt(built map[string]string, how string) {
	var changed []Function
	commands := map[string]string{}
	for _, f := range w.Functions {
		if !f.Go {
			continue
		}
		command, isNew, err := w.copies.of(f.Source, built[f.Source])
		if err != nil {
			w.Say(slog.LevelError, fmt.Sprintf("%s: %v", f.Label, err))
			continue
		}
		if commands[f.Source] = command; isNew || slices.ContainsFunc(changed, func(g Function) bool { return g.Source == f.Source }) {
			changed = append(changed, f)
		}
	}
	switch {
	case len(changed) > 0:
		w.replace(changed, commands, how)
	case w.stopped:
		w.Say(slog.LevelInfo, how+": as before")
	}
	w.stopped = false
}

func (w *Watcher) replace(functions []Function, commands map[string]string, how string) {
	var labels []string
	for _, f := range functions {
		var command []string
		if c := commands[f.Source]; c != "" {
			command = []string{c}
		}
		if err := w.replaced(f.Name, command); err != nil {
			w.Say(slog.LevelError, err.Error())
			continue
		}
		labels = append(labels, f.Label)
	}
	w.Say(slog.LevelInfo, how+": "+strings.Join(labels, ", "))
}
