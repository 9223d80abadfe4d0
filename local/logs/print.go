package logs

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kaiwa/pkg/emu/lambdart"
)

// own is what the program itself is called in the stream.
const own = "local"

// maxWidth is how far the names of functions make the columns behind them move.
const maxWidth = 24

// Colours (ECMA-48, SGR). Names and request ids have those from green to cyan.
const (
	dim    = "2"
	red    = "31"
	yellow = "33"
	green  = 32
	cyan   = 36
)

// printer makes one line.
type printer struct {
	bytes.Buffer
	colour bool
}

// paint writes text in a colour, where there are any.
func (p *printer) paint(sgr, text string) {
	if p.colour && text != "" {
		text = "\x1b[" + sgr + "m" + text + "\x1b[0m"
	}
	p.WriteString(text)
}

// colourOf gives the same name the same colour.
func colourOf(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	return fmt.Sprint(green + h.Sum32()%(cyan-green+1))
}

// head is the time, who, and which invocation.
func (p *printer) head(now time.Time, label string, width int, requestID string) {
	p.paint(dim, now.Format("15:04:05.000"))
	p.WriteByte(' ')
	p.paint(colourOf(label), fmt.Sprintf("%-*s", width, safe(label)))
	p.WriteByte(' ')
	p.paint(colourOf(requestID), fmt.Sprintf("%-8.8s", requestID))
	p.WriteByte(' ')
}

// end completes the line.
func (p *printer) end() []byte { return append(bytes.TrimRight(p.Bytes(), " "), '\n') }

// text writes what may come from anywhere.
func (p *printer) text(s string) { p.WriteString(safe(s)) }

// level writes a level.
func (p *printer) level(name string) {
	name = strings.ToUpper(name)
	switch name {
	case "ERROR", "FATAL", "CRITICAL", "PANIC":
		p.paint(red, name)
	case "WARN", "WARNING":
		p.paint(yellow, name)
	default:
		p.text(name)
	}
	p.WriteByte(' ')
}

// line writes what a function printed: a JSON record of a logger as words, else as
// it is.
func (p *printer) line(line []byte, requestID string) {
	if r, ok := parseRecord(line); ok {
		p.record(r, requestID)
		return
	}
	p.text(string(line))
}

// report writes how an invocation ended.
func (p *printer) report(r lambdart.Report) {
	var detail []string
	if r.MaxMemoryMB > 0 {
		detail = append(detail, fmt.Sprintf("%d of %d MB", r.MaxMemoryMB, r.MemoryMB))
	}
	if r.Init > 0 {
		detail = append(detail, "cold start "+duration(r.Init))
	}
	end, sgr := "ended in", dim
	switch {
	case r.Timeout:
		end, sgr = "timed out after", red
	case r.Crash:
		end, sgr = "crashed after", red
	case r.Error != nil:
		end, sgr = "failed in", red
	}
	p.paint(sgr, strings.Join(append([]string{end + " " + duration(r.Duration)}, detail...), ", "))
	if r.Error != nil {
		p.text(": " + describe(r.Error))
	}
}

// describe is a function's error in words: its type, and what it says.
func describe(object []byte) string {
	var e struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(object, &e) != nil || e.ErrorMessage == "" && e.ErrorType == "" {
		return "no error object"
	}
	return strings.TrimPrefix(e.ErrorType+": ", ": ") + e.ErrorMessage
}

func duration(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// safe shows what could drive a terminal, or is no text, instead of sending it.
func safe(s string) string {
	if strings.IndexFunc(s, drives) < 0 && utf8.ValidString(s) {
		return s
	}
	b := make([]byte, 0, 2*len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = appendHex(append(b, `\x`...), s[i])
		case drives(r) && r < 0x100:
			b = appendHex(append(b, `\x`...), byte(r))
		case drives(r):
			b = appendHex(appendHex(append(b, `\u`...), byte(r>>8)), byte(r))
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return string(b)
}

func appendHex(dst []byte, b byte) []byte { return hex.AppendEncode(dst, []byte{b}) }

// drives tells of control characters, but for the tab, and marks that turn the direction
// of text.
func drives(r rune) bool {
	return r < ' ' && r != '\t' || r >= 0x7f && (r < 0xa0 || unicode.Is(unicode.Bidi_Control, r))
}
