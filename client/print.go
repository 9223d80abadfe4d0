package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"kaiwa/client/session"
	"kaiwa/pkg/plain"
	"kaiwa/pkg/wire"
)

// printer is how replies come out on stdout.
type printer interface {
	// event is told of all that happens while the prompt of that id is served; id
	// is "" between two prompts.
	event(id string, e session.Event)
	// end is told once that nothing more comes of the prompt: how its reply ended,
	// nil if it did not, and why. An error is about the printing.
	end(id string, ended *session.Ended, why error) error
}

// newPrinter makes the printer that the command line asks for.
func newPrinter(f *flags) printer {
	switch {
	case f.streamJSON:
		return &streamPrinter{out: f.out}
	case f.json:
		return &jsonPrinter{out: f.out}
	case f.extract:
		return &codePrinter{out: f.out}
	}
	return &textPrinter{out: f.out}
}

// textPrinter prints the text as it comes.
type textPrinter struct {
	out     io.Writer
	midLine bool
}

func (p *textPrinter) event(id string, e session.Event) {
	t, ok := e.(session.Text)
	if !ok || t.ID != id || t.Text == "" {
		return
	}
	text := plain.Safe(t.Text)
	_, _ = io.WriteString(p.out, text) // output keeps its error
	p.midLine = !strings.HasSuffix(text, "\n")
}

func (p *textPrinter) end(_ string, ended *session.Ended, _ error) error {
	if ended != nil {
		p.endLine()
	}
	p.midLine = false
	return nil
}

func (p *textPrinter) endLine() {
	if p.midLine {
		fmt.Fprintln(p.out)
	}
	p.midLine = false
}

// gathered is a reply's text so far.
type gathered struct{ text strings.Builder }

func (g *gathered) event(id string, e session.Event) {
	if t, ok := e.(session.Text); ok && t.ID == id {
		g.text.WriteString(t.Text)
	}
}

// take is the whole text, without what the service lost in the end.
func (g *gathered) take(ended *session.Ended) string {
	text := g.text.String()
	g.text.Reset()
	if ended != nil && ended.Cut > 0 {
		r := []rune(text)
		text = string(r[:max(0, len(r)-ended.Cut)])
	}
	return text
}

// codePrinter prints the first code block of a reply, and nothing else.
type codePrinter struct {
	gathered
	out io.Writer
}

var errNoCode = errors.New("there is no code block in the reply")

func (p *codePrinter) end(_ string, ended *session.Ended, _ error) error {
	code, ok := firstBlock(p.take(ended))
	if ok {
		_, _ = io.WriteString(p.out, plain.Safe(code))
	} else if ended != nil {
		return errNoCode
	}
	return nil
}

// firstBlock is what stands in the first fenced block of a markdown text. A fence
// in a list may be indented; so is its code, which loses that indent.
func firstBlock(text string) (code string, ok bool) {
	var b strings.Builder
	fence, indent := "", ""
	for line := range strings.Lines(text) {
		body := strings.TrimLeft(line, " \t")
		mark := body[:len(body)-len(strings.TrimLeft(body, "`~"))]
		switch {
		case fence == "" && len(mark) >= 3 && strings.Trim(mark, mark[:1]) == "":
			fence, indent, ok = mark, line[:len(line)-len(body)], true
		case fence != "" && strings.HasPrefix(mark, fence) && strings.TrimSpace(strings.TrimLeft(body, fence[:1])) == "":
			return b.String(), true
		case fence != "":
			b.WriteString(strings.TrimPrefix(line, indent))
		}
	}
	return b.String(), ok
}

// endReason is why a reply is not complete, "" if it is.
func endReason(ended *session.Ended) string {
	if ended.Stop == wire.StopEndTurn {
		return ""
	}
	return ended.Stop
}
