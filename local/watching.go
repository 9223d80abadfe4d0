package main

import (
	"context"
	"log/slog"
	"slices"

	"kaiwa/local/build"
	"kaiwa/local/program"
	"kaiwa/local/watch"
)

// newWatcher looks after the functions of the template that can run. dirs is all
// that is built.
func (s *session) newWatcher(ctx context.Context, p *prepared, set *program.Set, dirs []string) (*watch.Watcher, error) {
	all := p.template.Functions()
	short := labels(all)
	o := watch.Options{
		Template: s.template,
		Folder:   p.runs,
		Data:     s.data,
		Build: func(ctx context.Context) (map[string]string, error) {
			return build.Binaries(ctx, p.cache.binaries(), dirs)
		},
		Say: func(l slog.Level, text string) { p.logs.Say(l, text) },
	}
	for _, f := range all {
		if set.Refused[f.Name] == "" && f.InlineCode == "" { // that changes with the template
			o.Functions = append(o.Functions, watch.Function{
				Name: f.Name, Label: short[f.Name], Source: f.Dir, Go: slices.Contains(set.Sources, f.Dir),
			})
		}
	}
	return watch.New(ctx, o)
}
