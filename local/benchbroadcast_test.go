package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestBenchBroadcast: it measures, to all and to a topic, and nobody is left out.
func TestBenchBroadcast(t *testing.T) {
	row := regexp.MustCompile(`(?m)^ +500 +[0-9.]+ +\d+ .* 0 +0 +\d+$`) // none refused, none twice
	for _, args := range [][]string{nil, {"-topic"}} {
		cmd := command(t, append([]string{"bench", "broadcast", "-connections", "500", "-post", "1ms"}, args...)...)
		cmd.Dir = ".." // the module's folder, where the template is looked for
		out, err := cmd.Output()
		if err != nil || !row.Match(out) || strings.Contains(string(out), "calculation") {
			t.Errorf("%v: %v, %s", args, err, out)
		}
	}
	for _, args := range [][]string{{"-connections", "0"}, {"-rate", "1"}, {"-post", "-1s"}, {"x"}, {"-nonsense"}} {
		if code, _, errs := ends(t, append([]string{"bench", "broadcast"}, args...)...); code != 2 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: exit %d, %q", args, code, errs)
		}
	}
}
