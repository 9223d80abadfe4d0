package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"kaiwa/client/config"
	"kaiwa/client/session"
	"kaiwa/pkg/plain"
)

// setting is what may be said by a flag, else by a variable, else in the config
// file.
type setting struct {
	name, flag, env string
}

var settings = []setting{
	{"url", "url", "KAIWA_URL"},
	{"token", "token", "KAIWA_TOKEN"},
	{"header", "H", ""},
	{"ping", "ping", "KAIWA_PING"},
	{"timeout", "timeout", "KAIWA_TIMEOUT"},
	{"plain", "plain", "KAIWA_PLAIN"},
}

// settle gives the settings that no flag has set their values, and notes where
// each comes from.
func (f *flags) settle(set *flag.FlagSet, getenv func(string) string) error {
	f.source = map[string]string{}
	set.Visit(func(g *flag.Flag) { f.source[g.Name] = "the command line" })
	if f.profile == "" {
		f.profile = getenv("KAIWA_PROFILE")
	}
	if strings.Trim(f.profile, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return fmt.Errorf("the profile %q may have letters, digits, _ and - only", f.profile)
	}
	file, err := configFile(getenv, f.profile)
	if err != nil {
		return err
	}
	for _, s := range settings {
		if f.source[s.flag] != "" || s.name == "url" && slices.ContainsFunc(f.words[:f.text], isURL) {
			continue
		}
		values, source := file.Values[s.name], file.Path
		if v := getenv(s.env); s.env != "" && v != "" {
			values, source = []string{v}, s.env
		}
		for _, name := range []string{"TERM", "ACCESSIBLE"} {
			if v := getenv(name); s.name == "plain" && (name == "TERM" && v == "dumb" || name == "ACCESSIBLE" && isSet(v)) {
				values, source = []string{"true"}, name
			}
		}
		for _, v := range values {
			if err := set.Set(s.flag, v); err != nil {
				return fmt.Errorf("%s, from %s: %w", s.name, source, err)
			}
			f.source[s.flag] = source
		}
	}
	return nil
}

func configFile(getenv func(string) string, profile string) (*config.File, error) {
	path, err := config.Path(getenv)
	if err != nil && profile == "" {
		return &config.File{}, nil // without a home there is no file
	}
	if err != nil {
		return nil, err
	}
	var known []string
	for _, s := range settings {
		known = append(known, s.name)
	}
	return config.Load(path, profile, known)
}

// isSet reads a variable that is a switch.
func isSet(value string) bool { return value != "" && value != "0" && value != "false" }

// showConfig prints the settings and where each comes from; a token is not told.
func showConfig(_ context.Context, _ *session.Query, f *flags) error {
	if f.words[0] != "show" {
		return usageError("it goes like this: kaiwa config show")
	}
	var headers []string
	for name := range f.header {
		if name != "Authorization" || f.token == "" {
			headers = append(headers, name) // its value may be a secret too
		}
	}
	slices.Sort(headers)
	token := ""
	if f.token != "" {
		token = "(set)"
	}
	ping := f.ping
	if ping < 0 {
		ping = 0
	}
	values := map[string]string{
		"url": address(f.url), "token": token, "header": strings.Join(headers, ", "),
		"ping": ping.String(), "timeout": f.timeout.String(), "plain": fmt.Sprint(f.plain),
	}
	for _, s := range settings {
		source := f.source[s.flag]
		if source == "" {
			source = "the default"
		}
		_, err := fmt.Printf("%-8s %-40s %s\n", s.name, plain.Safe(values[s.name]), plain.Safe(source))
		if err != nil {
			return err
		}
	}
	return nil
}

// completion prints a script that completes the command line in a shell.
func completion(_ context.Context, _ *session.Query, f *flags) error {
	var words, options []string
	for name := range verbs() {
		words = append(words, name)
	}
	slices.Sort(words)
	new(flags).set().VisitAll(func(g *flag.Flag) {
		dash := "--"
		if len(g.Name) == 1 {
			dash = "-"
		}
		options = append(options, dash+g.Name)
	})
	script, ok := scripts[f.words[0]]
	if !ok {
		return usageError("there is completion for bash, zsh and fish")
	}
	_, err := strings.NewReplacer("@COMMANDS@", strings.Join(words, " "), "@FLAGS@", strings.Join(options, " ")).WriteString(os.Stdout, script)
	return err
}
