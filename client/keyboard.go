package main

import (
	"bufio"
	"io"
	"strings"
	"time"
)

// atOnce is how soon lines follow one another in a paste: nobody types that fast.
const atOnce = 30 * time.Millisecond

// keyboard is what a person types into a terminal that edits lines by itself.
type keyboard struct {
	lines <-chan typed
	back  *typed // a line that was looked at and belongs to the next entry
	more  func() // is called when an entry of one line goes on
	hint  func() // is called when a paste waits for Enter
}

// typed is a line and when it came, which tells what it belongs to.
type typed struct {
	text string
	at   time.Time
}

// readTyped reads lines, ahead of what is done with them. A read cannot be called
// off: it ends with the program.
func readTyped(in io.Reader) <-chan typed {
	lines := make(chan typed, 1<<14)
	go func() {
		defer close(lines)
		for r := bufio.NewReader(in); ; {
			line, err := r.ReadString('\n')
			if line != "" {
				lines <- typed{strings.TrimRight(line, "\r\n"), time.Now()}
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
}

// entry is all that belongs to its first line: a paste, or what is typed after a \
// at the end of a line. The last line of a paste is not to be had before Enter, so
// that a paste goes on to the first line that comes by itself.
func (k *keyboard) entry(first typed) string {
	text, paste := k.burst(first)
	for paste {
		k.hint()
		l, ok := k.next()
		if !ok || l.text == "" {
			return text
		}
		var rest string
		rest, paste = k.burst(l)
		text += "\n" + rest
		if !paste {
			return text
		}
	}
	for strings.HasSuffix(text, `\`) {
		k.more()
		l, ok := k.next()
		if text = text[:len(text)-1]; !ok {
			break
		}
		text += "\n" + l.text
	}
	return text
}

// burst is a line and those that came at once with it.
func (k *keyboard) burst(l typed) (text string, several bool) {
	text = l.text
	for {
		next, ok := k.before(l.at.Add(atOnce))
		if !ok {
			return text, several
		}
		l, several = next, true
		text += "\n" + l.text
	}
}

// next waits for a line. ok is false at the end of all.
func (k *keyboard) next() (l typed, ok bool) {
	if k.back != nil {
		l, k.back = *k.back, nil
		return l, true
	}
	l, ok = <-k.lines
	return l, ok
}

// before is the next line if it came before then.
func (k *keyboard) before(then time.Time) (l typed, ok bool) {
	if k.back == nil {
		select {
		case l, ok = <-k.lines:
		default:
			select {
			case l, ok = <-k.lines:
			case <-time.After(time.Until(then)):
			}
		}
		if !ok {
			return l, false
		}
		k.back = &l
	}
	if !k.back.at.Before(then) {
		return l, false
	}
	return k.next()
}
