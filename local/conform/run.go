package conform

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Options of Run. The zero value is the default.
type Options struct {
	// Slow asks the rows that really wait, all at once: it takes two hours.
	Slow bool
	// Rows are asked; default all of Rows.
	Rows []Row
	// Parallel is the number of rows asked at once, besides the slow ones; 4.
	Parallel int
}

// Summary counts verdicts.
type Summary map[Verdict]int

// Run asks the rows of s and prints each, in their order, the slow ones last. It
// returns early when ctx ends, with its error.
func Run(ctx context.Context, s *Stack, o Options, out io.Writer) (Summary, error) {
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	if o.Rows == nil {
		o.Rows = Rows()
	}
	if _, err := fmt.Fprintf(out, "asking %s, %s\n\n", s.URL, time.Now().UTC().Format(time.RFC3339)); err != nil {
		return nil, err
	}
	rows := slowLast(o.Rows)
	results := make([]chan Result, len(rows))
	turns := make(chan struct{}, o.Parallel)
	var owned sync.WaitGroup
	defer owned.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i, r := range rows {
		results[i] = make(chan Result, 1)
		if r.Takes > 0 && !o.Slow {
			results[i] <- Result{r, Skipped, []string{fmt.Sprintf("takes %v: -slow", r.Takes.Round(time.Minute))}}
			continue
		}
		owned.Go(func() {
			if r.Takes == 0 { // the slow ones mostly wait
				turns <- struct{}{}
				defer func() { <-turns }()
			}
			results[i] <- s.Ask(ctx, r)
		})
	}
	sum := Summary{}
	for i := range results {
		result := <-results[i]
		if ctx.Err() != nil {
			return sum, fmt.Errorf("interrupted: %w", context.Cause(ctx))
		}
		sum[result.Verdict]++
		if err := result.print(out); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

func slowLast(rows []Row) (sorted []Row) {
	for _, slow := range []bool{false, true} {
		for _, r := range rows {
			if (r.Takes > 0) == slow {
				sorted = append(sorted, r)
			}
		}
	}
	return sorted
}

// print writes the row on one line, and below it what there is to say.
func (r Result) print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s §%-5s %s [%s; %s]\n", r.Verdict, r.Row.Section, r.Row.Fact, r.Row.Sources, r.Row.Confidence)
	for _, line := range r.Lines {
		fmt.Fprintf(&b, "%15s%s\n", "", line)
	}
	if r.Verdict == Observed && r.Row.Here != strings.Join(r.Lines, "; ") {
		fmt.Fprintf(&b, "%15s(our emulator: %s)\n", "", r.Row.Here)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// String is one line: what came of all rows.
func (s Summary) String() string {
	return fmt.Sprintf("%d same, %d differ, %d observed, %d cannot be asked, %d need -slow",
		s[Same], s[Differs], s[Observed], s[Cannot], s[Skipped])
}
