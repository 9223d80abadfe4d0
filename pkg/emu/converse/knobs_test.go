package converse_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/pkg/emu/converse"
)

var defaults = converse.Knobs{Tokens: 60, Every: 20 * time.Millisecond, First: 200 * time.Millisecond, Seed: 1}

func TestParseKnobs(t *testing.T) {
	with := func(f func(*converse.Knobs)) converse.Knobs { k := defaults; f(&k); return k }
	for prompt, want := range map[string]converse.Knobs{
		"@demo":                            defaults,
		"  @demo \n":                       defaults,
		"@demo tokens=200":                 with(func(k *converse.Knobs) { k.Tokens = 200 }),
		"@demo tokens=0":                   with(func(k *converse.Knobs) { k.Tokens = 0 }),
		"@demo every=6ms":                  with(func(k *converse.Knobs) { k.Every = 6 * time.Millisecond }),
		"@demo first=35s":                  with(func(k *converse.Knobs) { k.First = 35 * time.Second }),
		"@demo seed=7":                     with(func(k *converse.Knobs) { k.Seed = 7 }),
		"@demo lang=ja":                    with(func(k *converse.Knobs) { k.Lang = "ja" }),
		"@demo size=500000":                with(func(k *converse.Knobs) { k.Size = 500000 }),
		"@demo escape=1":                   with(func(k *converse.Knobs) { k.Escape = true }),
		"@demo escape=0":                   defaults,
		"@demo cut@40":                     with(func(k *converse.Knobs) { k.Cut, k.CutAt = true, 40 }),
		"@demo stall=60s@40":               with(func(k *converse.Knobs) { k.Stall, k.StallAt = time.Minute, 40 }),
		"@demo stop=tool_use":              with(func(k *converse.Knobs) { k.Stop = "tool_use" }),
		"@demo tag=a/b-1":                  with(func(k *converse.Knobs) { k.Tag = "a/b-1" }),
		"@demo\ttokens=1\nseed=2 tokens=3": with(func(k *converse.Knobs) { k.Tokens, k.Seed = 3, 2 }),
		"@demo error=modelStream@40":       with(func(k *converse.Knobs) { k.Error, k.ErrorAt = converse.ModelStreamError, 40 }),
	} {
		if got, err := converse.ParseKnobs(prompt); got != want || err != nil {
			t.Errorf("%q: %+v, %v; want %+v", prompt, got, err, want)
		}
	}
}

func TestMalformedKnobs(t *testing.T) {
	for _, word := range []string{
		"tokens", "tokens=", "tokens=-1", "tokens=1000001", "tokens=1e3", "every=6", "every=-1ms", "every=61m", "first=soon",
		"seed=-1", "seed=x", "lang=fr", "lang=", "size=2000001", "escape=yes", "error=oops@1", "error=throttling",
		"error=throttling@x", "cut@", "cut@-1", "cut=40", "stall=60s", "stall=@4", "stop=done", "tag=", "tag=" + strings.Repeat("x", 65),
		"speed=3", "hello", "Tokens=5", "\x1b[2J=1",
	} {
		_, err := converse.ParseKnobs("@demo seed=5 " + word)
		if err == nil || errors.Is(err, converse.ErrNotDemo) {
			t.Errorf("%q: %v, want an explanation", word, err)
			continue
		}
		if s := err.Error(); strings.ContainsAny(s, "\n\x1b") || !strings.Contains(s, "stall=60s@TOKENS") {
			t.Errorf("%q: %q explains too little or too wildly", word, s)
		}
	}
	for _, prompt := range []string{"", "hello", "@demonstration", "say @demo", "@Demo"} {
		if _, err := converse.ParseKnobs(prompt); !errors.Is(err, converse.ErrNotDemo) {
			t.Errorf("%q: %v, want ErrNotDemo", prompt, err)
		}
	}
}

// TestMalformedKnobsAreExplained: the reply itself is the explanation, and nothing else that was asked for happens.
func TestMalformedKnobsAreExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, at, err := demoAt(t.Context(), request("@demo tokens=many first=1h error=throttling@0"))
		_, want := converse.ParseKnobs("@demo tokens=many")
		var text strings.Builder
		for _, e := range events[:len(events)-1] {
			text.WriteString(e.(converse.Delta).Text)
		}
		if text.String() != want.Error() || at[0] != defaults.First || len(events) < 10 || err != nil {
			t.Errorf("%d events from %v, %v: %s", len(events), at[0], err, text.String())
		}
	})
}

func FuzzParseKnobs(f *testing.F) {
	f.Add("@demo tokens=200 every=6ms first=35s seed=1 lang=ja size=50 escape=1")
	f.Add("@demo error=throttling@40 cut@40 stall=60s@40 stop=max_tokens tag=x")
	f.Add("@demo cut@1000000 cut@1000001 seed=18446744073709551615 every=1h0m0s")
	f.Add("@demo tag=\xff every=1e9s")
	f.Fuzz(func(t *testing.T, prompt string) {
		k, err := converse.ParseKnobs(prompt)
		if err != nil {
			if k != (converse.Knobs{}) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %+v, %q", prompt, k, err)
			}
			return
		}
		again, err := converse.ParseKnobs(k.String())
		if again != k || err != nil {
			t.Errorf("%q: %+v became %+v, %v by %q", prompt, k, again, err, k)
		}
	})
}
