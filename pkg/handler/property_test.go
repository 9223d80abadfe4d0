package handler_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/dynamo"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/relay"
	"kaiwa/pkg/wire"
)

var (
	runs = flag.Int("runs", 300, "random schedules of TestNothingLost")
	seed = flag.Uint64("seed", 0, "run only this schedule of TestNothingLost, with a log")
)

// model makes one text per prompt, and knows who asked for it twice.
type model struct {
	w *world

	mu      sync.Mutex
	texts   map[string]string // by prompt: all there is
	asked   map[string]int
	cut     map[string]bool
	late    map[string]bool   // stopped when the function's time was nearly over
	ends    map[string]string // by reply: length and stop of the saved end
	stopped map[string]bool
}

func newModel(w *world) *model {
	return &model{w: w, texts: map[string]string{}, asked: map[string]int{}, cut: map[string]bool{}, late: map[string]bool{}, ends: map[string]string{}, stopped: map[string]bool{}}
}

func (m *model) Converse(ctx context.Context, p chat.Prompt, each func(chat.Chunk)) error {
	last := p.Messages[len(p.Messages)-1].Text
	last = last[strings.LastIndex(last, "\n")+1:]
	tokens, every, first := m.w.n(1, 80), []time.Duration{5, 20, 100, 400, 1500}[m.w.n(0, 4)]*time.Millisecond, m.w.between(50*time.Millisecond, 1500*time.Millisecond)
	if m.w.n(0, 9) == 0 {
		first = 35 * time.Second
	}
	cut := m.w.chance(m.w.weather.modelCut)
	pieces := make([]string, tokens)
	for i := range pieces {
		pieces[i] = fmt.Sprintf("%s/%d語\U0001f469\u200d\U0001f467 ", last, i)
	}
	m.mu.Lock()
	m.asked[last]++
	m.texts[last] = strings.Join(pieces, "")
	m.cut[last] = cut
	m.mu.Unlock()
	begun := time.Now()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.late[last] = ctx.Err() != nil && time.Since(begun) > functionTimeout*3/4
	}()
	for i, s := range pieces {
		if err := pause(ctx, first); err != nil {
			return err
		}
		first = every
		if cut && i == tokens/2 {
			return nil
		}
		each(chat.Chunk{Text: s})
	}
	if m.w.n(0, 19) == 0 { // silent for a while before it says that it is complete
		if err := pause(ctx, 40*time.Second); err != nil {
			return err
		}
	}
	each(chat.Chunk{Stop: wire.StopEndTurn})
	each(chat.Chunk{Usage: &chat.Usage{Input: 1, Output: tokens}})
	return nil
}

// ended checks that every saved end of a reply says the same.
func (m *model) ended(w *world, f wire.End) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := fmt.Sprint(f.Length, " ", f.Stop)
	if was, ok := m.ends[f.Reply]; ok && was != s {
		w.bad("reply %s ended %q, then %q", f.Reply, was, s)
	}
	m.ends[f.Reply] = s
}

func (m *model) stopAsked(reply string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped[reply] = true
}

// TestNothingLost runs random schedules of tokens, faults, cuts, resumes, stops
// and kills against DESIGN §6 and the relay rules. It is at least as cruel as the
// simulation in ../shared/reference/relaymodel, whose weather it copies, and runs
// the real code: handlers, relay and table on the embedded DynamoDB. A seed gives
// the same weather and dice; the order of goroutines at one instant is the
// scheduler's, so a failure is likely, not certain, to repeat.
func TestNothingLost(t *testing.T) {
	if *seed != 0 {
		schedule(t, *seed, true)
		return
	}
	base := rand.Uint64N(1 << 40)
	for i := range uint64(*runs) {
		if schedule(t, base+i, false); t.Failed() {
			return
		}
	}
}

// schedule is one run of about ten minutes of virtual time.
func schedule(t *testing.T, seed uint64, verbose bool) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		rng := rand.New(rand.NewPCG(seed, 7))
		w := &world{t: t, ctx: ctx, rng: rng, weather: weatherOf(rng), conns: map[string]*socket{},
			table: ddb.New(nil), calm: time.Now().Add(100 * time.Second)}
		w.model = newModel(w)
		w.createTable()
		w.live()
		w.judge()
		cancel()
		w.wg.Wait()
		if len(w.wrong) > 0 || verbose {
			log := w.log
			if len(log) > 400 && !verbose {
				log = log[len(log)-400:]
			}
			t.Logf("weather %+v\n%s", w.weather, strings.Join(log, "\n"))
		}
		for _, s := range w.wrong {
			t.Errorf("-seed %d: %s", seed, s)
		}
	})
}

// calm is a process without faults.
func (w *world) calmly() *process {
	return &process{w: &world{t: w.t, ctx: w.ctx, table: w.table, rng: rand.New(rand.NewPCG(1, 1))}, kill: func() {}}
}

func (w *world) createTable() {
	if _, err := w.calmly().client().CreateTable(w.ctx, dynamo.Schema("kaiwa")); err != nil {
		w.t.Fatal(err)
	}
}

// weatherOf draws what goes wrong in one run: mostly a few things, sometimes
// nearly everything, sometimes nothing.
func weatherOf(r *rand.Rand) weather {
	rare := func(p float64) float64 {
		if r.IntN(3) != 0 {
			return 0
		}
		return r.Float64() * p
	}
	var v weather
	v.postDelay = []time.Duration{2, 20, 50, 400, 3000}[r.IntN(5)] * time.Millisecond
	v.policy = relay.Finish
	if r.IntN(10) == 0 {
		return v // fair
	}
	v.tableThrottle, v.tableLost, v.tableLostAnswer = rare(.2), rare(.1), rare(.15)
	if r.IntN(6) == 0 {
		v.outage = time.Duration(2+r.IntN(40)) * time.Second
	}
	v.p429, v.p500, v.p500Delivered = rare(.3), rare(.2), rare(.2)
	v.pTimeout, v.pLate, v.pGone, v.pVanish = rare(.1), rare(.1), rare(.05), rare(.05)
	v.killReply, v.killHandler, v.inboundLost = rare(.6), rare(.2), rare(.2)
	v.eventTwice, v.eventLost, v.eventSlow = rare(.5), rare(.3), rare(.3)
	v.cuts = r.IntN(4)
	v.stop, v.second, v.secondDevice, v.modelCut = rare(.6), r.Float64(), r.Float64(), rare(.3)
	if r.IntN(4) == 0 {
		v.skew = time.Duration(r.IntN(2000)) * time.Millisecond
	}
	if r.IntN(4) == 0 {
		v.policy = relay.Abort
	}
	return v
}

// live lets the devices do their thing until all have everything, or for ten
// minutes.
func (w *world) live() {
	conv := &shared{}
	one := newClient(w, "one", conv)
	devices := []*client{one}
	one.connect()
	one.ask(w.chance(w.weather.stop))
	if w.chance(w.weather.secondDevice) {
		two := newClient(w, "two", conv)
		two.attach = true
		two.connect()
		devices = append(devices, two)
	}
	for _, d := range devices {
		for range w.weather.cuts {
			at := w.between(0, 80*time.Second)
			w.wg.Go(func() {
				if pause(w.ctx, at) != nil {
					return
				}
				d.cut()
				if pause(w.ctx, w.between(10*time.Millisecond, 12*time.Second)) == nil {
					d.connect()
				}
			})
		}
	}
	second := w.chance(w.weather.second)
	var again time.Duration
	if second {
		again = w.between(0, 40*time.Second)
	}
	begun := time.Now()
	for time.Since(begun) < 10*time.Minute {
		if second && time.Since(begun) >= again {
			second = false
			devices[w.n(0, len(devices)-1)].ask(w.chance(w.weather.stop))
		}
		quiet := time.Now().After(w.calm)
		for _, d := range devices {
			d.tick()
			quiet = quiet && d.done()
		}
		if quiet {
			break
		}
		if pause(w.ctx, 200*time.Millisecond) != nil {
			return
		}
	}
	for _, d := range devices {
		w.settled(d)
	}
	w.billed(devices)
}

// billed checks the account of the user: no reply counts twice, and, where nothing
// went wrong, each counts with exactly what the model said.
func (w *world) billed(devices []*client) {
	_ = pause(w.ctx, 2*time.Second) // it comes after the end
	store := w.calmly().store()
	_, a, err := store.Opening(w.ctx, "alice", "")
	if err != nil {
		w.bad("account: %v", err)
		return
	}
	replies := map[string]bool{}
	for _, d := range devices {
		d.mu.Lock()
		for id := range d.views {
			replies[id] = true
		}
		d.mu.Unlock()
	}
	most, used, said := 0, 0, true
	for id := range replies {
		if r, err := store.Reply(w.ctx, id); err == nil {
			most += max(r.Held, r.Used())
			used += r.Usage.Total()
			said = said && r.Usage.Total() > 0 // else it is estimated
		}
	}
	held := 0
	for _, h := range a.Running {
		held += h.Tokens
	}
	fair := weather{postDelay: w.weather.postDelay, policy: w.weather.policy}
	switch {
	case a.Tokens+held > most:
		w.bad("%d tokens are counted and %d held, for replies of at most %d", a.Tokens, held, most)
	case w.weather == fair && said && (a.Tokens != used || len(a.Running) != 0):
		w.bad("%d tokens are counted, %d were used; %v", a.Tokens, used, a.Running)
	}
}

// settled checks one device: everything it asked for has ended, and it holds
// what is stored, a prefix of what the model said.
func (w *world) settled(d *client) {
	// A late frame may still want d.mu, and who waits for a mutex keeps virtual
	// time from going on: it is not held while the table is asked.
	d.mu.Lock()
	prompts, views := slices.Clone(d.prompts), maps.Clone(d.views)
	d.receiveNothing = true
	d.mu.Unlock()
	store := w.calmly().store()
	for _, p := range prompts {
		if !p.accepted {
			w.bad("%s: prompt %s was never accepted", d.name, p.id)
		}
	}
	for id, v := range views {
		r, err := store.Reply(w.ctx, id)
		if err != nil {
			w.bad("%s: reply %s: %v", d.name, id, err)
			continue
		}
		if !v.final() {
			w.bad("%s: reply %s never ended here (stored: %s %s, %d of %d)", d.name, id, r.State, r.EndStop, v.join.Held(), r.Length)
			continue
		}
		text, err := store.Text(w.ctx, r, 0, r.Length)
		if err != nil {
			w.bad("%s: text of %s: %v", d.name, id, err)
		}
		if v.join.Text() != text {
			w.bad("%s: reply %s holds %q, stored is %q", d.name, id, v.join.Text(), text)
		}
		w.model.judge(w, r, text)
	}
}

// judge checks a stored reply against what the model said and what happened.
func (m *model) judge(w *world, r chat.Reply, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	prompt := "prompt " + r.Prompt
	full := m.texts[prompt]
	v := w.weather
	switch {
	case m.asked[prompt] > 1:
		w.bad("the model was asked %d times for %s", m.asked[prompt], r.Prompt)
	case r.State != chat.Ended:
		w.bad("reply %s is %s", r.ID, r.State)
	case !strings.HasPrefix(full, text):
		w.bad("reply %s stored %q, the model said %q", r.ID, text, full)
	case r.EndStop == wire.StopEndTurn && text != full:
		w.bad("reply %s ended end_turn with %d of %d bytes", r.ID, len(text), len(full))
	case r.EndStop == wire.StopStopped && !m.stopped[r.ID]:
		w.bad("reply %s was stopped by nobody", r.ID)
	case r.EndStop == wire.StopInterrupted && v.killReply+v.eventLost+v.eventSlow+v.tableThrottle+v.tableLost+v.tableLostAnswer == 0 &&
		v.outage == 0 && v.policy == relay.Finish && !m.cut[prompt] && !m.late[prompt] && w.kills == 0:
		w.bad("reply %s was interrupted without a reason", r.ID)
	}
}

// judge checks the whole world at the end: nothing is left in the air.
func (w *world) judge() {
	if got := w.table.Counts()["Scan"]; got.Calls > 0 {
		w.bad("%d scans", got.Calls)
	}
}
