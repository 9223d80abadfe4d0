package sam

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// The properties that AWS knows of the types read here, one mapping a line;
// .ci/properties.py says what the lines mean and makes them of AWS's own schemas
// (cfn-lint 1.51.0, aws-sam-translator 1.110.0).
//
//go:generate python3 ../../../.ci/properties.py properties.txt
//go:embed properties.txt
var propertiesText string

// known are the properties by path.
var known = sync.OnceValue(func() map[string][]string {
	m := make(map[string][]string)
	for line := range strings.Lines(propertiesText) {
		path, keys, _ := strings.Cut(line, ": ")
		m[path] = strings.Fields(keys)
	}
	return m
})

// checkProperties refuses properties that AWS does not know and misses those it
// wants, as a deployment would: a misspelt one would have no effect, and it may be
// the one that shuts the door. Of an Fn::If the branch that counts is checked. What
// has no path may hold anything.
func (s *stack) checkProperties(path string, n *node) error {
	switch name := intrinsic(n); {
	case name == "Fn::If":
		return s.checkBranch(path, n.fields[name])
	case name != "":
		return nil
	}
	for _, item := range n.items {
		if err := s.checkProperties(path, item); err != nil {
			return err
		}
	}
	if n.kind != mapping {
		return nil
	}
	all, closed := known()[path]
	if closed {
		if err := n.checkKeys(all); err != nil {
			return err
		}
	}
	for _, k := range n.keys {
		below := path + "." + k
		if !closed {
			below = path + ".*"
		}
		if err := s.checkProperties(below, n.fields[k]); err != nil {
			return within(k, err)
		}
	}
	return nil
}

func (s *stack) checkBranch(path string, arg *node) error {
	if arg.kind != list || len(arg.items) != 3 {
		return nil // whoever evaluates it says so
	}
	yes, err := s.condition(arg.items[0])
	if err != nil {
		return err
	}
	if yes {
		return s.checkProperties(path, arg.items[1])
	}
	return s.checkProperties(path, arg.items[2])
}

// checkKeys compares the keys of a mapping with a line of known.
func (n *node) checkKeys(all []string) error {
	names := make([]string, len(all))
	for i, k := range all {
		names[i] = strings.TrimSuffix(k, "!")
	}
	for _, k := range n.keys {
		switch {
		case strings.HasPrefix(k, "Fn::"):
			return n.keyErrorf(k, "%s: is not evaluated among properties: write them out", k)
		case !slices.Contains(names, k):
			return n.keyErrorf(k, "%s: no such property: %s", k, suggest(k, names))
		}
	}
	for i, k := range all {
		if k != names[i] && n.fields[names[i]] == nil {
			return n.errorf("no %s: add it", names[i])
		}
	}
	return nil
}

// globals returns the section of that name.
func (s *stack) globals() (*node, error) {
	globals, err := s.root.section("Globals")
	if err != nil {
		return nil, err
	}
	for _, k := range globals.keys {
		all, ok := known()["Globals."+k]
		if !ok {
			return nil, within("Globals", globals.keyErrorf(k, "%s: SAM has no such section: %s", k, suggest(k, known()["Globals"])))
		}
		section := globals.fields[k]
		if section.kind != mapping {
			return nil, within("Globals", section.errorf("%s: must be a mapping, not %s", k, section.what()))
		}
		if err := section.checkKeys(all); err != nil {
			return nil, within("Globals", within(k, err))
		}
	}
	return globals, nil
}

// unknownKind says whether a type is of a service that is read here and not among
// its types. It may be newer than the list, so that it is no error.
func unknownKind(kind string) bool {
	service := kind[:strings.LastIndex(kind, ":")+1]
	types := known()["Types"]
	return service != "" && !slices.Contains(types, kind) &&
		slices.ContainsFunc(types, func(t string) bool { return t[:strings.LastIndex(t, ":")+1] == service })
}

// checkIgnored wants the properties that IgnoreGlobals names to be there, if the type
// has a section at all.
func checkIgnored(globals, ignore *node) error {
	if globals == nil || ignore == nil || ignore.kind == text && ignore.text == "*" {
		return nil
	}
	if ignore.kind != list {
		return ignore.errorf("must be '*' or a list, not %s", ignore.what())
	}
	for _, i := range ignore.items {
		if globals.get(i.text) == nil {
			return i.errorf("Globals has no %s for this type: remove it", i.what())
		}
	}
	return nil
}

// checkDependsOn wants the ids of resources, which need not exist in this stack.
func (s *stack) checkDependsOn(all, n *node) error {
	if n == nil {
		return nil
	}
	ids := []*node{n}
	if n.kind == list {
		ids = n.items
	}
	for _, id := range ids {
		switch {
		case id.kind != text:
			return id.errorf("must name resources, not %s", id.what())
		case all.fields[id.text] == nil && !madeBySAM(all, id.text):
			return id.errorf("no resource %s: %s", id.text, suggest(id.text, all.keys))
		}
	}
	return nil
}

// madeBySAM says whether an id can be that of a resource which SAM makes of others:
// it begins with theirs, or is one of the few that belong to none.
func madeBySAM(all *node, id string) bool {
	if strings.HasPrefix(id, "Serverless") || id == "CodeDeployServiceRole" {
		return true
	}
	return slices.ContainsFunc(all.keys, func(other string) bool {
		kind := all.fields[other].get("Type")
		return kind != nil && strings.HasPrefix(kind.text, "AWS::Serverless::") && strings.HasPrefix(id, other)
	})
}

// suggest says which of the names somebody may have meant, or what there is if that
// fits into a line.
func suggest(name string, names []string) string {
	best, least := "", min(4, 1+len(name)/3)
	for _, other := range names {
		d := distance(strings.ToLower(name), strings.ToLower(other))
		if len(name) >= 4 && strings.HasPrefix(other, name) {
			d = 1
		}
		if d < least {
			best, least = other, d
		}
	}
	switch {
	case best != "":
		return "did you mean " + best + "?"
	case len(names) > 12:
		return "remove it"
	}
	return "there is " + strings.Join(names, ", ")
}

// distance is how many letters must be put in, left out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
