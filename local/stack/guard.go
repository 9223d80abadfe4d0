package stack

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kaiwa/pkg/emu/iam"
	"kaiwa/pkg/emu/lambdart"
	"kaiwa/pkg/emu/sam"
)

// caller is a function as AWS sees it: by its role's credentials.
type caller struct {
	function    string // logical id
	arn         string
	credentials lambdart.Credentials
	policies    []iam.Policy
	known       bool // policies are all that the role has
}

// Call is one permission that a function needed for a request it made.
type Call struct {
	// Function is the logical id.
	Function string
	iam.Need
	// Allowed says whether the policies of the function's role grant it. Where they
	// cannot be known everything is.
	Allowed bool
}

// newCallers gives every function credentials of its own, as roles have, and the
// policies of its role. Policies that are not in the template, such as AWS's own, or
// say what iam does not read, cannot be known; the function may do everything then.
func (s *Stack) newCallers(t *sam.Template) map[string]*caller {
	callers := map[string]*caller{}
	s.notJudged = map[string][]string{}
	for _, f := range t.Functions() {
		role, err := t.Role(f)
		if err != nil { // a function of CloudFormation that is not evaluated, say
			s.opt.Logger.Warn("a role cannot be read, so its function may do everything here", "function", f.LogicalID, "error", err)
			role.Unknown = err.Error()
		}
		c := &caller{
			function: f.LogicalID, known: role.Unknown == "",
			arn:         "arn:aws:sts::" + account + ":assumed-role/" + role.Name + "/" + f.Name,
			credentials: lambdart.Credentials{AccessKeyID: "ASIA" + rand.Text()[:16], SecretAccessKey: rand.Text(), SessionToken: rand.Text()},
		}
		if err == nil && role.Unknown != "" {
			s.notJudged[role.Unknown] = append(s.notJudged[role.Unknown], f.LogicalID)
		}
		for name, document := range role.Policies {
			var p iam.Policy
			if err := json.Unmarshal(document, &p); err != nil {
				s.opt.Logger.Warn("a role cannot be judged, so its function may do everything here", "function", c.function, "policy", name, "error", err)
				c.known = false
				continue
			}
			c.policies = append(c.policies, p)
		}
		callers[c.credentials.AccessKeyID] = c
	}
	return callers
}

// NotJudged returns a line for each reason why functions may do everything here.
func (s *Stack) NotJudged() (lines []string) {
	for _, why := range slices.Sorted(maps.Keys(s.notJudged)) {
		lines = append(lines, fmt.Sprintf("not judged, may do everything here: %s (%s)", strings.Join(s.notJudged[why], ", "), why))
	}
	return lines
}

// credentialsOf are those of a function by its logical id.
func (s *Stack) credentialsOf(function string) lambdart.Credentials {
	for _, c := range s.callers {
		if c.function == function {
			return c.credentials
		}
	}
	return lambdart.Credentials{}
}

var accessKey = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/`)

// callerOf is the function that signed r, nil if somebody else did.
func (s *Stack) callerOf(r *http.Request) *caller {
	if m := accessKey.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		return s.callers[m[1]]
	}
	return nil
}

// guard lets a function's request pass only if its role may make it, as AWS would.
func (s *Stack) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := s.callerOf(r)
		if c == nil {
			next.ServeHTTP(w, r)
			return
		}
		needs, err := s.needs(r)
		if err != nil { // whoever serves it will say what is wrong with it
			s.opt.Logger.Warn("it is not known what a call needs", "function", c.function, "error", err)
		}
		for _, n := range needs {
			allowed := !c.known || iam.Allows(c.policies, n)
			if s.opt.Calls != nil {
				s.opt.Calls(Call{c.function, n, allowed})
			}
			if !allowed {
				s.opt.Logger.Warn("denied", "function", c.function, "need", n.String())
				deny(w, r, c, n)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// needs says what a request needs permission for.
func (s *Stack) needs(r *http.Request) ([]iam.Need, error) {
	path := r.URL.EscapedPath()
	if api := s.apiOf(r.URL.Path); api != nil {
		if _, id, ok := strings.Cut(r.URL.Path, "/@connections/"); ok {
			return []iam.Need{s.where.Callback(api.id, api.stage, r.Method, id)}, nil
		}
		return nil, nil
	}
	if m := invokePath.FindStringSubmatch(r.URL.Path); m != nil {
		name := m[1]
		if q := r.URL.Query().Get("Qualifier"); q != "" && !strings.HasSuffix(name, ":"+q) {
			name += ":" + q
		}
		return []iam.Need{s.where.Invoke(s.functionARN(name))}, nil
	}
	operation, isTable := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	if !isTable && !strings.HasPrefix(path, "/model/") {
		return []iam.Need{{Action: service(r) + ":?", Resource: r.Method + " " + path + " " + r.Header.Get("X-Amz-Target")}}, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if isTable {
		return s.where.DynamoDB(operation, body)
	}
	return s.where.Bedrock(path, body)
}

var invokePath = regexp.MustCompile(`^/\d{4}-\d\d-\d\d/functions/([^/]+)/invocations$`)

// service is what a request's signature is for.
func service(r *http.Request) string {
	if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 3 {
		return scope[3]
	}
	return "?"
}

// functionARN is the ARN of a function that an Invoke names.
func (s *Stack) functionARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:lambda:" + s.opt.Region + ":" + account + ":function:" + name
}

// deny answers in the service's own way; the words are IAM's.
func deny(w http.ResponseWriter, r *http.Request, c *caller, n iam.Need) {
	status, kind := http.StatusForbidden, "AccessDeniedException"
	contentType := "application/json"
	if r.Header.Get("X-Amz-Target") != "" {
		status, kind, contentType = http.StatusBadRequest, "com.amazon.coral.service#"+kind, "application/x-amz-json-1.0"
	}
	message := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		c.arn, n.Action, n.Resource, n.Action)
	body, err := json.Marshal(map[string]string{"__type": kind, "Message": message})
	if err != nil {
		panic(err) // strings are always JSON
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-ErrorType", kind)
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)) // DynamoDB's clients insist
	w.WriteHeader(status)
	w.Write(body)
}

// partitionKeys finds the partition keys of the template's tables and their
// indexes.
func partitionKeys(tables []sam.Table) (func(table, index string) string, error) {
	names := map[[2]string]string{}
	for _, t := range tables {
		type keys []struct{ AttributeName, KeyType string }
		var c struct {
			KeySchema              keys
			GlobalSecondaryIndexes []struct {
				IndexName string
				KeySchema keys
			}
		}
		if err := json.Unmarshal(t.Create, &c); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
		add := func(index string, ks keys) {
			for _, k := range ks {
				if k.KeyType == "HASH" {
					names[[2]string{t.Name, index}] = k.AttributeName
				}
			}
		}
		add("", c.KeySchema)
		for _, i := range c.GlobalSecondaryIndexes {
			add(i.IndexName, i.KeySchema)
		}
	}
	return func(table, index string) string { return names[[2]string{table, index}] }, nil
}
