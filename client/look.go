package main

import (
	"errors"
	"flag"
	"strconv"

	"kaiwa/client/repl"
)

// look is how a chat looks on its terminal, and how it is typed into.
type look struct {
	enterSends bool
	kinsoku    bool
	ambiguous  int // cells, 1 or 2; 0: the terminal is asked
}

// set adds the flags for it.
func (l *look) set(set *flag.FlagSet) {
	set.BoolVar(&l.enterSends, "enter-sends", true, "")
	set.Func("wrap", "", func(s string) error {
		if l.kinsoku = s == "kinsoku"; !l.kinsoku && s != "soft" {
			return errors.New("lines are wrapped soft, by the terminal, or kinsoku")
		}
		return nil
	})
	set.Func("ambiguous-width", "", func(s string) error {
		n, ok := map[string]int{"auto": 0, "1": 1, "2": 2}[s]
		if l.ambiguous = n; !ok {
			return errors.New("a character takes 1 cell or 2; auto asks the terminal")
		}
		return nil
	})
}

func (l look) wrap() string {
	if l.kinsoku {
		return "kinsoku"
	}
	return "soft"
}

func (l look) width() string {
	if l.ambiguous == 0 {
		return "auto"
	}
	return strconv.Itoa(l.ambiguous)
}

// apply tells a chat.
func (l look) apply(t *repl.Terminal, opt *repl.Options) {
	t.Ambiguous = l.ambiguous
	opt.EnterBreaks, opt.Kinsoku = !l.enterSends, l.kinsoku
}
