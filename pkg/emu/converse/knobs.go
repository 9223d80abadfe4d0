package converse

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// ErrNotDemo means that a prompt does not start with the word @demo.
var ErrNotDemo = errors.New("prompt does not start with @demo")

// Limits of the knobs. A delta of maxSize characters stays under the 16 MB that an event's payload may have.
const (
	maxTokens = 1_000_000
	maxSize   = 2_000_000
	maxWait   = time.Hour
	maxTag    = 64
)

const knobsHelp = "@demo takes tokens=60 every=20ms first=200ms seed=1 lang=en|ja size=CHARACTERS escape=0|1 " +
	"error=throttling|internal|modelStream|validation|unavailable|accessDenied|notFound|timeout|notReady@TOKENS " +
	"cut@TOKENS stall=60s@TOKENS stop=REASON tag=NAME"

// Knobs are what an @demo prompt asks of the demo model. The text depends on Tokens, Seed, Lang, Size and Escape alone.
// The zero value is an empty answer at once; the defaults of a prompt are those of ParseKnobs("@demo").
type Knobs struct {
	Tokens int           // deltas, at most 1,000,000; 60 by default
	Every  time.Duration // from token to token, at most 1 h; 20 ms by default
	First  time.Duration // from call to first token, at most 1 h; 200 ms by default
	Seed   uint64        // which text; 1 by default
	Lang   string        // en (also if empty) or ja
	Size   int           // if not 0: one delta of that many characters instead of Tokens; at most 2,000,000
	Escape bool          // characters that JSON must escape, instead of prose

	Error   Exception // if not empty: raised after ErrorAt tokens; after 0 the call is refused with an HTTP status
	ErrorAt int
	Cut     bool // the stream ends after CutAt tokens without messageStop
	CutAt   int
	Stall   time.Duration // silence after StallAt tokens; the rest keeps its pace
	StallAt int           //
	Stop    string        // stopReason; empty: end_turn
	Tag     string        // names the call in Server.FirstTokens; at most 64 bytes
}

// demoErrors are the values of the error knob.
var demoErrors = map[string]Exception{
	"throttling": Throttling, "internal": InternalServer, "modelStream": ModelStreamError, "validation": Validation,
	"unavailable": ServiceUnavailable, "accessDenied": AccessDenied, "notFound": ResourceNotFound,
	"timeout": ModelTimeout, "notReady": ModelNotReady,
}

var stopReasons = []string{"end_turn", "tool_use", "max_tokens", "stop_sequence", "guardrail_intervened",
	"content_filtered", "malformed_model_output", "malformed_tool_use", "model_context_window_exceeded"}

// ParseKnobs reads an @demo prompt such as "@demo tokens=200 every=6ms error=throttling@40". It returns ErrNotDemo if
// the prompt is none, and an error of one line that explains all knobs if one of them is unknown or malformed.
// A knob given twice has its last value.
func ParseKnobs(prompt string) (Knobs, error) {
	words := strings.Fields(prompt)
	if len(words) == 0 || words[0] != "@demo" {
		return Knobs{}, ErrNotDemo
	}
	k := Knobs{Tokens: 60, Every: 20 * time.Millisecond, First: 200 * time.Millisecond, Seed: 1}
	for _, word := range words[1:] {
		if err := k.set(word); err != nil {
			return Knobs{}, fmt.Errorf("knob %q: %w; %s", clip(word, 40), err, knobsHelp)
		}
	}
	return k, nil
}

func (k *Knobs) set(word string) (err error) {
	if at, ok := strings.CutPrefix(word, "cut@"); ok {
		k.Cut = true
		k.CutAt, err = count(at, maxTokens)
		return err
	}
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "tokens":
		k.Tokens, err = count(value, maxTokens)
	case "every":
		k.Every, err = duration(value)
	case "first":
		k.First, err = duration(value)
	case "seed":
		if k.Seed, err = strconv.ParseUint(value, 10, 64); err != nil {
			err = errors.New("not a number from 0 to 18446744073709551615")
		}
	case "lang":
		k.Lang, err = oneOf(value, []string{"en", "ja"})
	case "size":
		k.Size, err = count(value, maxSize)
	case "escape":
		value, err = oneOf(value, []string{"0", "1"})
		k.Escape = value == "1"
	case "error":
		k.Error, k.ErrorAt, err = errorAt(value)
	case "stall":
		k.Stall, k.StallAt, err = stallAt(value)
	case "stop":
		k.Stop, err = oneOf(value, stopReasons)
	case "tag":
		k.Tag, err = tagName(value)
	default:
		err = errors.New("unknown")
	}
	return err
}

// String is the prompt that asks for k.
func (k Knobs) String() string {
	s := fmt.Sprintf("@demo tokens=%d every=%s first=%s seed=%d", k.Tokens, k.Every, k.First, k.Seed)
	add := func(is bool, format string, args ...any) {
		if is {
			s += fmt.Sprintf(" "+format, args...)
		}
	}
	add(k.Lang != "", "lang=%s", k.Lang)
	add(k.Size != 0, "size=%d", k.Size)
	add(k.Escape, "escape=1")
	for name, e := range demoErrors {
		add(e == k.Error, "error=%s@%d", name, k.ErrorAt)
	}
	add(k.Cut, "cut@%d", k.CutAt)
	add(k.Stall != 0, "stall=%s@%d", k.Stall, k.StallAt)
	add(k.Stop != "", "stop=%s", k.Stop)
	add(k.Tag != "", "tag=%s", k.Tag)
	return s
}

func errorAt(value string) (Exception, int, error) {
	kind, at, _ := strings.Cut(value, "@")
	e, ok := demoErrors[kind]
	if !ok {
		return "", 0, errors.New("unknown kind of error")
	}
	n, err := count(at, maxTokens)
	return e, n, err
}

func stallAt(value string) (time.Duration, int, error) {
	length, at, _ := strings.Cut(value, "@")
	d, err := duration(length)
	if err != nil {
		return 0, 0, err
	}
	n, err := count(at, maxTokens)
	return d, n, err
}

func count(value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("not a number from 0 to %d", most)
	}
	return n, nil
}

func duration(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > maxWait {
		return 0, fmt.Errorf("not a time such as 20ms or 35s, at most %s", maxWait)
	}
	return d, nil
}

func oneOf(value string, values []string) (string, error) {
	if !slices.Contains(values, value) {
		return "", fmt.Errorf("not one of %s", strings.Join(values, ", "))
	}
	return value, nil
}

func tagName(value string) (string, error) {
	if value == "" || len(value) > maxTag || strings.ContainsFunc(value, unicode.IsControl) {
		return "", fmt.Errorf("not a name of 1 to %d bytes", maxTag)
	}
	return value, nil
}

// clip shortens s to n characters, with an ellipsis in the last one's place.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
