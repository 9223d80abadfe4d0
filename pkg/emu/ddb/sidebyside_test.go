package ddb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kaiwa/pkg/emu/ddb"
)

// TestSideBySide runs random programs on the emulator and on the oracle that KAIWA_CONTRACT_ENDPOINT names. Each call must be
// answered alike: what it returns, or the type of the error and the class of its message. The shortest program that is not is
// printed, ready to be put into the table of found_test.go. KAIWA_CONTRACT_PROGRAMS says how many (default 150), KAIWA_SEED where to
// start (default 1, so that nobody's change is refused for a difference that it did not make; to look for more, take another and
// thousands). Differences that are known, and on which AWS is with us, are in excuses_test.go.
func TestSideBySide(t *testing.T) {
	oracle := os.Getenv("KAIWA_CONTRACT_ENDPOINT")
	if oracle == "" {
		t.Skip("KAIWA_CONTRACT_ENDPOINT names no oracle to compare with")
	}
	seed, programs := number("KAIWA_SEED", 1), number("KAIWA_CONTRACT_PROGRAMS", 150)
	t.Logf("KAIWA_SEED=%d", seed)
	calls, refused := 0, 0
	excused := map[string]int{}
	for n := seed; n < seed+programs; n++ {
		program := randomProgram(rand.New(rand.NewPCG(uint64(n), 0)))
		d := compare(t, oracle, program)
		calls, refused = calls+d.calls, refused+d.refused
		for why := range d.excused {
			excused[why]++
		}
		if d.at < 0 {
			continue
		}
		program, d = shrink(t, oracle, program, d)
		t.Fatalf("KAIWA_SEED=%d: kaiwa answers\n\t%s\nthe oracle\n\t%s\nfound_test.go:\n%s", n, d.ours, d.theirs, asFound(program, d.theirs))
	}
	t.Logf("%d programs, %d calls, of which %d were refused", programs, calls, refused)
	for _, why := range slices.Sorted(maps.Keys(excused)) {
		t.Logf("%4d programs met: %s", excused[why], why)
	}
}

func number(env string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(env)); err == nil {
		return n
	}
	return otherwise
}

// step is one call of a program: an operation, or allScan and allQuery, which read all pages, and its request. Tables are called
// table-a, table-b and table-c.
type step struct {
	op   string
	body any
}

const (
	allScan  = "all of Scan"
	allQuery = "all of Query"
)

// difference is where two runs of a program part, at the call at; -1 if they do not.
type difference struct {
	at             int
	ours, theirs   answer
	calls, refused int
	excused        map[string]bool
}

// kinds are what a shorter program must have in common with a longer one to be about the same thing.
func (d difference) kinds() [2]string { return [2]string{d.ours.kind, d.theirs.kind} }

// compare runs a program on a fresh emulator and on fresh tables of the oracle.
func compare(t *testing.T, oracle string, program []step) difference {
	t.Helper()
	ours, theirs := newRun(t, ""), newRun(t, oracle)
	defer theirs.dropTables()
	d := difference{at: -1, excused: map[string]bool{}}
	for i, s := range program {
		d.calls++
		d.ours, d.theirs = ours.answer(s), theirs.answer(s)
		if d.ours.kind != ok {
			d.refused++
		}
		if d.ours == d.theirs {
			continue
		}
		if gapFilled(program[:i], d.ours, d.theirs) {
			d.excused["dynoxide fills the gap before an element set beyond the end of a list"] = true
			return d
		}
		if why := excuse(s, d.ours, d.theirs); why != "" {
			d.excused[why] = true
			if d.ours.kind != d.theirs.kind && !reads(s.op) { // only one of them has changed something
				return d
			}
			continue
		}
		d.at = i
		return d
	}
	return d
}

func reads(op string) bool {
	return slices.Contains([]string{allScan, allQuery, "Scan", "Query", "GetItem", "BatchGetItem", "TransactGetItems", "DescribeTable", "ListTables", "DescribeTimeToLive"}, op)
}

// run is one DynamoDB with tables of its own.
type run struct {
	t      *testing.T
	names  *strings.Replacer // of tables, into what they are called here
	back   *strings.Replacer
	oracle string       // its endpoint
	ours   http.Handler // nil: the oracle
}

func newRun(t *testing.T, oracle string) *run {
	r := &run{t: t, oracle: oracle, names: strings.NewReplacer(), back: strings.NewReplacer()}
	if oracle == "" {
		r.ours = ddb.New(nil)
	} else {
		prefix := unique()
		r.names = strings.NewReplacer("table-a", prefix+"-a", "table-b", prefix+"-b", "table-c", prefix+"-c")
		r.back = strings.NewReplacer(prefix+"-a", "table-a", prefix+"-b", "table-b", prefix+"-c", "table-c")
	}
	for _, table := range tablesOfPrograms {
		if status, body := r.call("CreateTable", parsed(table)); status != 200 {
			t.Fatalf("create a table: %v", body)
		}
	}
	return r
}

func (r *run) dropTables() {
	for _, table := range []string{"table-a", "table-b", "table-c"} {
		r.call("DeleteTable", m{"TableName": table}) // the last may not be there
	}
}

// call makes one request and decodes the answer.
func (r *run) call(op string, body any) (status int, answer m) {
	text, err := json.Marshal(body)
	must(r.t, err)
	req := request(op, r.names.Replace(string(text)))
	var out []byte
	if r.ours != nil {
		w := httptest.NewRecorder()
		r.ours.ServeHTTP(w, req)
		status, out = w.Code, w.Body.Bytes()
	} else {
		sent, err := http.NewRequestWithContext(r.t.Context(), "POST", r.oracle, req.Body)
		must(r.t, err)
		sent.Header = req.Header
		sent.Header.Set("X-Amz-Date", "20261122T000000Z")
		res, err := (wholeBodies{}).RoundTrip(sent)
		must(r.t, err)
		out, err = io.ReadAll(res.Body)
		res.Body.Close()
		must(r.t, err)
		status = res.StatusCode
	}
	if err := json.Unmarshal([]byte(r.back.Replace(string(out))), &answer); err != nil {
		r.t.Fatalf("%s %s: %d %q: %v", op, text, status, out, err)
	}
	return status, answer
}

// answer carries out a step.
func (r *run) answer(s step) answer {
	switch s.op {
	case allQuery, allScan:
		return r.pages(s)
	}
	status, body := r.call(s.op, s.body)
	if status != 200 {
		return failure(body)
	}
	return answer{ok, shown(normal(s, body))}
}

// pages reads to the end, of every segment if there are some, and compares what does not depend on how a table is hashed.
func (r *run) pages(s step) answer {
	op := strings.TrimPrefix(s.op, "all of ")
	body, isMap := s.body.(m)
	if !isMap {
		_, out := r.call(op, s.body)
		return failure(out)
	}
	segments, _ := body["TotalSegments"].(float64)
	var items []any
	var counts []string
	total := 0.0
	for segment := range max(int(segments), 1) {
		in := maps.Clone(body)
		if segments > 0 {
			in["Segment"] = segment
		}
		for {
			status, out := r.call(op, in)
			if status != 200 {
				return failure(out)
			}
			found, _ := out["Items"].([]any)
			items = append(items, found...)
			counts = append(counts, fmt.Sprint(out["Count"], "/", out["ScannedCount"]))
			count, _ := out["Count"].(float64)
			total += count
			last := out["LastEvaluatedKey"]
			if last == nil {
				break
			}
			in["ExclusiveStartKey"] = last
		}
	}
	if op == "Query" && body["IndexName"] == nil {
		return answer{ok, shown(m{"Items": normalList(items), "Counts": counts})}
	}
	// Entries of an index under equal keys have no order, nor have the items of a table.
	all := m{"Count": total, "Items": sorted(items)}
	if op == "Query" {
		var order []any
		for _, it := range items {
			order = append(order, it.(m)[sortKeyOf(body["IndexName"])])
		}
		all["Order"] = order
	}
	return answer{ok, shown(all)}
}

// answer is what may be seen of a call: its kind is ok or the type of the error with the class of its message.
type answer struct{ kind, text string }

const ok = "ok"

func (a answer) String() string {
	if a.kind == ok {
		return a.text
	}
	return a.kind + " " + a.text
}

// failure is the type of an error, the class of its message and what else it has: reasons, the item found.
func failure(body m) answer {
	kind, _ := body["__type"].(string)
	_, kind, _ = strings.Cut(kind, "#")
	message := fmt.Sprint(body["message"], body["Message"])
	message = strings.TrimSuffix(strings.TrimPrefix(message, "<nil>"), "<nil>")
	var rest []any
	if reasons, is := body["CancellationReasons"].([]any); is {
		for _, one := range reasons {
			reason, _ := one.(m)
			text, _ := reason["Message"].(string)
			rest = append(rest, m{"Code": reason["Code"], "Message": class(text), "Item": normalValue(reason["Item"])})
		}
	}
	if it := body["Item"]; it != nil {
		rest = append(rest, normalValue(it))
	}
	return answer{kind + ": " + class(message), shown(rest)}
}

// class is what a message says, without the names and values in it, and without the words in which everybody counts and quotes.
func class(message string) string {
	if strings.Contains(message, "Syntax error") {
		return "Syntax error"
	}
	for _, prefix := range []string{"1 validation error detected: ", "ExpressionAttributeValues contains invalid value: ", "One or more parameter values were invalid: ",
		"One or more parameter values are not valid. "} {
		message = strings.TrimPrefix(message, prefix)
	}
	if strings.Contains(message, "failed to satisfy constraint") {
		return "failed to satisfy constraint"
	}
	if first, rest, found := strings.Cut(message, ": "); found && strings.HasPrefix(first, "Invalid ") && strings.HasSuffix(first, "Expression") {
		message = rest
	}
	message, _, _ = strings.Cut(message, ";")
	message, _, _ = strings.Cut(message, ": ")
	message, _, _ = strings.Cut(message, " for key :")
	return strings.TrimRight(message, ".:")
}

// normal leaves out of an answer what differs between any two DynamoDBs.
func normal(s step, body m) any {
	switch s.op {
	case "BatchGetItem":
		responses, _ := body["Responses"].(m)
		for table, items := range responses {
			list, _ := items.([]any)
			responses[table] = sorted(list)
		}
	case "DescribeTable", "CreateTable", "DeleteTable":
		return normalTable(body)
	case "ListTables":
		return len(body) > 0 // whose tables there are is nobody's business
	}
	if one, is := body["ConsumedCapacity"].(m); is {
		body["ConsumedCapacity"] = one["CapacityUnits"]
	} else {
		delete(body, "ConsumedCapacity")
	}
	return normalValue(body)
}

// normalTable keeps of a description what the request said.
func normalTable(body m) any {
	description, _ := body["Table"].(m)
	if description == nil {
		description, _ = body["TableDescription"].(m)
	}
	kept := m{}
	for _, name := range []string{"TableName", "KeySchema", "ItemCount"} {
		kept[name] = description[name]
	}
	kept["AttributeDefinitions"] = sorted(listOf(description["AttributeDefinitions"]))
	for _, name := range []string{"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} {
		var all []any
		for _, x := range listOf(description[name]) {
			index, _ := x.(m)
			all = append(all, m{"IndexName": index["IndexName"], "KeySchema": index["KeySchema"], "Projection": index["Projection"]})
		}
		kept[name] = sorted(all)
	}
	return kept
}

func listOf(v any) []any {
	list, _ := v.([]any)
	return list
}

// normalValue sorts sets.
func normalValue(v any) any {
	switch v := v.(type) {
	case m:
		out := m{}
		for name, e := range v {
			if list, is := e.([]any); is && (name == "SS" || name == "NS" || name == "BS") {
				out[name] = sorted(list)
			} else {
				out[name] = normalValue(e)
			}
		}
		return out
	case []any:
		return normalList(v)
	}
	return v
}

func normalList(list []any) []any {
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = normalValue(e)
	}
	return out
}

func sorted(list []any) []any {
	out := normalList(list)
	slices.SortFunc(out, func(a, b any) int { return strings.Compare(shown(a), shown(b)) })
	return out
}

// shown is JSON with the members in order; < stays readable.
func shown(v any) string {
	if list, is := v.([]any); is && len(list) == 0 {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func parsed(text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	return v
}
