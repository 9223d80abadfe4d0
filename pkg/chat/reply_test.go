package chat_test

import (
	"testing"
	"time"

	"kaiwa/pkg/chat"
)

func TestReplyClaimableAndExpired(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, c := range []struct {
		name               string
		reply              chat.Reply
		claimable, expired bool
	}{
		{"new", chat.Reply{State: chat.Pending, Created: now}, true, false},
		{"waited long", chat.Reply{State: chat.Pending, Created: ago(chat.PendingMax - 1)}, true, false},
		{"at the bound nobody may", chat.Reply{State: chat.Pending, Created: ago(chat.PendingMax)}, false, false},
		{"waited too long", chat.Reply{State: chat.Pending, Created: ago(chat.PendingMax + 1)}, false, true},
		{"running", chat.Reply{State: chat.Running, Created: ago(time.Hour), Lease: now.Add(chat.Lease)}, false, false},
		{"lease ran out", chat.Reply{State: chat.Running, Lease: ago(1)}, false, false},
		{"within the margin", chat.Reply{State: chat.Running, Lease: ago(chat.Margin)}, false, false},
		{"past the margin", chat.Reply{State: chat.Running, Lease: ago(chat.Margin + 1)}, false, true},
		{"ended", chat.Reply{State: chat.Ended, Created: ago(time.Hour), Lease: ago(time.Hour)}, false, false},
		{"no state", chat.Reply{Created: now}, false, false},
	} {
		if got := c.reply.Claimable(now); got != c.claimable {
			t.Errorf("%s: claimable %v", c.name, got)
		}
		if got := c.reply.Expired(now); got != c.expired {
			t.Errorf("%s: expired %v", c.name, got)
		}
	}
}

// R14: Lambda's first retry, after a minute, must find the lease run out.
func TestLeaseIsShorterThanLambdasRetry(t *testing.T) {
	if chat.Lease+chat.Margin >= time.Minute {
		t.Errorf("lease and margin take %s", chat.Lease+chat.Margin)
	}
}

func TestMode(t *testing.T) {
	for mode, plain := range map[chat.Mode]bool{chat.ModeUnset: true, chat.ModePlain: true, chat.ModeJSON: false} {
		if mode.Plain() != plain {
			t.Errorf("%q is plain: %v", mode, !plain)
		}
	}
}
