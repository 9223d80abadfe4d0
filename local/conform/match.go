package conform

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// match compares got with a golden value and returns a line for each difference.
// In a golden value the text "{name}" stands for names[name] if there is such a
// name, else for what patterns says of it.
func match(path string, want, got any, names map[string]string) []string {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			return matchFields(path, want, got, names)
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			break
		}
		var lines []string
		for i := range want {
			lines = append(lines, match(fmt.Sprintf("%s[%d]", path, i), want[i], list[i], names)...)
		}
		return lines
	case string:
		expected, ok := matchText(want, got, names)
		if ok {
			return nil
		}
		return []string{fmt.Sprintf("%s: expected %s, got %s", path, expected, show(got))}
	default:
		if reflect.DeepEqual(want, got) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: expected %v, got %v", path, want, show(got))}
}

func matchFields(path string, want, got map[string]any, names map[string]string) (lines []string) {
	all := maps.Clone(want)
	maps.Copy(all, got)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w, expected := want[name]
		g, there := got[name]
		at := strings.TrimPrefix(path+"."+name, ".")
		switch {
		case !there:
			lines = append(lines, fmt.Sprintf("%s: expected %v, got nothing", at, w))
		case !expected:
			lines = append(lines, fmt.Sprintf("%s: expected nothing, got %s", at, show(g)))
		default:
			lines = append(lines, match(at, w, g, names)...)
		}
	}
	return lines
}

// matchText also says what was expected, for people.
func matchText(want string, got any, names map[string]string) (expected string, ok bool) {
	name, isName := strings.CutPrefix(want, "{")
	name, closed := strings.CutSuffix(name, "}")
	if !isName || !closed {
		return show(want), got == want
	}
	if value, known := names[name]; known {
		return show(value), got == value
	}
	pattern, known := patterns[name]
	return "a value like " + name, known && pattern(got)
}

// Clocks may be this far apart.
const clockSkew = 10 * time.Minute

// patterns are what a golden value may ask for besides names.
var patterns = map[string]func(any) bool{
	"any":   func(v any) bool { s, ok := v.(string); return ok && s != "" },
	"apiId": func(v any) bool { s, ok := v.(string); return ok && s != "" },
	"id":    func(v any) bool { s, ok := v.(string); return ok && isID(s) },
	"ip":    func(v any) bool { s, _ := v.(string); _, err := netip.ParseAddr(s); return err == nil },
	"trace": func(v any) bool { s, _ := v.(string); return traceID.MatchString(s) },
	"clf": func(v any) bool {
		s, _ := v.(string)
		_, err := time.Parse("02/Jan/2006:15:04:05 +0000", s)
		return err == nil
	},
	"ms": func(v any) bool {
		n, ok := v.(float64)
		return ok && time.Since(time.UnixMilli(int64(n))).Abs() < clockSkew
	},
}

var traceID = regexp.MustCompile(`^(Self=[^;]+;)?Root=1-[0-9a-f]{8}-[0-9a-f]{24}`)
