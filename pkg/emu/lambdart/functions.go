package lambdart

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// function is a Function in a Host, with its pool. Host.mu guards all that
// changes.
type function struct {
	Function
	idle     []*process // most recently used last
	replaced int        // how often
	inFlight int
	stats    Stats
}

var (
	validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	// Lambda developer guide, "Working with Lambda environment variables": a letter, at
	// least two characters, and nothing but letters, digits and underscores.
	validVariable = regexp.MustCompile(`^[a-zA-Z]([a-zA-Z0-9_])+$`)
)

// Lambda refuses an environment over 4 KB, keys and values together.
const maxEnvironment = 4096

// Add makes a function known, under its Name, its ARN, its LogicalID and its
// Alias. A LogicalID or Alias that two functions share names neither. Add checks
// what Lambda would check at deployment; it starts nothing. Its errors say what is
// wrong and not with which function, which the caller knows.
func (h *Host) Add(f Function) error {
	if err := check(f); err != nil {
		return err
	}
	f.ARN = or(f.ARN, "arn:aws:lambda:"+h.opt.Region+":"+h.opt.AccountID+":function:"+f.Name)
	f.Timeout = or(f.Timeout, 3*time.Second)
	f.MemoryMB = or(f.MemoryMB, 128)
	f.Runtime = or(f.Runtime, "provided.al2023")
	f.Credentials = or(f.Credentials, Credentials{"ASIALOCALEMULATION00", "local-secret-access-key", "local-session-token"})

	h.mu.Lock()
	defer h.mu.Unlock()
	if h.functions[f.Name] != nil {
		return errors.New("a function of this name was added before")
	}
	if r := f.ReservedConcurrency; r != nil {
		if h.reserved+*r > h.opt.AccountConcurrency {
			return fmt.Errorf("reserves %d of %d left in the account", *r, h.opt.AccountConcurrency-h.reserved)
		}
		h.reserved += *r
	}
	fn := &function{Function: f}
	h.functions[f.Name] = fn
	h.nickname(f.LogicalID, fn)
	if f.Alias != f.LogicalID {
		h.nickname(f.Alias, fn)
	}
	return nil
}

// Replace has a function run another command from now on, or, if that is empty, its
// own in new processes. Invocations under way end in the processes they have; those
// get no more.
func (h *Host) Replace(name string, command []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	fn := h.functions[name]
	if fn == nil {
		return fmt.Errorf("lambdart: replace function %s: there is none", name)
	}
	if len(command) > 0 {
		fn.Command = command
	}
	fn.replaced++
	for _, p := range fn.idle {
		h.forget(p)
		p.terminate(h.opt.Grace)
	}
	fn.idle = nil
	return nil
}

// nickname remembers a further name, or nil for one that is ambiguous.
func (h *Host) nickname(name string, fn *function) {
	if name == "" {
		return
	}
	if _, taken := h.nicknames[name]; taken {
		fn = nil
	}
	h.nicknames[name] = fn
}

func check(f Function) error {
	size := 0
	for _, k := range slices.Sorted(maps.Keys(f.Env)) {
		switch {
		case reservedEnv[k]:
			return fmt.Errorf("environment variable %s is reserved by Lambda: take it out", k)
		case !validVariable.MatchString(k):
			return fmt.Errorf("environment variable %q: a name is a letter and then one or more of A-Z a-z 0-9 _", k)
		}
		size += len(k) + len(f.Env[k])
	}
	a := f.Async
	switch {
	case !validName.MatchString(f.Name):
		return fmt.Errorf("name must be 1 to 64 of A-Z a-z 0-9 - _")
	case len(f.Command) == 0:
		return fmt.Errorf("no command to run")
	case f.Timeout < 0 || f.Timeout > 15*time.Minute:
		return fmt.Errorf("timeout %v is not between 0 and 15m", f.Timeout)
	case f.MemoryMB != 0 && (f.MemoryMB < 128 || f.MemoryMB > 10240):
		return fmt.Errorf("memory %d MB is not between 128 and 10240", f.MemoryMB)
	case f.ReservedConcurrency != nil && *f.ReservedConcurrency < 0:
		return fmt.Errorf("reserved concurrency %d is negative", *f.ReservedConcurrency)
	case a.MaxRetryAttempts != nil && (*a.MaxRetryAttempts < 0 || *a.MaxRetryAttempts > 2):
		return fmt.Errorf("maximum retry attempts %d is not between 0 and 2", *a.MaxRetryAttempts)
	case a.MaxEventAge != 0 && (a.MaxEventAge < time.Minute || a.MaxEventAge > 6*time.Hour):
		return fmt.Errorf("maximum event age %v is not between 60s and 6h", a.MaxEventAge)
	case size > maxEnvironment:
		return fmt.Errorf("environment of %d bytes is over Lambda's %d", size, maxEnvironment)
	}
	return nil
}

// find resolves what a caller may write as FunctionName: a name, an ARN, the
// partial ARN account:function:name, a logical id or an Alias, each with :$LATEST,
// one of Published or nothing behind. Any other version does not exist. called is
// the ARN by which the caller means the function.
func (h *Host) find(name, qualifier string) (fn *function, called string, err error) {
	short, full := name, ""
	if strings.HasPrefix(name, "arn:") {
		full = name
	}
	if _, after, ok := strings.Cut(name, ":function:"); ok {
		short = after
	}
	short, version, _ := strings.Cut(short, ":")
	full = strings.TrimSuffix(full, ":"+version)
	qualifier = or(qualifier, version)

	h.mu.Lock()
	defer h.mu.Unlock()
	fn = h.functions[short]
	if fn == nil && full == "" {
		fn = h.nicknames[short]
	}
	switch {
	case fn == nil || full != "" && full != fn.ARN:
	case qualifier == "":
		return fn, fn.ARN, nil
	case qualifier == "$LATEST" || slices.Contains(fn.Published, qualifier):
		return fn, fn.ARN + ":" + qualifier, nil
	}
	return nil, "", errNotFound(h.arn(name, qualifier))
}

// arn spells a name that was not found the way Lambda does.
func (h *Host) arn(name, qualifier string) string {
	if !strings.HasPrefix(name, "arn:") {
		name = "arn:aws:lambda:" + h.opt.Region + ":" + h.opt.AccountID + ":function:" + name
	}
	if qualifier != "" && !strings.HasSuffix(name, ":"+qualifier) {
		name += ":" + qualifier
	}
	return name
}
