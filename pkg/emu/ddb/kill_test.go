package ddb_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kaiwa/pkg/emu/ddb"
)

// asServer makes the test binary serve the folder it names until it is killed.
const asServer = "DDB_TEST_FOLDER"

func serveFolder(dir string) int {
	s, err := ddb.Open(dir, nil)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("http://" + l.Addr().String())
	fmt.Println(http.Serve(l, s))
	return 1
}

// TestKilled kills a process that is writing, many times at random moments, and compares what the next finds in the folder with
// what was answered: every answered write is there, every other wholly or not at all. KAIWA_KILLS says how many (default 25),
// KAIWA_SEED from which seed.
func TestKilled(t *testing.T) {
	kills, seed := number("KAIWA_KILLS", 25), uint64(number("KAIWA_SEED", int(time.Now().UnixNano()%1e9)))
	t.Logf("KAIWA_SEED=%d", seed)
	dir := t.TempDir()
	var writers []*writer
	for i := range 4 {
		writers = append(writers, &writer{table: fmt.Sprintf("writer-%d", i), random: rand.New(rand.NewPCG(seed, uint64(i)))})
	}
	moments := rand.New(rand.NewPCG(seed, 99))
	var answered atomic.Int64
	for kill := range kills {
		p := startServer(t, dir)
		// The others are in the middle of something when the answer comes that is one too many.
		last := answered.Load() + 1 + moments.Int64N(200)
		for _, w := range writers {
			w.begin(t, p.url)
		}
		together(len(writers), func(i int) {
			writers[i].write(func() {
				if answered.Add(1) >= last {
					p.Process.Kill()
				}
			})
		})
		p.Wait()
		if t.Failed() {
			t.Fatalf("after %d kills", kill)
		}
	}
	p := startServer(t, dir)
	for _, w := range writers {
		w.begin(t, p.url)
	}
	t.Logf("%d kills, %d writes answered", kills, answered.Load())
}

// served is a process that serves a folder.
type served struct {
	*exec.Cmd
	url string
}

func startServer(t *testing.T, dir string) served {
	t.Helper()
	p := served{Cmd: exec.Command(os.Args[0])}
	p.Env = append(os.Environ(), asServer+"="+dir)
	out, err := p.StdoutPipe()
	must(t, err)
	must(t, p.Start())
	t.Cleanup(func() {
		p.Process.Kill()
		p.Wait() // again, which is an error that says nothing
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if p.url = strings.TrimSpace(line); err != nil || !strings.HasPrefix(p.url, "http://") {
		t.Fatalf("the folder cannot be opened: %s %v", line, err)
	}
	return p
}

// writer writes into a table of its own and knows what must be there.
type writer struct {
	table  string
	url    string
	random *rand.Rand
	n      int
	holds  state // after the last write that was answered
	flying state // what changes by the write that was not, else nil
	token  string
	body   string // of that write
}

// state is what each thing is: the n of an item, the attribute of the time to live, whether a second table exists.
type state = map[string]string

// begin compares what is there, on a process that has just started, with what must be.
func (w *writer) begin(t *testing.T, url string) {
	w.url = url
	if w.holds == nil {
		w.holds = state{}
		w.must(t, "CreateTable", w.createTable(w.table))
	}
	is := w.look(t)
	happened := 0
	for thing, become := range w.flying {
		if is[thing] == become {
			happened++
			w.set(state{thing: become})
		}
	}
	if w.token != "" && happened != 0 && happened != len(w.flying) {
		t.Errorf("%s: half of a transaction is there: %v of %v", w.table, is, w.flying)
	}
	same(t, w.table, is, w.holds)
	if w.token != "" { // the client, not knowing, tries again
		w.must(t, "TransactWriteItems", w.body)
		w.set(w.flying)
		same(t, w.table+": after a transaction was repeated", w.look(t), w.holds)
	}
	w.flying, w.token = nil, ""
}

func (w *writer) set(become state) {
	for thing, is := range become {
		w.holds[thing] = is
		if is == "" {
			delete(w.holds, thing)
		}
	}
}

func (w *writer) createTable(name string) string {
	return fmt.Sprintf(`{"TableName":%q,"BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}]}`, name)
}

func (w *writer) look(t *testing.T) state {
	t.Helper()
	is := state{}
	items, _ := w.must(t, "Scan", fmt.Sprintf(`{"TableName":%q}`, w.table))["Items"].([]any)
	for _, it := range items {
		at := func(name, kind string) string { return fmt.Sprint(it.(map[string]any)[name].(map[string]any)[kind]) }
		is[at("pk", "S")] = at("n", "N")
	}
	ttl, _ := w.must(t, "DescribeTimeToLive", fmt.Sprintf(`{"TableName":%q}`, w.table))["TimeToLiveDescription"].(map[string]any)
	if name, ok := ttl["AttributeName"].(string); ok {
		is["ttl"] = name
	}
	if strings.Contains(fmt.Sprint(w.must(t, "ListTables", "{}")["TableNames"]), w.table+"-more") {
		is["more"] = "there"
	}
	return is
}

// write goes on until a write is not answered, and tells of each that is.
func (w *writer) write(answered func()) {
	for w.flying == nil {
		op, body, become := w.anything()
		w.flying, w.body = become, body
		if _, err := w.call(op, body); err != nil {
			return
		}
		w.set(become)
		w.flying, w.token = nil, ""
		answered()
	}
}

// anything is a random write, and what things become by it; "" is gone.
func (w *writer) anything() (op, body string, become state) {
	w.n++
	n := fmt.Sprint(w.n)
	item := func(pk string) string { // some big enough that the log is rewritten now and then
		return fmt.Sprintf(`{"pk":{"S":%q},"n":{"N":%q},"pad":{"S":%q}}`, pk, n, strings.Repeat("x", w.random.IntN(60_000)))
	}
	add := func(pk string) string {
		return fmt.Sprintf(`{"Update":{"TableName":%q,"Key":{"pk":{"S":%q}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}}`, w.table, pk)
	}
	switch w.random.IntN(8) {
	case 0:
		return "DeleteItem", fmt.Sprintf(`{"TableName":%q,"Key":{"pk":{"S":"put"}}}`, w.table), state{"put": ""}
	case 1:
		return "BatchWriteItem", fmt.Sprintf(`{"RequestItems":{%q:[{"PutRequest":{"Item":%s}},{"PutRequest":{"Item":%s}}]}}`, w.table, item("b1"), item("b2")),
			state{"b1": n, "b2": n}
	case 2, 3:
		w.token = unique()[:20]
		return "TransactWriteItems", fmt.Sprintf(`{"ClientRequestToken":%q,"TransactItems":[%s,%s]}`, w.token, add("t1"), add("t2")),
			state{"t1": w.oneMore("t1"), "t2": w.oneMore("t2")}
	case 4:
		attribute := map[string]string{"": "x"}[w.holds["ttl"]]
		return "UpdateTimeToLive", fmt.Sprintf(`{"TableName":%q,"TimeToLiveSpecification":{"AttributeName":"x","Enabled":%t}}`, w.table, attribute != ""),
			state{"ttl": attribute}
	case 5:
		if w.holds["more"] != "" {
			return "DeleteTable", fmt.Sprintf(`{"TableName":"%s-more"}`, w.table), state{"more": ""}
		}
		return "CreateTable", w.createTable(w.table + "-more"), state{"more": "there"}
	}
	return "PutItem", fmt.Sprintf(`{"TableName":%q,"Item":%s}`, w.table, item("put")), state{"put": n}
}

func (w *writer) oneMore(thing string) string {
	n, _ := strconv.Atoi(w.holds[thing]) // none is 0
	return strconv.Itoa(n + 1)
}

func (w *writer) must(t *testing.T, op, body string) map[string]any {
	t.Helper()
	answer, err := w.call(op, body)
	must(t, err)
	return answer
}

func (w *writer) call(op, body string) (map[string]any, error) {
	r, err := http.NewRequest("POST", w.url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	r.Header.Set("Authorization", authorization)
	res, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != 200 {
		panic(fmt.Sprintf("%s: %d %s", op, res.StatusCode, b)) // a write that the test got wrong
	}
	var answer map[string]any
	return answer, json.Unmarshal(b, &answer)
}
