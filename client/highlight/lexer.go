package highlight

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"encoding/xml"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/chroma/v2"
)

// packed has a lexer in each file, and the file names: a line for each name of a
// language, with that of its file.
//
//go:embed lexers.zip
var packed []byte

const names = "names"

// start is a state that we add to each lexer: it goes on to the first one, and
// gives its state away, to which chroma has no other door.
const start = "kaiwa"

// lexer lexes a text that comes line by line, its state kept between them.
type lexer struct {
	chroma *chroma.RegexLexer
	tokens chroma.Iterator
	state  *chroma.LexerState
	line   int // where in state.Text the line begins
	given  int // how many of the line's characters next has given

	stack []string // what a state that begins starts with; nil: the first one
	begun *chroma.LexerState
	at    int  // where it began
	round bool // it began there before, and has passed over a character
}

// load finds a lexer. nil: there is none of that name.
func load(name string) *lexer {
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil
	}
	list, _ := read(archive, names)
	for line := range strings.Lines(string(list)) {
		if alias, file, _ := strings.Cut(strings.TrimSpace(line), "\t"); alias == name {
			return open(archive, file)
		}
	}
	return nil
}

func read(archive *zip.Reader, name string) ([]byte, error) {
	f, err := archive.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(f)
}

// open reads a lexer, and adds our state to it.
func open(archive *zip.Reader, file string) *lexer {
	b, err := read(archive, file)
	if err != nil {
		return nil
	}
	var from struct {
		Config chroma.Config `xml:"config"`
		Rules  chroma.Rules  `xml:"rules"`
	}
	if xml.Unmarshal(b, &from) != nil {
		return nil
	}
	l := &lexer{}
	from.Rules[start] = []chroma.Rule{{Pattern: ``, Type: chroma.EmitterFunc(l.pass), Mutator: chroma.MutatorFunc(l.capture)}}
	if l.chroma, err = chroma.NewLexer(&from.Config, func() chroma.Rules { return from.Rules }); err != nil {
		return nil
	}
	registry := chroma.NewLexerRegistry()
	registry.Register(l.chroma)
	for _, other := range uses(archive, b) {
		if lexer, err := chroma.NewXMLLexer(archive, other); err == nil {
			registry.Register(lexer)
		}
	}
	return l
}

// begin has chroma make a state, which it does at the first token of a text.
func (l *lexer) begin() {
	l.tokens = l.tokenise("\n")
	for l.tokens() != chroma.EOF {
	}
	l.state, l.line = l.begun, 1
}

// uses lists the files of the lexers that a lexer, and those it uses, hand parts of
// the text to.
func uses(archive *zip.Reader, lexer []byte) (files []string) {
	todo := [][]byte{lexer}
	for len(todo) > 0 {
		for _, part := range bytes.Split(todo[0], []byte(`<using lexer="`))[1:] {
			name, _, _ := strings.Cut(string(part), `"`)
			file := fileOf(name)
			if b, err := read(archive, file); err == nil && !slices.Contains(files, file) {
				files, todo = append(files, file), append(todo, b)
			}
		}
		todo = todo[1:]
	}
	return files
}

// fileOf is where the lexer of that name is packed.
func fileOf(name string) string {
	return strings.NewReplacer("/", "_", " ", "_").Replace(strings.ToLower(name)) + ".xml"
}

// capture takes a state that begins, or begins again as the lexer knows no way on,
// and sends it to the first one. If that was no help, over a character.
func (l *lexer) capture(s *chroma.LexerState) error {
	if l.round = s == l.begun && s.Pos == l.at; l.round {
		s.Pos++
	}
	l.begun, l.at = s, s.Pos
	if s.Stack = []string{start, "root"}; l.stack != nil {
		s.Stack = slices.Clone(l.stack)
	}
	return nil
}

// pass gives the character that capture has passed over.
func (l *lexer) pass(_ []string, s *chroma.LexerState) chroma.Iterator {
	if !l.round {
		return chroma.Literator()
	}
	return chroma.Literator(chroma.Token{Type: chroma.Error, Value: string(s.Text[s.Pos-1])})
}

// feed gives the lexer another line. It keeps the one before, as some patterns look
// back.
func (l *lexer) feed(line string) {
	if l.state == nil {
		l.begin()
	}
	s, text := l.state, []rune(line)
	s.Text, s.Pos = append(slices.Clone(s.Text[l.line:]), text...), s.Pos-l.line
	l.line, l.given, l.at = len(s.Text)-len(text), 0, -1
}

func (l *lexer) tokenise(text string) chroma.Iterator {
	tokens, err := l.chroma.Tokenise(&chroma.TokeniseOptions{State: start}, text)
	if err != nil {
		panic(err) // see try
	}
	return tokens
}

// more says whether something is left of the line.
func (l *lexer) more() bool { return l.given < len(l.state.Text)-l.line }

// next gives the next token; EOF if there is none in this line.
func (l *lexer) next() chroma.Token {
	token := l.tokens()
	l.given += len([]rune(token.Value))
	return token
}

// openers are what begins and what ends a comment or a string over several lines,
// in one language or another.
var openers = [][2]string{
	{"/*", "*/"}, {"`", "`"}, {`"""`, `"""`}, {"'''", "'''"}, {"<!--", "-->"},
	{"{-", "-}"}, {"(*", "*)"}, {"--[[", "]]"}, {"=begin", "=end"}, {"<#", "#>"}, {"{|", "|}"},
	{"@'", "\n'@"}, {"@\"", "\n\"@"},
}

// opens says whether what is left of the line begins something that ends in a later
// line and that the lexer knows only whole: it knows it with its end, knows that it
// is over then, and without the end does not know it in the next line. until is that
// end, "" if it is nothing such.
func (l *lexer) opens() (until, color string) {
	rest, ok := l.rest()
	if !ok {
		return "", ""
	}
	for _, o := range openers {
		after, found := strings.CutPrefix(rest, o[0])
		if !found || strings.Contains(after, o[1]) {
			continue
		}
		color := l.colored(rest + o[1])
		if color != "" && l.colored(rest+o[1]+" x") == "" && l.colored(rest+"\nx") == "" {
			return strings.TrimPrefix(o[1], "\n"), color
		}
	}
	return "", ""
}

// rest is what is left of the line, if the lexer stands between two patterns and an
// opener may begin there.
func (l *lexer) rest() (string, bool) {
	if s := l.state; s.Pos != l.line+l.given || !strings.ContainsRune("/`\"'<{(-=@", s.Text[s.Pos]) {
		return "", false
	}
	return strings.TrimSuffix(string(l.state.Text[l.state.Pos:]), "\n"), true
}

// colored is the colour of a text that is one comment or one string, "" if it is
// neither.
func (l *lexer) colored(text string) string {
	l.stack = l.state.Stack
	defer func() { l.stack, l.begun, l.at = nil, l.state, -1 }()
	color, n := "", 0
	for tokens := l.tokenise(text + "\n"); n < len(text); {
		token := tokens()
		isText := token.Type.InCategory(chroma.Comment) || token.Type.InSubCategory(chroma.LiteralString)
		if token == chroma.EOF || !isText && strings.TrimSpace(token.Value) != "" {
			return ""
		}
		if color == "" {
			color = colorOf(token.Type)
		}
		n += len(token.Value)
	}
	return color
}

// skip passes over what is left of the line, and gives it.
func (l *lexer) skip() string {
	rest, _ := l.rest()
	l.state.Pos, l.given = len(l.state.Text), len(l.state.Text)-l.line
	return rest
}
