package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kaiwa/pkg/emu/ddb/journal"
)

// open opens the journal in dir and returns its records too.
func open(dir string) (*journal.Journal, []string, error) {
	var records []string
	j, err := journal.Open(dir, func(record []byte) error {
		records = append(records, string(record))
		return nil
	})
	return j, records, err
}

func mustOpen(t testing.TB, dir string) (*journal.Journal, []string) {
	t.Helper()
	j, records, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j, records
}

func appendAll(t testing.TB, j *journal.Journal, records ...string) {
	t.Helper()
	for _, r := range records {
		if err := j.Append([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
}

func closed(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// log is the file of a folder.
func log(dir string) string { return filepath.Join(dir, "records.log") }

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// some are records of which some look like lines of a log.
var some = []string{"one", "", "three\n", "00000000 00000000 00000000 ", "kaiwa journal 1\n", strings.Repeat("ü", 50), "\x00\xff"}

func TestRecordsComeBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "Open")
	j, records := mustOpen(t, dir)
	if len(records) != 0 || j.Cut() != 0 {
		t.Errorf("a new journal has %q", records)
	}
	appendAll(t, j, some...)
	closed(t, j)
	closed(t, j) // harmless
	if err := j.Append(nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	j, records = mustOpen(t, dir)
	if !reflect.DeepEqual(records, some) {
		t.Errorf("got %q", records)
	}
	appendAll(t, j, "more")
	closed(t, j)
	if _, records = mustOpen(t, dir); !reflect.DeepEqual(records, append(slices.Clone(some), "more")) {
		t.Errorf("got %q", records)
	}
}

func TestRewrite(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	big := strings.Repeat("x", 1<<20)
	for !j.Due() {
		appendAll(t, j, big)
	}
	before := len(read(t, log(dir)))
	if err := j.Rewrite(slices.Values([][]byte{[]byte("a"), []byte("b")})); err != nil {
		t.Fatal(err)
	}
	if after := len(read(t, log(dir))); before < 4<<20 || after > 100 || j.Due() {
		t.Errorf("from %d bytes to %d, due %t", before, after, j.Due())
	}
	appendAll(t, j, "c")
	closed(t, j)
	write(t, filepath.Join(dir, "records.new"), []byte("half of ano")) // as a kill in the middle of a Rewrite leaves it
	if _, records := mustOpen(t, dir); !reflect.DeepEqual(records, []string{"a", "b", "c"}) {
		t.Errorf("got %q", records)
	}
	if _, err := os.Stat(filepath.Join(dir, "records.new")); !os.IsNotExist(err) {
		t.Errorf("what Rewrite began is left: %v", err)
	}
}

// A Rewrite that cannot be done changes nothing.
func TestRewriteFails(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	appendAll(t, j, "a")
	if err := os.Mkdir(filepath.Join(dir, "records.new"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := j.Rewrite(slices.Values([][]byte{[]byte("z")})); err == nil {
		t.Error("no error")
	}
	appendAll(t, j, "b")
	closed(t, j)
	if _, records := mustOpen(t, dir); !reflect.DeepEqual(records, []string{"a", "b"}) {
		t.Errorf("got %q", records)
	}
}

func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	_, _, err := open(dir)
	if want := fmt.Sprintf("another process (%d) uses it: end that, or name another folder", os.Getpid()); err == nil || err.Error() != want {
		t.Errorf("the second: %v, want %q", err, want)
	}
	closed(t, j)
	mustOpen(t, dir)
}

func TestReplayFails(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	appendAll(t, j, "a", "b")
	closed(t, j)
	_, err := journal.Open(dir, func(record []byte) error {
		if string(record) == "b" {
			return errors.New("what is b")
		}
		return nil
	})
	if err == nil || !strings.HasSuffix(err.Error(), "records.log: the record at byte 45: what is b") {
		t.Errorf("got %v", err)
	}
	mustOpen(t, dir) // the folder was given back
}

// Wherever the file is cut, as by a kill in the middle of a write, the records before are there, and only they.
func TestCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	whole := []int{len(read(t, log(dir)))} // sizes at which so many records are whole
	for _, r := range some {
		appendAll(t, j, r)
		whole = append(whole, len(read(t, log(dir))))
	}
	closed(t, j)
	all := read(t, log(dir))
	for cut := range all {
		write(t, log(dir), all[:cut])
		j, records, err := open(dir)
		if cut < whole[0] {
			if err == nil || !strings.Contains(err.Error(), "no log of this version") {
				t.Errorf("cut at %d: %v", cut, err)
			}
			continue
		}
		n := 0
		for n+1 < len(whole) && whole[n+1] <= cut {
			n++
		}
		if err != nil || len(records) != n || !slices.Equal(records, some[:n]) || j.Cut() != int64(cut-whole[n]) {
			t.Fatalf("cut at %d: %d records, %v, want %d", cut, len(records), err, n)
		}
		// It goes on from there.
		appendAll(t, j, "next")
		closed(t, j)
		if j, records, err = open(dir); err != nil || len(records) != n+1 {
			t.Fatalf("after a cut at %d: %q, %v", cut, records, err)
		}
		closed(t, j)
	}
}

// Whichever byte is changed, and however, Open says where; so it does of lines that are missing, doubled or exchanged.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir)
	appendAll(t, j, some...)
	closed(t, j)
	all := read(t, log(dir))
	damaged := func(what string, b []byte) {
		t.Helper()
		write(t, log(dir), b)
		if _, records, err := open(dir); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: no error in one line but %q, %v", what, records, err)
		}
	}
	for at := range all {
		for bit := range 8 {
			b := bytes.Clone(all)
			b[at] ^= 1 << bit
			damaged(fmt.Sprintf("bit %d of byte %d", bit, at), b)
		}
		b := bytes.Clone(all)
		b[at] = 0
		if all[at] != 0 {
			damaged(fmt.Sprintf("byte %d", at), b)
		}
	}
	damaged("nothing", nil)
	damaged("zeros behind", append(bytes.Clone(all), make([]byte, 4096)...))

	write(t, log(dir), nil)
	os.Remove(log(dir))
	j, _ = mustOpen(t, dir)
	begin := len(read(t, log(dir)))
	appendAll(t, j, "aa", "bb", "cc")
	closed(t, j)
	all = read(t, log(dir))
	line := func(i int) []byte { n := (len(all) - begin) / 3; return all[begin+i*n : begin+(i+1)*n] }
	for what, order := range map[string][]int{"missing": {0, 2}, "the first missing": {1, 2}, "doubled": {0, 0, 1, 2}, "exchanged": {0, 2, 1}} {
		b := bytes.Clone(all[:begin])
		for _, i := range order {
			b = append(b, line(i)...)
		}
		damaged(what, b)
	}
}

// FuzzOpen: whatever the file is, Open either says in a line what is wrong or has records that come back again.
func FuzzOpen(f *testing.F) {
	seed := f.TempDir()
	j, _ := mustOpen(f, seed)
	appendAll(f, j, some...)
	closed(f, j)
	all := read(f, log(seed))
	f.Add(all)
	f.Add(all[:len(all)-3])
	f.Add(all[:40])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		write(t, log(dir), b)
		j, first, err := open(dir)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(b, read(t, log(dir))) {
			t.Error("the file was changed")
		}
		appendAll(t, j, "next")
		closed(t, j)
		if _, again := mustOpen(t, dir); !slices.Equal(again, append(first, "next")) {
			t.Errorf("first %q, then %q", first, again)
		}
	})
}
