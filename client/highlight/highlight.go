// Package highlight colours code line by line, as it streams.
//
// The lexers are chroma's. Its package of lexers reads all of them before main,
// which every start of the program would pay for; so they are kept here, as the XML
// that chroma makes of them (under its licence, COPYING.chroma), in a file of which
// only the entry asked for is read. TestLexers makes that file.
package highlight

import (
	"strings"
	"time"

	"github.com/alecthomas/chroma/v2"
)

const (
	// longest is the most bytes of a line that is coloured: minified code gains
	// nothing by it.
	longest = 1000
	// patience is how long lines may take in a row. Patterns can be made to
	// backtrack, and much code may come at once: the rest of it stays as it is,
	// rather than that keys wait.
	patience = 300 * time.Millisecond
)

// Highlighter colours one piece of code after another. The zero value is ready.
type Highlighter struct {
	// Patient: nobody waits, and code may take whatever time it takes.
	Patient bool

	loaded map[string]*lexer // nil: not known
	spent  time.Duration     // of late: half of the time that passes is taken off
	last   time.Time
}

// Code is a piece of code that comes line by line.
type Code struct {
	h     *Highlighter
	lexer *lexer // nil: nothing more is coloured
	// A comment or string over several lines that chroma wants to see whole: what
	// ends it, and its colour.
	until string
	color string
}

// Code begins code in a language, by one of the names markdown has for it, in
// whatever case, and ends the code before. nil: the language is not known.
func (h *Highlighter) Code(language string) *Code {
	language = strings.ToLower(language)
	l, ok := h.loaded[language]
	if !ok {
		l = load(language)
		if h.loaded == nil {
			h.loaded = map[string]*lexer{}
		}
		h.loaded[language] = l
	}
	if l == nil {
		return nil
	}
	l.state = nil
	return &Code{h: h, lexer: l}
}

// overdrawn says whether what was begun at start takes too long.
func (h *Highlighter) overdrawn(start time.Time) bool {
	return !h.Patient && h.spent+time.Since(start) > patience
}

// charge notes what was spent since start.
func (h *Highlighter) charge(start time.Time) {
	h.spent = max(0, h.spent-start.Sub(h.last)/2)
	h.last = time.Now()
	h.spent += h.last.Sub(start)
}

// Line is the next line, without its newline, with colours: our own sequences of
// the form CSI … m, none of which is left on. Without them it is the line that was
// given, whatever the lexer makes of it.
func (c *Code) Line(line string) string {
	if c.lexer == nil || len(line) > longest {
		return line
	}
	start := time.Now()
	out, ok := c.try(line, start)
	c.h.charge(start)
	if !ok {
		c.lexer = nil
		return line
	}
	return out
}

// try colours a line. ok is false if the lexer failed at it, or took too long.
func (c *Code) try(line string, start time.Time) (out string, ok bool) {
	defer func() {
		if recover() != nil { // chroma panics at what is wrong with a lexer
			out, ok = "", false
		}
	}()
	var p painter
	rest := line
	if c.until != "" {
		i := strings.Index(line, c.until)
		if i < 0 {
			p.add(c.color, line)
			return p.end(), true
		}
		i += len(c.until)
		p.add(c.color, line[:i])
		rest, c.until = line[i:], ""
	}
	c.lexer.feed(rest + "\n")
	for c.lexer.more() {
		if until, color := c.lexer.opens(); until != "" {
			c.until, c.color = until, color
			p.add(color, c.lexer.skip())
			break
		}
		token := c.lexer.next()
		if token == chroma.EOF {
			break
		}
		if c.h.overdrawn(start) {
			return "", false
		}
		p.add(colorOf(token.Type), token.Value)
	}
	return p.end(), p.plain.String() == line
}

// painter puts a line together.
type painter struct {
	b, plain strings.Builder
	color    string
	blanks   string // to come, in no colour unless what follows has the same
}

const reset = "\x1b[0m"

// add adds a text in a colour, "" for none, up to its newline.
func (p *painter) add(color, text string) {
	if text, _, _ = strings.Cut(text, "\n"); text == "" {
		return
	}
	p.plain.WriteString(text)
	if strings.TrimSpace(text) == "" {
		p.blanks += text
		return
	}
	p.turn(color)
	p.b.WriteString(text)
}

// turn goes on in another colour.
func (p *painter) turn(color string) {
	if color == p.color {
		p.b.WriteString(p.blanks)
	} else {
		if p.color != "" {
			p.b.WriteString(reset)
		}
		p.b.WriteString(p.blanks + color)
	}
	p.color, p.blanks = color, ""
}

func (p *painter) end() string {
	p.turn("")
	return p.b.String()
}

// The colours are from the terminal's 16, so that they suit its background.
const (
	faint   = "\x1b[2m"
	red     = "\x1b[31m"
	green   = "\x1b[32m"
	blue    = "\x1b[34m"
	magenta = "\x1b[35m"
	cyan    = "\x1b[36m"
)

// colorOf is the colour for a kind of token, "" for none.
func colorOf(t chroma.TokenType) string {
	switch {
	case t == chroma.KeywordType, t.InSubCategory(chroma.LiteralNumber), t == chroma.KeywordConstant:
		return cyan
	case t.InCategory(chroma.Keyword), t == chroma.NameTag, t == chroma.OperatorWord:
		return magenta
	case t.InCategory(chroma.Comment) && t != chroma.CommentPreproc:
		return faint
	case t == chroma.CommentPreproc:
		return magenta
	case t.InSubCategory(chroma.LiteralString), t == chroma.GenericInserted:
		return green
	case t == chroma.GenericDeleted:
		return red
	case t == chroma.NameFunction, t == chroma.NameClass, t == chroma.NameAttribute, t == chroma.NameBuiltin,
		t == chroma.NameDecorator, t == chroma.GenericHeading, t == chroma.GenericSubheading, t == chroma.NameNamespace:
		return blue
	}
	return ""
}
