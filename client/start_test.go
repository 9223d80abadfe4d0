package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Nothing builds tables before main: a program that is started for every prompt
// would pay for them every time. What a package allocates on its way in tells.
func TestStartsLean(t *testing.T) {
	c := command(t, "help")
	c.Env = append(c.Env, "GODEBUG=inittrace=1")
	var trace strings.Builder
	c.Stderr = &trace
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	inits := regexp.MustCompile(`(?m)^init (\S+) .* (\d+) bytes`).FindAllStringSubmatch(trace.String(), -1)
	if len(inits) < 10 {
		t.Fatalf("no trace:\n%s", trace.String())
	}
	for _, i := range inits {
		if n, err := strconv.Atoi(i[2]); err != nil || n > 100_000 {
			t.Errorf("%s allocates %s bytes before main", i[1], i[2])
		}
		if strings.Contains(i[1], "runewidth") || strings.Contains(i[1], "chroma/v2/lexers") {
			t.Errorf("%s computes for a dozen milliseconds before main", i[1])
		}
	}
}

// How much longer the program takes to start than one that prints hello: medians,
// the two run in turns so that a busy machine slows both.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	source, hello := filepath.Join(dir, "hello.go"), filepath.Join(dir, "hello")
	if err := os.WriteFile(source, []byte("package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", hello, source).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	took := func(program string, args ...string) time.Duration {
		start := time.Now()
		if err := exec.Command(program, args...).Run(); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	var bare, ours []time.Duration
	for b.Loop() {
		bare = append(bare, took(hello))
		ours = append(ours, took(binary, "help"))
	}
	slices.Sort(bare)
	slices.Sort(ours)
	median := bare[len(bare)/2]
	b.ReportMetric(float64(median.Microseconds())/1000, "ms/hello")
	b.ReportMetric(float64((ours[len(ours)/2]-median).Microseconds())/1000, "ms/more")
}
