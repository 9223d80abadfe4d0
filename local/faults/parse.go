package faults

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Name is one kind of fault; the package comment tells what each does.
type Name string

// The faults there are.
const (
	PostDelay       Name = "post.delay"
	Post410         Name = "post.410"
	Post429         Name = "post.429"
	Post500         Name = "post.500"
	PostTimeout     Name = "post.timeout"
	TableThrottle   Name = "ddb.throttle"
	Table500        Name = "ddb.500"
	TableLost       Name = "ddb.lost"
	InvokeDelay     Name = "invoke.delay"
	InvokeKill      Name = "invoke.kill"
	InvokeDuplicate Name = "invoke.duplicate"
	ModelThrottle   Name = "model.throttle"
	SocketCut       Name = "socket.cut"
)

var known = []Name{
	Table500, TableLost, TableThrottle, InvokeDelay, InvokeDuplicate, InvokeKill, ModelThrottle,
	Post410, Post429, Post500, PostDelay, PostTimeout, SocketCut,
}

// Plan is a parsed text with its counters.
type Plan struct{ rules map[Name]*rule }

// rule is one of three: a delay, every nth, or the nth only.
type rule struct {
	delay       time.Duration
	every, only int64
	seen, hit   atomic.Int64
}

// Parse reads a text. Its error is one line that says what would be right.
func Parse(text string) (*Plan, error) {
	p := &Plan{rules: map[Name]*rule{}}
	if strings.TrimSpace(text) == "" {
		return p, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		left, value, ok := strings.Cut(strings.TrimSpace(item), "=")
		if !ok {
			return nil, fmt.Errorf("fault %q is not NAME=VALUE", strings.TrimSpace(item))
		}
		name := Name(left)
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown fault %q; known are %s", left, list())
		}
		if p.rules[name] != nil {
			return nil, fmt.Errorf("fault %s is given twice", name)
		}
		r, err := parseRule(name, value)
		if err != nil {
			return nil, err
		}
		p.rules[name] = r
	}
	return p, nil
}

func parseRule(name Name, value string) (*rule, error) {
	if strings.HasSuffix(string(name), ".delay") {
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("fault %s: %q is not a time like 20ms", name, value)
		}
		return &rule{delay: d}, nil
	}
	digits, every := strings.CutPrefix(value, "1/")
	n, err := strconv.ParseUint(digits, 10, 31)
	switch {
	case err != nil || n == 0:
		return nil, fmt.Errorf("fault %s: %q is neither 1/5 (every fifth) nor 5 (the fifth only)", name, value)
	case every:
		return &rule{every: int64(n)}, nil
	}
	return &rule{only: int64(n)}, nil
}

// String is the text again, in alphabetical order.
func (p *Plan) String() string {
	var items []string
	for _, name := range slices.Sorted(maps.Keys(p.rules)) {
		items = append(items, string(name)+"="+p.rules[name].String())
	}
	return strings.Join(items, ",")
}

func (r *rule) String() string {
	switch {
	case r.delay > 0:
		return r.delay.String()
	case r.every > 0:
		return "1/" + strconv.FormatInt(r.every, 10)
	}
	return strconv.FormatInt(r.only, 10)
}

func list() string {
	var names []string
	for _, n := range known {
		names = append(names, string(n))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
