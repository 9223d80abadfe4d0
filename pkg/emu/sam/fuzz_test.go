package sam_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// Whatever the bytes: no panic, no hang, an error of one line that starts with
// the file, and the same result twice.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal("no samples", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(head + "  Out: {Value: !Join [',', !Split [a, !Sub '${P}']]}\n"))
	f.Add([]byte(socket + "  R: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: a, Target: !Sub 'integrations/${I}'}}\n"))
	f.Add([]byte("a: &a [*a]\n<<: *a\n"))
	f.Add([]byte("Conditions: {A: !Not [!Condition A]}\n" + queue))
	f.Add([]byte(bomb()))
	f.Fuzz(func(t *testing.T, data []byte) {
		tmpl, err := sam.Parse("t.yaml", data, nil)
		if err != nil {
			if s := err.Error(); !strings.HasPrefix(s, "t.yaml:") || strings.Contains(s, "\n") {
				t.Fatalf("error %q", s)
			}
			return
		}
		for _, table := range tmpl.Tables() {
			if !json.Valid(table.Create) {
				t.Errorf("table %q", table.Create)
			}
		}
		for _, line := range tmpl.Ignored() {
			if strings.Contains(line, "\n") {
				t.Errorf("ignored %q", line)
			}
		}
		for _, kind := range []string{"AWS::IAM::Role", "AWS::Lambda::Permission", "AWS::DynamoDB::Table"} {
			resources, err := tmpl.Resources(kind)
			for _, r := range resources {
				if err != nil || !json.Valid(r.Properties) {
					t.Errorf("%s %s, %v", r.ID, r.Properties, err)
				}
			}
		}
		for _, fn := range tmpl.Functions() {
			if role, err := tmpl.Role(fn); err == nil && role.ID == "" && role.Unknown == "" {
				t.Errorf("%s has no role, and nothing is unknown", fn.LogicalID)
			}
		}
		again, err := sam.Parse("t.yaml", data, nil)
		if err != nil {
			t.Fatalf("the second time: %v", err)
		}
		equal(t, "functions", again.Functions(), tmpl.Functions())
		equal(t, "apis", again.APIs(), tmpl.APIs())
		equal(t, "ignored", again.Ignored(), tmpl.Ignored())
	})
}
