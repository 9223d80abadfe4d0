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
	switch {
	case err != nil:
		return "", err
	case len(b) < maxPiped && (!utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0):
		return "", fmt.Errorf("%s is not a text file", name)
	}
	return string(b), nil
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
