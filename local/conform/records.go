package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"kaiwa/local/conform/probe"
)

// event is a decoded event, as the function got it.
type event map[string]any

// at walks to a value; nil if there is none.
func (e event) at(path string) any {
	var v any = map[string]any(e)
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// text is the string at path, "" if there is none.
func (e event) text(path string) string {
	s, _ := e.at(path).(string)
	return s
}

// number is the number at path, 0 if there is none.
func (e event) number(path string) float64 {
	n, _ := e.at(path).(float64)
	return n
}

// header finds a header in any spelling.
func (e event) header(name string) string {
	headers, _ := e.at("headers").(map[string]any)
	for k, v := range headers {
		if strings.EqualFold(k, name) {
			return fmt.Sprint(v)
		}
	}
	return ""
}

// Records are looked for this often, and less often with time.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = time.Second
)

// records lists what the function has noted under key.
func (c *Check) records(ctx context.Context, key string) []probe.Record {
	if c.done() {
		return nil
	}
	text, err := c.ask(ctx, probe.Command{List: key})
	var list []probe.Record
	if err == nil {
		err = json.Unmarshal([]byte(text), &list)
	}
	if err != nil {
		c.fail("ask for records: %w", err)
	}
	return list
}

// find returns the records of a kind under key.
func (c *Check) find(ctx context.Context, key, kind string) (found []probe.Record) {
	for _, r := range c.records(ctx, key) {
		if r.Kind == kind {
			found = append(found, r)
		}
	}
	return found
}

// await waits until there are n records of a kind under key.
func (c *Check) await(ctx context.Context, key, kind string, n int) []probe.Record {
	look := firstLook
	for !c.done() {
		if found := c.find(ctx, key, kind); len(found) >= n {
			return found
		}
		if !pause(ctx, look) {
			c.fail("no %s event came", kind)
		}
		look = min(2*look, lastLook)
	}
	return nil
}

// event waits for the first event of a kind under key. It is empty if none came.
func (c *Check) event(ctx context.Context, key, kind string) event {
	for _, r := range c.await(ctx, key, kind, 1) {
		return c.decode(r)
	}
	return event{}
}

func (c *Check) decode(r probe.Record) event {
	e := event{}
	if err := json.Unmarshal(r.Event, &e); err != nil {
		c.fail("decode event: %w", err)
	}
	return e
}

// body is a proxy function's answer with a text.
func body(text string) json.RawMessage { return answer(200, text) }

// answer is a proxy function's answer.
func answer(status int, text string) json.RawMessage {
	out, err := json.Marshal(map[string]any{"statusCode": status, "body": text})
	if err != nil {
		return nil // cannot be: a number and a string
	}
	return out
}
