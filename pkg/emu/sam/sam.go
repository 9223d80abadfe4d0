package sam

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/emu/lambdart"
)

// Options say in which account and stack the template is read. The zero value,
// and nil, are the defaults.
type Options struct {
	// Parameters are values for the template's parameters; a name it does not
	// have is an error.
	Parameters map[string]string
	// Imports are values for Fn::ImportValue by name. One that is not there has its
	// name for its value, which is noted.
	Imports   map[string]string
	Region    string // default us-east-1
	AccountID string // default 123456789012
	Partition string // default aws
	URLSuffix string // default amazonaws.com
	StackName string // default local
	// APIID is the id of the template's first WebSocket API. Default: made of its
	// logical id, like those of the others.
	APIID string
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	for _, s := range []struct {
		field    *string
		fallback string
	}{
		{&d.Region, "us-east-1"}, {&d.AccountID, "123456789012"}, {&d.Partition, "aws"},
		{&d.URLSuffix, "amazonaws.com"}, {&d.StackName, "local"},
	} {
		if *s.field == "" {
			*s.field = s.fallback
		}
	}
	return d
}

// Template is a template resolved for one stack.
type Template struct {
	functions []Function
	apis      []apigw.API
	tables    []Table
	keys      []APIKey
	outputs   map[string]string
	cannot    []string         // lines of Ignored
	ignored   map[string]int   // resources without meaning here, by type
	places    map[string]Place // by kind and name
	stack     *stack           // for what is asked later
}

// Function is one function of the template: AWS::Serverless::Function or
// AWS::Lambda::Function with its code beside the template or inline.
type Function struct {
	// Function has all but Command. Dir is the folder of the code, "" if inline.
	lambdart.Function
	// CodeURI is the code's folder relative to the template, slashes between.
	CodeURI string
	// Architectures (default x86_64) are as written.
	Architectures []string
	// BuildMethod is Metadata.BuildMethod, "" if absent.
	BuildMethod string
	// InlineCode is the source text of a function without a folder.
	InlineCode string
}

// Table is one DynamoDB table.
type Table struct {
	// Name is the table's name.
	Name string
	// Create is the JSON body of CreateTable. Streams, tags, encryption and
	// backups are left out.
	Create []byte
	// TTLAttribute is the attribute of an enabled TimeToLiveSpecification, "" if
	// there is none.
	TTLAttribute string
}

// APIKey is one AWS::ApiGateway::ApiKey. Usage plans are not read: every enabled
// key opens every API.
type APIKey struct {
	ID   string
	Name string
	// Value is "" if the template leaves it to API Gateway to make one up.
	Value   string
	Enabled bool // false unless the template says so
}

// Functions returns the functions in the template's order.
func (t *Template) Functions() []Function { return t.functions }

// APIs returns the WebSocket APIs: those of AWS::ApiGatewayV2::Api and then those
// of AWS::Serverless::WebSocketApi, each in the template's order.
func (t *Template) APIs() []apigw.API { return t.apis }

// Tables returns the tables in the template's order.
func (t *Template) Tables() []Table { return t.tables }

// APIKeys returns the API keys in the template's order.
func (t *Template) APIKeys() []APIKey { return t.keys }

// Missing says why functions that routes and authorizers name are not here, by the
// name they have there. They are in Ignored too.
func (t *Template) Missing() map[string]string { return maps.Clone(t.stack.missing) }

// Outputs returns the stack's outputs by logical id.
func (t *Template) Outputs() map[string]string { return t.outputs }

// Ignored returns a line for each thing that matters and cannot run here, as
// file:line: what, and then one for each resource type that has no meaning here.
func (t *Template) Ignored() []string { return ignoredLines(t.cannot, t.ignored) }

// AWS takes templates up to 1 MB.
const maxTemplate = 1 << 20

// Load reads the template at path. nil Options are the defaults.
func Load(path string, o *Options) (*Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	return Parse(path, data, o)
}

// Parse reads a template from memory. name stands in errors, and its folder is
// where the functions' folders are looked for.
func Parse(name string, data []byte, o *Options) (*Template, error) {
	t, err := parse(name, data, o.withDefaults())
	var f *fault
	if errors.As(err, &f) {
		return nil, errors.New(f.at(name))
	}
	return t, err
}

func parse(name string, data []byte, o Options) (*Template, error) {
	if len(data) > maxTemplate {
		return nil, &fault{1, "over 1 MB, which CloudFormation refuses: split it"}
	}
	root, err := read(data)
	if err != nil {
		return nil, err
	}
	s, err := newStack(root, o)
	if err != nil {
		return nil, err
	}
	s.file, s.dir = name, filepath.Dir(name)
	t := &Template{ignored: make(map[string]int), places: make(map[string]Place), stack: s}
	for _, build := range []func(*stack, *Template) error{
		(*stack).functions, (*stack).aliases, (*stack).invokeConfigs, (*stack).apis, (*stack).tables, (*stack).apiKeys, (*stack).rest,
	} {
		if err := build(s, t); err != nil {
			return nil, err
		}
	}
	s.outputs(t)
	slices.SortStableFunc(s.notes, func(a, b fault) int { return a.line - b.line })
	for _, f := range s.notes {
		t.cannot = append(t.cannot, f.at(name))
	}
	return t, nil
}

// read tells YAML from JSON by the first byte. JSON is nearly YAML, but only
// nearly: tabs and surrogate pairs are not.
func read(data []byte) (*node, error) {
	text := strings.TrimSpace(string(data))
	if !strings.HasPrefix(text, "{") {
		return readYAML(data)
	}
	if json.Valid(data) {
		return readJSON(data)
	}
	n, err := readYAML(data) // flow style
	var syntax *json.SyntaxError
	if err != nil && errors.As(json.Unmarshal(data, new(any)), &syntax) {
		return nil, &fault{1 + strings.Count(string(data[:syntax.Offset]), "\n"), "not JSON: " + syntax.Error()}
	}
	return n, err
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
