package sam

import (
	"path"
	"path/filepath"
	"strings"
)

func isFunction(r *resource) bool {
	return r.kind == "AWS::Serverless::Function" || r.kind == "AWS::Lambda::Function"
}

// functions reads every function, and gives each its alias where that is unique.
func (s *stack) functions(t *Template) error {
	bases := make(map[string]int)
	for _, r := range s.order {
		if !isFunction(r) {
			continue
		}
		f, err := s.function(r)
		if err != nil {
			return within(r.id, err)
		}
		if f == nil {
			continue // which is noted
		}
		if f.InlineCode == "" {
			f.Alias = alias(f.CodeURI)
			bases[f.Alias]++
		}
		t.functions = append(t.functions, *f)
		s.placed(t, placeOfFunction+f.Name, r, r.node.line)
	}
	for i := range t.functions {
		if f := &t.functions[i]; bases[f.Alias] > 1 {
			f.Alias = ""
		}
	}
	return nil
}

// alias is the last element of a code folder. Those of the CDK name nothing.
func alias(codeURI string) string {
	base := path.Base(codeURI)
	if base == "." || base == ".." || base == "/" || strings.HasPrefix(base, "asset.") {
		return ""
	}
	return base
}

// function reads one function; nil if its code is not here.
func (s *stack) function(r *resource) (*Function, error) {
	p := s.props(r.properties)
	if kind := p.text("PackageType"); kind == "Image" {
		s.missFunction(r, r.node, "a container image cannot run here: use a zip package")
		return nil, p.err
	}
	f := &Function{Architectures: p.texts("Architectures")}
	f.Runtime, f.Handler = p.required("Runtime"), p.required("Handler")
	if len(f.Architectures) == 0 {
		f.Architectures = []string{"x86_64"}
	}
	here := s.code(r, p, f)
	if p.err != nil || !here {
		return nil, p.err
	}
	f.LogicalID = r.id
	if n := p.integer("Timeout", 1, 900); n != nil {
		f.Timeout = seconds(*n)
	}
	if n := p.integer("MemorySize", 128, 10240); n != nil {
		f.MemoryMB = *n
	}
	f.ReservedConcurrency = p.integer("ReservedConcurrentExecutions", 0, 1_000_000)
	logging := p.mapping("LoggingConfig")
	f.LogFormat, f.LogLevel = logging.text("LogFormat"), logging.text("ApplicationLogLevel")
	p.take("LoggingConfig", logging)
	environment := p.mapping("Environment")
	f.Env = environment.textMap("Variables")
	p.take("Environment", environment)
	if r.kind == "AWS::Serverless::Function" {
		if alias := p.text("AutoPublishAlias"); alias != "" {
			f.Published = []string{alias}
		}
		s.eventInvokeConfig(f, p.mapping("EventInvokeConfig"), p, r)
	}
	s.events(r)
	metadata := s.props(newMapping(r.node.line))
	if m := r.node.get("Metadata"); m != nil && m.kind == mapping {
		metadata.n = m
	}
	f.BuildMethod = metadata.text("BuildMethod")
	p.take("Metadata", metadata)
	if p.err != nil {
		return nil, p.err
	}
	var err error
	if f.Name, err = s.physical(r); err != nil {
		return nil, err
	}
	f.ARN, err = s.getAtt(r.node, r.id, "Arn")
	return f, err
}

// code finds the function's code and says whether it is here.
func (s *stack) code(r *resource, p *props, f *Function) bool {
	key := "CodeUri"
	if r.kind == "AWS::Lambda::Function" {
		key = "Code"
	}
	f.InlineCode = p.text("InlineCode")
	v := p.value(key)
	switch {
	case v == nil:
		f.CodeURI = "."
	case v.scalar() && !strings.Contains(v.text, "://"):
		f.CodeURI = path.Clean(filepath.ToSlash(v.text))
	case v.get("ZipFile") != nil && v.get("ZipFile").scalar():
		f.InlineCode = v.get("ZipFile").text
	case s.asset(r) != "":
		f.CodeURI = s.asset(r)
	default:
		s.missFunction(r, v, "code in S3 or a registry cannot run here: name its folder in "+key)
		return false
	}
	if f.InlineCode != "" {
		f.CodeURI = ""
		return true
	}
	f.Dir = filepath.Join(s.dir, filepath.FromSlash(f.CodeURI))
	return true
}

// missFunction notes that a function's code is not here.
func (s *stack) missFunction(r *resource, n *node, why string) {
	name, err := s.physical(r)
	if err != nil {
		name = r.id
	}
	s.miss(name, n, "%s: %s", r.id, why)
}

// asset is the folder that the CDK has put a function's code into, beside the
// template; its Metadata says so.
func (s *stack) asset(r *resource) string {
	n := r.node.get("Metadata").get("aws:asset:path")
	if n == nil || n.kind != text || n.text == "" || strings.HasSuffix(n.text, ".zip") {
		return ""
	}
	return path.Clean(filepath.ToSlash(n.text))
}

// eventInvokeConfig reads the SAM property of that name.
func (s *stack) eventInvokeConfig(f *Function, c, p *props, r *resource) {
	s.asyncConfig(f, c)
	destination := c.mapping("DestinationConfig")
	failure := destination.mapping("OnFailure")
	kind := failure.text("Type")
	f.Async.OnFailure = failure.text("Destination")
	if f.Async.OnFailure == "" && (kind == "SQS" || kind == "SNS") { // SAM makes one
		f.Async.OnFailure = "arn:" + s.Partition + ":" + strings.ToLower(kind) + ":" + s.Region + ":" + s.AccountID + ":" +
			s.StackName + "-" + r.id + "EventInvokeConfigOnFailure" + map[string]string{"SQS": "Queue", "SNS": "Topic"}[kind]
	}
	destination.take("OnFailure", failure)
	c.take("DestinationConfig", destination)
	p.take("EventInvokeConfig", c)
}

// asyncConfig reads what SAM's and CloudFormation's configurations share.
func (s *stack) asyncConfig(f *Function, p *props) {
	f.Async.MaxRetryAttempts = p.integer("MaximumRetryAttempts", 0, 2)
	if n := p.integer("MaximumEventAgeInSeconds", 60, 21600); n != nil {
		f.Async.MaxEventAge = seconds(*n)
	}
}

// invokeConfigs reads AWS::Lambda::EventInvokeConfig.
func (s *stack) invokeConfigs(t *Template) error {
	for _, r := range s.order {
		if r.kind != "AWS::Lambda::EventInvokeConfig" {
			continue
		}
		p := s.props(r.properties)
		f := t.find(p.required("FunctionName"))
		if p.err == nil && f == nil {
			p.fail(r.properties.get("FunctionName"), "FunctionName", "is no function of this template that can run: use !Ref")
		}
		if p.err == nil {
			s.asyncConfig(f, p)
			destination := p.mapping("DestinationConfig")
			failure := destination.mapping("OnFailure")
			f.Async.OnFailure = failure.text("Destination")
			destination.take("OnFailure", failure)
			p.take("DestinationConfig", destination)
		}
		if p.err != nil {
			return within(r.id, p.err)
		}
	}
	return nil
}

// find returns a function by name or ARN, with or without a version behind.
func (t *Template) find(name string) *Function {
	for i := range t.functions {
		f := &t.functions[i]
		if name == f.Name || name == f.ARN || strings.HasPrefix(name, f.ARN+":") {
			return f
		}
	}
	return nil
}

// events notes what would start or surround the function on AWS and does not
// here.
func (s *stack) events(r *resource) {
	if events := r.properties.get("Events"); events != nil && events.kind == mapping {
		for _, k := range events.keys {
			kind := "unknown"
			if t := events.fields[k].get("Type"); t != nil {
				kind = t.text
			}
			s.note(events.fields[k], "%s: event %s of type %s cannot run here: invoke the function yourself", r.id, k, kind)
		}
	}
	if l := r.properties.get("Layers"); l != nil {
		s.note(l, "%s: layers cannot run here: put what they have into the function", r.id)
	}
	if u := r.properties.get("FunctionUrlConfig"); u != nil {
		s.note(u, "%s: a function URL cannot run here: only WebSocket APIs are emulated", r.id)
	}
}
