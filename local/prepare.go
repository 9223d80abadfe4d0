package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"

	"kaiwa/local/build"
	"kaiwa/local/stack"
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
	logs      *logging
}

// prepare reads the template and builds what it names. at is the listener's
// address.
func (s *session) prepare(ctx context.Context, at net.Addr) (*prepared, error) {
	p := &prepared{region: s.region()}
	var err error
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
	p.caFile = p.cache.file("ca", port, ".pem")
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
	o := &sam.Options{Region: region, Parameters: maps.Clone(s.params)}
	if _, told := s.params["Auth"]; !told {
		o.Parameters["Auth"] = "none"
		if t, err := sam.Load(s.template, o); err == nil {
			return t, nil
		}
		delete(o.Parameters, "Auth")
	}
	return sam.Load(s.template, o)
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
	functions := p.template.Functions()
	var dirs []string
	for _, f := range functions {
		if err := buildable(f); err != nil {
			return err
		}
		dirs = append(dirs, f.Dir)
	}
	what := fmt.Sprintf("building %d functions", len(functions))
	if len(functions) == 1 {
		what = "building 1 function"
	}
	var client string
	if s.opensChat() {
		var err error
		if client, err = clientFolder(); err != nil {
			return err
		}
		dirs = append(dirs, client)
		what += " and the client"
	}
	var files map[string]string
	err := progress(s.err, what, func() (err error) {
		files, err = build.Binaries(ctx, p.cache.binaries(), dirs)
		return err
	})
	if err != nil {
		return err
	}
	p.client = files[client]
	for _, f := range functions {
		file := files[f.Dir]
		f.Command, f.Dir = []string{file}, filepath.Dir(file) // on Lambda too there is the program and no source
		p.functions = append(p.functions, f.Function)
	}
	return nil
}

// buildable names what cannot be run here.
func buildable(f sam.Function) error {
	switch {
	case !strings.HasPrefix(f.Runtime, "provided"):
		return fmt.Errorf("function %s: cannot run %s here: only Go (provided.al2023)", f.LogicalID, f.Runtime)
	case f.BuildMethod != "" && f.BuildMethod != "go1.x":
		return fmt.Errorf("function %s: cannot build with %s here: only go1.x", f.LogicalID, f.BuildMethod)
	}
	return nil
}
