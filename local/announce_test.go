package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// write puts a template into a folder of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

const authParameter = "Parameters: {Auth: {Type: String, AllowedValues: [none, iam]}}\n"

// An open API is told how its own template can shut it.
func TestOpenIsTold(t *testing.T) {
	for text, want := range map[string]string{
		mock:                 "(an authorizer, AWS_IAM or an API key on $connect shuts it)\n",
		authParameter + mock: "(-auth shuts it)\n",
	} {
		r := serve(t, "-addr", "127.0.0.1:0", "-template", write(t, text))
		if said := r.stderr.String(); !strings.Contains(said, want) {
			t.Errorf("no %q in %q", want, said)
		}
		if code := r.signalled(t, syscall.SIGTERM); code != 0 {
			t.Errorf("exit %d", code)
		}
	}
}
