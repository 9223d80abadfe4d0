package faults_test

import (
	"sync"
	"testing"
	"time"

	"kaiwa/local/faults"
)

func use(t *testing.T, d *faults.Dice, text string) {
	t.Helper()
	p, err := faults.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	d.Use(p)
}

func rolls(d *faults.Dice, name faults.Name, n int) string {
	var got []byte
	for range n {
		c := byte('.')
		if d.Hit(name) {
			c = 'x'
		}
		got = append(got, c)
	}
	return string(got)
}

func TestHit(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "........"},
		{"post.410=1/3", "........"},
		{"post.429=1/3", "..x..x.."},
		{"post.429=1/1", "xxxxxxxx"},
		{"post.429=3", "..x....."},
		{"post.429=1", "x......."},
		{"post.429=9", "........"},
	}
	for _, tt := range tests {
		var d faults.Dice
		use(t, &d, tt.text)
		if got := rolls(&d, faults.Post429, len(tt.want)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestUseReplacesAllAndCountsAnew(t *testing.T) {
	var d faults.Dice
	if d.Hit(faults.SocketCut) || d.Delay(faults.PostDelay) != 0 || d.String() != "" || len(d.Counts()) != 0 {
		t.Error("zero Dice has faults")
	}
	use(t, &d, "post.429=1/2,post.delay=20ms")
	if got := rolls(&d, faults.Post429, 3); got != ".x." {
		t.Errorf("first text: %s", got)
	}
	if got := d.Delay(faults.PostDelay); got != 20*time.Millisecond {
		t.Errorf("delay %v", got)
	}
	if got, want := d.Counts()[faults.Post429], (faults.Count{Seen: 3, Hit: 1}); got != want {
		t.Errorf("counts %v, want %v", got, want)
	}
	use(t, &d, "post.429=1/2")
	if got := rolls(&d, faults.Post429, 3); got != ".x." {
		t.Errorf("second text: %s", got)
	}
	if got := d.Delay(faults.PostDelay); got != 0 {
		t.Errorf("delay %v survived", got)
	}
	use(t, &d, "")
	if rolls(&d, faults.Post429, 4) != "...." || d.String() != "" {
		t.Error("the empty text did not clear")
	}
}

// However many roll at once, every fifth hits: no roll is lost or doubled.
func TestHitConcurrently(t *testing.T) {
	var d faults.Dice
	use(t, &d, "post.429=1/5")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				d.Hit(faults.Post429)
			}
		})
	}
	wg.Wait()
	if got, want := d.Counts()[faults.Post429], (faults.Count{Seen: 8000, Hit: 1600}); got != want {
		t.Errorf("counts %v, want %v", got, want)
	}
}
