package kaiwa_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write what docs/security.md should say of the worst bill")

// prices are us-east-1's list prices in USD; docs/security.md names their sources.
const (
	perMessage    = 1.00 / 1e6 // a unit of 32 KB, in or out
	perMinute     = 0.25 / 1e6 // of an open connection
	perGBSecond   = 0.0000133334
	perRequest    = 0.20 / 1e6 // of Lambda
	perWrite      = 0.625 / 1e6
	perRead       = 0.125 / 1e6
	perGBOut      = 0.09
	perGBLogged   = 0.50
	perTokenIn    = 0.06 / 1e6 // amazon.nova-lite-v1:0, the template's default
	perTokenOut   = 0.24 / 1e6
	contextWindow = 300_000.0 // its tokens
)

// What AWS allows an account unless it was raised.
const (
	accountConcurrency = 1000.0
	accountRequests    = 10_000.0 // API Gateway, requests and posts together, a second
	tableUnits         = 40_000.0 // of an on-demand table, a second, reads and writes each
)

// What is assumed of the model and of text.
const (
	tokensASecond  = 200.0 // of one reply
	leastReply     = 1.0   // seconds
	bytesAToken    = 16.0  // the longest usual token
	escaped        = 6.0   // bytes of JSON for one of text, at worst
	estimated      = 4.0   // tokens for one that HistoryTokens counts, at worst: one for each byte of a rare character
	messageBytes   = 131072.0
	connectionLife = 7200.0 // seconds
	routes         = 3.0    // sendMessage, $default and ping each have a throttle of their own
	prompting      = 2.0    // of these, those that can carry a prompt
	days           = 2.0    // that an hour can be part of
)

// What the table is asked for, in units. A user has at most 50 topics (pkg/dynamo), with
// names of 128 characters, which are up to 512 bytes: the entry of a connection that
// hears them all has 27 KB.
const (
	topicWrites   = 29.0  // a topic of one connection: its entry, and the topic's own
	topicReads    = 9.0   // an entry, and its connection
	connectWrites = 280.0 // a connection that comes, hears 50 topics, and leaves
	otherWrites   = 20.0  // a message, beside its text or its topics
	messageReads  = 300.0 // a prompt with its history
	homeReads     = 20.0  // what a user has besides, when a connection comes
)

// deployment is what the bill depends on.
type deployment struct {
	what string
	// parameters of the template, where they differ from its defaults.
	parameters map[string]float64
	// users who may come in; 0 for any number, as with Auth=none, where everybody may
	// be anybody.
	users float64
}

var deployments = []deployment{
	{what: "defaults, anybody"},
	{what: "defaults, 100 users", users: 100},
	{what: "tightened, anybody", parameters: map[string]float64{"ThrottleRate": 20, "ReplyConcurrency": 10, "MaxPromptBytes": 16384, "HistoryTokens": 4000, "MaxTokens": 1024, "UserConnections": 5}},
}

// item is one line of the bill: USD in an hour.
type item struct {
	name, how string
	usd       func(b bill) float64
}

// bill has the quantities of a deployment's worst hour.
type bill struct {
	parameter func(string) float64
	users     float64
}

func (b bill) rate() float64 { return b.parameter("ThrottleRate") }

// concurrency is how many replies can be made at once.
func (b bill) concurrency() float64 {
	c := accountConcurrency
	if k := b.parameter("ReplyConcurrency"); k > 0 {
		c = k
	}
	if b.users > 0 {
		c = min(c, b.users*b.parameter("UserReplies"))
	}
	return c
}

// prompts are those that begin a reply, a second.
func (b bill) prompts() float64 {
	p := min(prompting*b.rate(), b.concurrency()/leastReply)
	if b.users > 0 {
		p = min(p, b.users*b.parameter("UserPromptsPerMinute")/60)
	}
	return p
}

// promptBytes is the most that one message brings of a prompt.
func (b bill) promptBytes() float64 { return min(messageBytes, b.parameter("MaxPromptBytes")) }

// fanOut is how many connections one message can touch: a topic is subscribed for all
// that its user has open.
func (b bill) fanOut() float64 {
	if n := b.parameter("UserConnections"); n > 0 {
		return n
	}
	return math.Inf(1)
}

// open is how many connections there can be at the same time.
func (b bill) open() float64 {
	n := b.rate() * connectionLife
	if b.users > 0 {
		n = min(n, b.users*b.fanOut())
	}
	return n
}

// writes are the table's write units a second: messages, connections, ticks.
func (b bill) writes() float64 {
	message := max(4*b.promptBytes()/1024, topicWrites*(b.fanOut()+1)) + otherWrites
	return min(tableUnits, prompting*b.rate()*message+b.rate()*connectWrites+5*b.concurrency())
}

// reads are its read units. Whoever connects has the others counted.
func (b bill) reads() float64 {
	message := max(messageReads, topicReads*b.fanOut())
	return min(tableUnits, prompting*b.rate()*message+b.rate()*(topicReads*b.fanOut()+homeReads))
}

// replyBytes is the longest reply, encoded at its worst.
func (b bill) replyBytes() float64 { return b.parameter("MaxTokens") * bytesAToken * escaped }

// posts a second: the streams, with 8 listeners each, the answers and the pongs.
func (b bill) posts() float64 {
	streams := b.concurrency() * 8 * 1000 / b.parameter("FlushMilliseconds")
	answers := prompting * b.rate() * (math.Ceil(b.replyBytes()/b.parameter("PieceBytes")) + 2)
	return min(accountRequests, streams+answers+b.rate())
}

// bytesOut a second.
func (b bill) bytesOut() float64 {
	streams := b.concurrency() * 8 * tokensASecond * bytesAToken * escaped
	answers := prompting * b.rate() * max(b.replyBytes(), b.parameter("PieceBytes"))
	return min(streams+answers, b.posts()*b.parameter("PieceBytes"))
}

// tokens of the model a second, in and out, unless the users' day is over before.
func (b bill) tokens() (in, out float64) {
	each := min(contextWindow, b.promptBytes()+estimated*b.parameter("HistoryTokens")) // at worst a token is a byte
	return b.prompts() * each, min(b.concurrency()*tokensASecond, b.prompts()*b.parameter("MaxTokens"))
}

// model is what the model costs in an hour. Users' tokens are counted by the day;
// they may use up two days' in the hour around midnight UTC, at the dearer price.
func (b bill) model() float64 {
	in, out := b.tokens()
	usd := 3600 * (in*perTokenIn + out*perTokenOut)
	if b.users > 0 && b.parameter("UserTokensPerDay") > 0 {
		over := b.parameter("UserReplies") * estimated * b.parameter("HistoryTokens") // what runs when they are used up
		usd = min(usd, days*b.users*(b.parameter("UserTokensPerDay")*perTokenOut+over*perTokenIn))
	}
	return usd
}

var items = []item{
	{"messages in", "3 routes × ThrottleRate × 4 units", func(b bill) float64 {
		return 3600 * routes * b.rate() * messageBytes / 32768 * perMessage
	}},
	{"messages out", "replies at once × 8 listeners × 1000/FlushMilliseconds, answers, pongs; at most the account's 10,000 a second", func(b bill) float64 {
		return 3600 * b.posts() * perMessage
	}},
	{"open connections", "ThrottleRate × 2 h of life; with users at most their UserConnections", func(b bill) float64 {
		return b.open() * 60 * perMinute
	}},
	{"Lambda", "the account's concurrency: replies with 512 MB, all else with 256 MB, never idle; and requests", func(b bill) float64 {
		c := b.concurrency()
		return 3600 * ((c*0.5+(accountConcurrency-c)*0.25)*perGBSecond + 7*b.rate()*perRequest)
	}},
	{"table writes", "2 routes × ThrottleRate × (4 units per KB of a message, or 29 for each of UserConnections), ThrottleRate × 280 for connections, ticks; at most 40,000 a second", func(b bill) float64 {
		return 3600 * perWrite * b.writes()
	}},
	{"table reads", "2 routes × ThrottleRate × (300 units, or 9 for each of UserConnections), ThrottleRate × 9 for each of UserConnections; at most 40,000 a second", func(b bill) float64 {
		return 3600 * perRead * b.reads()
	}},
	{"bytes out", "8 listeners × 200 tokens a second, answers", func(b bill) float64 {
		return 3600 * b.bytesOut() / 1e9 * perGBOut
	}},
	{"logs", "7 × ThrottleRate × 1 KB", func(b bill) float64 {
		return 3600 * 7 * b.rate() * 1024 / 1e9 * perGBLogged
	}},
	{"the model", "prompts × (bytes of a message + 4 × HistoryTokens), replies at once × 200 tokens a second; with users at most their UserTokensPerDay, twice", bill.model},
}

// TestWorstBill recomputes the table of docs/security.md from the template's own
// defaults, so that the page cannot go stale. -update writes it.
func TestWorstBill(t *testing.T) {
	const file, begin, end = "docs/security.md", "<!-- bill -->\n", "<!-- /bill -->"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(page), begin)
	have, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no %q…%q", file, begin, end)
	}
	want := worstBills(defaults(t))
	if have == want {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is stale: go test . -run TestWorstBill -update writes\n%s", file, want)
}

// worstBills is the table.
func worstBills(defaults map[string]float64) string {
	var b strings.Builder
	b.WriteString("| an hour of | at most |")
	rule := "|---|---|"
	for _, d := range deployments {
		fmt.Fprintf(&b, " %s |", d.what)
		rule += "---:|"
	}
	b.WriteString("\n" + rule + "\n")
	sums := make([]float64, len(deployments))
	for _, i := range items {
		fmt.Fprintf(&b, "| %s | %s |", i.name, i.how)
		for n, d := range deployments {
			usd := i.usd(bill{d.with(defaults), d.users})
			sums[n] += usd
			fmt.Fprintf(&b, " %s |", dollars(usd))
		}
		b.WriteString("\n")
	}
	b.WriteString("| **together** | |")
	for _, s := range sums {
		fmt.Fprintf(&b, " **%s** |", dollars(s))
	}
	b.WriteString("\n")
	return b.String()
}

func (d deployment) with(defaults map[string]float64) func(string) float64 {
	return func(name string) float64 {
		v, ok := defaults[name]
		if !ok {
			panic("the template has no parameter " + name)
		}
		if own, ok := d.parameters[name]; ok {
			v = own
		}
		return v
	}
}

// dollars rounds up: a worst case.
func dollars(usd float64) string {
	if usd < 100 {
		return fmt.Sprintf("$%.2f", math.Ceil(usd*100)/100)
	}
	return fmt.Sprintf("$%d", int(math.Ceil(usd)))
}

// defaults are the numbers among the template's parameters.
func defaults(t *testing.T) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Parameters map[string]struct {
			Type    string    `yaml:"Type"`
			Default yaml.Node `yaml:"Default"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	numbers := map[string]float64{}
	for name, p := range template.Parameters {
		if n, err := strconv.ParseFloat(p.Default.Value, 64); err == nil && p.Type == "Number" {
			numbers[name] = n
		}
	}
	return numbers
}

// TestBillGrows: each parameter that is said to bound the bill does.
func TestBillGrows(t *testing.T) {
	d := defaults(t)
	total := func(changes map[string]float64, users float64) (sum float64) {
		for _, i := range items {
			sum += i.usd(bill{deployment{parameters: changes}.with(d), users})
		}
		return sum
	}
	all := total(nil, 0)
	for _, change := range []map[string]float64{
		{"ThrottleRate": d["ThrottleRate"] / 10}, {"ReplyConcurrency": 10}, {"MaxPromptBytes": 8192}, {"HistoryTokens": 1000},
		{"MaxTokens": 100}, {"FlushMilliseconds": 1000, "ReplyConcurrency": 10},
	} {
		if less := total(change, 0); less >= all {
			t.Errorf("%v: $%.2f, and without $%.2f", change, less, all)
		}
	}
	some := total(nil, 100)
	for _, change := range []map[string]float64{{"UserTokensPerDay": 100_000}, {"UserReplies": 1}, {"UserConnections": 5}} {
		if less := total(change, 100); less >= some {
			t.Errorf("100 users, %v: $%.2f, and without $%.2f", change, less, some)
		}
	}
	// The table's own ceiling hides these at the defaults.
	slow := map[string]float64{"ThrottleRate": 5, "UserConnections": 5}
	many := map[string]float64{"ThrottleRate": 5}
	if less, all := total(slow, 0), total(many, 0); less >= all {
		t.Errorf("5 connections of a user: $%.2f, and 50 $%.2f", less, all)
	}
}
