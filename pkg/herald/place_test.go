package herald

import "testing"

func TestPlace(t *testing.T) {
	for _, p := range []place{{}, {behind: "u", user: "u"}, {behind: "u\x1fc1", user: "u", subscribed: true}, {behind: "日 本\x1fc", user: "日 本", subscribed: true, reached: true},
		{behind: "c1", user: "sr", reached: true}} {
		if got := parsePlace(p.String()); got != p {
			t.Errorf("%+v became %q became %+v", p, p.String(), got)
		}
	}
	if parsePlace("") != (place{}) || parsePlace("s") != (place{}) {
		t.Error("nowhere is somewhere")
	}
}
