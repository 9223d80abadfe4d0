package faults_test

import (
	"strings"
	"testing"

	"kaiwa/local/faults"
)

// design is the example of DESIGN §5, to the letter.
const design = "post.delay=20ms,post.429=1/5,post.410=10,post.500=1/7,ddb.throttle=1/9," +
	"invoke.kill=1/3,invoke.duplicate=1/2,invoke.delay=2s,socket.cut=1/4"

func TestParse(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{" \n", ""},
		{"post.429=1/5", "post.429=1/5"},
		{"post.410=10\n", "post.410=10"},
		{" socket.cut=1/1 , post.delay=0.5s ", "post.delay=500ms,socket.cut=1/1"},
		{"ddb.lost=1,ddb.500=1/2,model.throttle=3,post.timeout=1/4", "ddb.500=1/2,ddb.lost=1,model.throttle=3,post.timeout=1/4"},
		{design, "ddb.throttle=1/9,invoke.delay=2s,invoke.duplicate=1/2,invoke.kill=1/3," +
			"post.410=10,post.429=1/5,post.500=1/7,post.delay=20ms,socket.cut=1/4"},
	}
	for _, tt := range tests {
		p, err := faults.Parse(tt.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if got := p.String(); got != tt.want {
			t.Errorf("Parse(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"post.428=1/5", `unknown fault "post.428"; known are ddb.500 ddb.lost ddb.throttle invoke.delay`},
		{"post.429", `fault "post.429" is not NAME=VALUE`},
		{"post.429=1/5,", `fault "" is not NAME=VALUE`},
		{"post.429=1/5,,post.410=1", `fault "" is not NAME=VALUE`},
		{"post.429=1/5,post.429=3", "given twice"},
		{"post.429=", "every fifth"},
		{"post.429=0", "every fifth"},
		{"post.429=1/0", "every fifth"},
		{"post.429=2/5", "every fifth"},
		{"post.429=-1", "every fifth"},
		{"post.429=+1", "every fifth"},
		{"post.429=20ms", "every fifth"},
		{"post.429=99999999999", "every fifth"},
		{"post.delay=1/5", "not a time like"},
		{"post.delay=20", "not a time like"},
		{"post.delay=0s", "not a time like"},
		{"post.delay=-20ms", "not a time like"},
		{"=1", "unknown fault"},
	}
	for _, tt := range tests {
		p, err := faults.Parse(tt.in)
		if err == nil {
			t.Errorf("Parse(%q) = %q, want an error", tt.in, p)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Parse(%q): %q, want one line with %q", tt.in, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", design, "post.429=1/5,", "invoke.delay=1h2m", "ddb.lost=2147483647", "post.410=1/\n1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := faults.Parse(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("Parse(%q): more than one line: %q", text, err)
			}
			return
		}
		again, err := faults.Parse(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("Parse(%q) = %q, which parses as %v, %v", text, p, again, err)
		}
	})
}
