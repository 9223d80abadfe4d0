package conform

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Row is one fact about API Gateway, and the way to ask for it.
type Row struct {
	// Section of aws-facts.md: "1" to "5", or "10.3" for an unknown with its number.
	Section string
	// Fact in words. It names the row.
	Fact string
	// Sources by the keys of aws-facts.md.
	Sources string
	// Confidence is H, M or M-H, of aws-facts.md; ? where nobody knows.
	Confidence string
	// Here is, for confidence ?, what our emulator does, as the probe words it.
	Here string
	// Takes is how long the probe really waits, if that is long: such rows are
	// asked with Options.Slow only.
	Takes time.Duration
	// Cannot says why the row cannot be asked from outside; there is no Probe then.
	Cannot string
	Probe  func(ctx context.Context, c *Check)
}

// Unknown tells that there is nothing to compare with.
func (r Row) Unknown() bool { return r.Confidence == "?" }

// Verdict of one row.
type Verdict string

// The verdicts. Only Differs is a failure.
const (
	Same     Verdict = "same"
	Differs  Verdict = "differs"
	Observed Verdict = "observed"
	Cannot   Verdict = "cannot" // be asked
	Skipped  Verdict = "slow"   // not asked without Options.Slow
)

// Result is what came of one row.
type Result struct {
	Row     Row
	Verdict Verdict
	// Lines say what differs, what was observed, or why the row cannot be asked.
	Lines []string
}

// Rows is the table, in the order of aws-facts.md.
func Rows() []Row {
	return slices.Concat(limits(), events(), routes(), handshakes(), callbacks(), access(), unknowns())
}

// Check is one row while it is asked. The first thing that goes wrong stays:
// everything after it does nothing, so that a probe reads from top to bottom.
type Check struct {
	*Stack
	err         error
	cannot      string
	differences []string
	observed    []string
	sockets     []*socket
}

// Ask asks one row. It takes at most Takes and the target's Patience.
func (s *Stack) Ask(ctx context.Context, r Row) Result {
	if r.Cannot != "" {
		return Result{r, Cannot, []string{r.Cannot}}
	}
	ctx, cancel := context.WithTimeout(ctx, r.Takes+s.Patience)
	defer cancel()
	c := &Check{Stack: s}
	r.Probe(ctx, c)
	c.close()
	return c.result(r)
}

func (c *Check) result(r Row) Result {
	if c.err != nil {
		c.differences = append(c.differences, c.err.Error())
	}
	switch {
	case c.cannot != "":
		return Result{r, Cannot, []string{c.cannot}}
	case r.Unknown() && c.err != nil:
		return Result{r, Cannot, c.differences}
	case r.Unknown():
		return Result{r, Observed, append(c.differences, c.observed...)}
	case len(c.differences) > 0:
		return Result{r, Differs, c.differences}
	}
	return Result{r, Same, c.observed}
}

// fail notes what went wrong, unless something has before.
func (c *Check) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// done tells that there is no use in going on.
func (c *Check) done() bool { return c.err != nil || c.cannot != "" }

// give up on a row that cannot be asked of this target.
func (c *Check) giveUp(why string) {
	if !c.done() {
		c.cannot = why
	}
}

// same notes a difference between what was expected and what came.
func (c *Check) same(what string, got, want any) {
	if c.done() || got == want {
		return
	}
	c.differences = append(c.differences, fmt.Sprintf("%s: expected %s, got %s", what, show(want), show(got)))
}

// holds notes a difference unless ok.
func (c *Check) holds(ok bool, format string, args ...any) {
	if !c.done() && !ok {
		c.differences = append(c.differences, fmt.Sprintf(format, args...))
	}
}

// observe notes what was seen.
func (c *Check) observe(format string, args ...any) {
	if !c.done() {
		c.observed = append(c.observed, fmt.Sprintf(format, args...))
	}
}

// show puts text in quotes and cuts what is long.
func show(v any) string {
	text, ok := v.(string)
	if !ok {
		return fmt.Sprint(v)
	}
	if len(text) > 300 {
		return fmt.Sprintf("%.300q… (%d bytes)", text, len(text))
	}
	return fmt.Sprintf("%q", text)
}
