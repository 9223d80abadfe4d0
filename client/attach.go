package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// attach adds files to a prompt, each in a fence under its name.
func attach(text string, files []string) (string, error) {
	for _, name := range files {
		body, err := readText(name)
		if err != nil {
			return "", err
		}
		if text != "" {
			text += "\n\n"
		}
		text += fenced(filepath.Base(name), body)
	}
	return text, nil
}

func readText(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	b, err := io.ReadAll(io.LimitReader(file, maxPiped))
	if err == nil && len(b) < maxPiped { // else the last character may be cut, and it is too large in any case
		err = textError(name, b)
	}
	return string(b), err
}

// textError says that something is no text that can be sent.
func textError(name string, b []byte) error {
	if utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		return nil
	}
	return fmt.Errorf("%s is not UTF-8; a text in another encoding goes through iconv, as in: iconv -f SHIFT_JIS -t UTF-8", name)
}

// fenced puts body in a fence that is longer than any in it.
func fenced(name, body string) string {
	fence := "```"
	for strings.Contains(body, fence) {
		fence += "`"
	}
	if !strings.HasSuffix(body, "\n") {
		body += "\n"
	}
	return name + ":\n" + fence + "\n" + body + fence
}

// patience is how long standard input may take to end without a word about it:
// some programs leave it open for those that they start.
const patience = 3 * time.Second

// wholePrompt is the prompt of -p: text, and after it whatever is piped in, and
// the files. The text - is what is piped in alone.
func wholePrompt(text string, files []string, stdin io.Reader, isTerminal bool) (string, error) {
	asked := text == "-"
	if asked {
		text = ""
	}
	if asked || !isTerminal {
		wait := time.AfterFunc(patience, func() {
			say(os.Stderr, "reading standard input; if there is nothing to come, say < /dev/null")
		})
		// A closed standard input cannot be read: then there is nothing in it.
		piped, _ := io.ReadAll(io.LimitReader(stdin, maxPiped))
		wait.Stop()
		if len(piped) < maxPiped {
			if err := textError("standard input", piped); err != nil {
				return "", err
			}
		}
		if text != "" && len(piped) > 0 {
			text += "\n\n"
		}
		text += string(piped)
	}
	text, err := attach(text, files)
	if err == nil && strings.TrimSpace(text) == "" {
		err = errors.New("there is nothing to send: standard input is empty")
	}
	return text, err
}
