package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kaiwa/local/build"
	"kaiwa/local/issuer"
	"kaiwa/local/program"
	"kaiwa/local/stack"
	"kaiwa/local/watch"
	"kaiwa/pkg/emu/lambdart"
	"kaiwa/pkg/emu/sam"
)

// prepared is what a run needs before anything can start.
type prepared struct {
	template  *sam.Template
	functions []lambdart.Function // those that can run, with their programs
	region    string
	cache     *cache
	client    string // "" when no chat is opened
	caFile    string
	caBundle  string
	runs      string // the folder programs run from while they are watched
	logs      *logging
	watcher   *watch.Watcher // nil: nobody looks
	notHere   []string       // lines about what cannot run
	notes     []string       // lines about what may differ
}

// prepare reads the template and builds what it names. at is the listener's
// address.
func (s *session) prepare(ctx context.Context, at net.Addr) (*prepared, error) {
	p := &prepared{region: s.region()}
	var err error
	if s.issuer, err = s.newIssuer(at); err != nil {
		return nil, err
	}
	if p.template, err = s.load(p.region); err != nil {
		return nil, err
	}
	if len(p.template.APIs()) == 0 {
		return nil, fmt.Errorf("%s: %w", s.template, stack.ErrNoAPI)
	}
	folder, err := filepath.Abs(filepath.Dir(s.template))
	if err != nil {
		return nil, fmt.Errorf("find the template's folder: %w", err)
	}
	_, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return nil, err
	}
	if p.cache, err = openCache(folder); err != nil {
		return nil, err
	}
	p.caFile, p.caBundle = p.cache.file("ca", port, ".pem"), p.cache.file("ca-bundle", port, ".pem")
	p.runs = p.cache.file("run", port, "")
	if err = s.build(ctx, p); err == nil {
		p.logs, err = s.openLogs(p.cache.file("functions", port, ".log"), p.template.Functions())
	}
	if err != nil {
		p.cache.close()
		return nil, err
	}
	return p, nil
}

func (p *prepared) close() {
	p.logs.close()
	p.cache.close()
}

// load reads the template. Unless told otherwise, one that has a parameter Auth
// with the value none runs with it: on this machine nobody needs to be kept out.
func (s *session) load(region string) (*sam.Template, error) {
	o := &sam.Options{Region: region, Parameters: maps.Clone(s.params), Imports: s.imports}
	if _, told := s.params["Auth"]; !told {
		o.Parameters["Auth"] = "none"
		if t, err := sam.Load(s.template, o); err == nil && slices.Contains(t.AllowedValues("Auth"), "none") {
			return t, nil
		}
		delete(o.Parameters, "Auth")
	} else if s.auth {
		without := *o
		without.Parameters = maps.Clone(o.Parameters)
		delete(without.Parameters, "Auth")
		if t, err := sam.Load(s.template, &without); err == nil && !t.HasParameter("Auth") {
			return nil, fmt.Errorf("%s: -auth needs a template with a parameter Auth", s.template)
		}
	}
	if s.issuer != nil {
		o.Parameters["JwtIssuer"], o.Parameters["JwtAudience"] = s.issuer.URL(), s.issuer.Audience()
	}
	return sam.Load(s.template, o)
}

// newIssuer makes the issuer of a run whose template wants tokens, unless it is
// told somebody else's.
func (s *session) newIssuer(at net.Addr) (*issuer.Issuer, error) {
	if s.params["Auth"] != "jwt" || s.params["JwtIssuer"] != "" {
		return nil, nil
	}
	return issuer.New("http://"+at.String()+stack.IssuerPath, cmp.Or(s.params["JwtAudience"], "kaiwa-local"))
}

// region is the user's where AWS itself is called, else us-east-1 whatever the
// user's may be: a run is the same on every machine.
func (s *session) region() string {
	if s.model.bedrock || s.dynamodb != "" {
		for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
			if r := os.Getenv(name); r != "" {
				return r
			}
		}
	}
	return "us-east-1"
}

// build makes the functions' programs and, if a chat will be opened, the client.
func (s *session) build(ctx context.Context, p *prepared) error {
	set, err := program.New(ctx, p.template.Functions(), filepath.Dir(s.template), p.cache.runtimes())
	if err != nil {
		return err
	}
	if p.notHere, err = judge(p.template, set.Refused); err != nil {
		return fmt.Errorf("%s: %w", s.template, err)
	}
	p.notes = set.Notes
	var what []string
	switch n := len(set.Sources); n {
	case 0:
	case 1:
		what = append(what, "1 function")
	default:
		what = append(what, fmt.Sprintf("%d functions", n))
	}
	dirs := slices.Clone(set.Sources)
	var client string
	if s.opensChat() {
		if client, err = clientFolder(); err != nil {
			return err
		}
		dirs = append(dirs, client)
		what = append(what, "the client")
	}
	if s.watch {
		if p.watcher, err = s.newWatcher(ctx, p, set, dirs); err != nil {
			return err
		}
	}
	var files map[string]string
	if len(dirs) > 0 {
		err = progress(s.err, "building "+strings.Join(what, " and "), func() (err error) {
			files, err = build.Binaries(ctx, p.cache.binaries(), dirs)
			return err
		})
	}
	if err != nil {
		return err
	}
	if p.watcher != nil {
		if files, err = p.watcher.Programs(files); err != nil {
			return err
		}
	}
	p.client, p.functions = files[client], set.Functions(files)
	return nil
}
