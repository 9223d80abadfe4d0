package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"kaiwa/client/config"
	"kaiwa/client/session"
	"kaiwa/pkg/plain"
)

// setting is what may be said by a flag, else by a variable, else in the config
// file.
type setting struct {
	name, flag string
	show       func(f *flags) string // the value, without what is secret
}

// variable is the setting's: token-command is KAIWA_TOKEN_COMMAND.
func (s setting) variable() string {
	return "KAIWA_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

var settings = []setting{
	{"url", "url", func(f *flags) string { return address(f.url) }},
	{"token", "token", func(f *flags) string { return secret(f.signin.Token) }},
	{"token-command", "token-command", func(f *flags) string { return f.signin.Command }},
	{"token-as", "token-as", func(f *flags) string {
		if f.signin.AsSubprotocol {
			return "subprotocol"
		}
		return "header"
	}},
	{"api-key", "api-key", func(f *flags) string { return secret(f.signin.APIKey) }},
	{"sigv4", "sigv4", func(f *flags) string { return fmt.Sprint(f.signin.SigV4) }},
	{"region", "region", func(f *flags) string { return f.signin.Region }},
	{"header", "H", func(f *flags) string { // its value may be a secret too
		return strings.Join(slices.Sorted(maps.Keys(f.header)), ", ")
	}},
	{"ca", "ca", func(f *flags) string { return f.ca }},
	{"cert", "cert", func(f *flags) string { return f.cert }},
	{"key", "key", func(f *flags) string { return f.key }},
	{"insecure", "insecure", func(f *flags) string { return fmt.Sprint(f.insecure) }},
	{"proxy", "proxy", func(f *flags) string { return withoutPassword(f.proxy) }},
	{"ping", "ping", func(f *flags) string { return max(f.ping, 0).String() }},
	{"timeout", "timeout", func(f *flags) string { return f.timeout.String() }},
	{"plain", "plain", func(f *flags) string { return fmt.Sprint(f.plain) }},
	{"enter-sends", "enter-sends", func(f *flags) string { return fmt.Sprint(f.look.enterSends) }},
	{"wrap", "wrap", func(f *flags) string { return f.look.wrap() }},
	{"ambiguous-width", "ambiguous-width", func(f *flags) string { return f.look.width() }},
}

func secret(s string) string {
	if s == "" {
		return ""
	}
	return "(set)"
}

func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return secret(address)
	}
	return u.Redacted()
}

// ways are the settings that are ways to sign in: one that is said nearer by
// stands in for the others.
var ways = []string{"token", "token-command", "sigv4"}

// secrets are the settings that let somebody in: what a source says of them is for
// the host of its url only.
var secrets = append([]string{"api-key", "header", "cert", "key"}, ways...)

// settle gives the settings that no flag has set their values, and notes where
// each comes from.
func (f *flags) settle(set *flag.FlagSet, getenv func(string) string) error {
	f.source = map[string]string{}
	set.Visit(func(g *flag.Flag) { f.source[g.Name] = "the command line" })
	if slices.ContainsFunc(f.words[:f.text], isURL) && f.source["url"] == "" {
		f.source["url"] = "the command line" // see address
	}
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
	elsewhere := !sameHost(f.givenURL(), getenv("KAIWA_URL"))
	if err := f.fill(set, elsewhere, func(s setting) ([]string, string) { return fromEnvironment(s, getenv) }); err != nil {
		return err
	}
	for _, own := range []bool{true, false} {
		about := file.TopURL // what stands outside the profile was said for this one
		if urls := file.Values["url"]; own && len(urls) > 0 {
			about = urls[len(urls)-1]
		}
		elsewhere = !sameHost(f.givenURL(), about)
		err := f.fill(set, elsewhere, func(s setting) ([]string, string) {
			if file.Own[s.name] != own {
				return nil, ""
			}
			return file.Values[s.name], file.Path
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// givenURL is the URL, as far as it is known.
func (f *flags) givenURL() string {
	if i := slices.IndexFunc(f.words[:f.text], isURL); i >= 0 {
		return f.words[i]
	}
	return f.url
}

// sameHost says whether two URLs name the same host, as far as they are given.
func sameHost(a, b string) bool {
	u, no := url.Parse(a)
	v, neither := url.Parse(b)
	return a == "" || b == "" || no == nil && neither == nil && strings.EqualFold(u.Host, v.Host)
}

// fill takes the settings that have no value yet from one source. If that one is
// about elsewhere, about another host than the one to connect to, its secrets stay
// there.
func (f *flags) fill(set *flag.FlagSet, elsewhere bool, from func(setting) (values []string, source string)) error {
	before := maps.Clone(f.source)
	signed := slices.ContainsFunc(ways, func(w string) bool { return before[w] != "" })
	for _, s := range settings {
		if before[s.flag] != "" || signed && slices.Contains(ways, s.name) || elsewhere && slices.Contains(secrets, s.name) {
			continue
		}
		values, source := from(s)
		for _, v := range values {
			if err := set.Set(s.flag, v); err != nil {
				return fmt.Errorf("%s, from %s: %w", s.name, source, err)
			}
			f.source[s.flag] = source
		}
	}
	return nil
}

func fromEnvironment(s setting, getenv func(string) string) (values []string, source string) {
	if v := getenv(s.variable()); v != "" && s.name != "header" {
		return []string{v}, s.variable()
	}
	switch {
	case s.name != "plain":
	case isSet(getenv("ACCESSIBLE")):
		return []string{"true"}, "ACCESSIBLE"
	case getenv("TERM") == "dumb":
		return []string{"true"}, "TERM"
	}
	return nil, ""
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

// showConfig prints the settings and where each comes from; secrets are not told.
func showConfig(_ context.Context, _ *session.Query, f *flags) error {
	if f.words[0] != "show" {
		return usageError("it goes like this: kaiwa config show")
	}
	for _, s := range settings {
		source := f.source[s.flag]
		if source == "" {
			source = "the default"
		}
		_, err := fmt.Fprintf(f.out, "%-15s %-40s %s\n", s.name, plain.Safe(s.show(f)), plain.Safe(source))
		if err != nil {
			return err
		}
	}
	return nil
}
