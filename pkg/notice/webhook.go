package notice

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Request is an HTTP request that reached the function.
type Request struct {
	Method string
	Header http.Header
	Query  url.Values
	Body   []byte
	// Err tells why it cannot be read.
	Err error
}

// AsRequest reads the event of a function URL, or of an HTTP API with payload format
// 2.0; false for anything that is no request. That of a REST API, a load balancer,
// VPC Lattice or a WebSocket API is one, with Err set: it must not pass for an event
// whose sender AWS has checked.
func AsRequest(event []byte) (Request, bool) {
	o, ok := parse(trim(event))
	_, failed := failedEvent(event)
	if !ok || failed || o.object("requestContext") == nil && !o.has("httpMethod") && !o.has("raw_path") {
		return Request{}, false
	}
	r := Request{Method: o.text("requestContext.http.method"), Header: http.Header{}, Body: []byte(o.text("body"))}
	for k, v := range o.object("headers") {
		if s, ok := v.(string); ok {
			r.Header.Set(k, s)
		}
	}
	r.Query, _ = url.ParseQuery(o.text("rawQueryString")) // what can be read of it
	if r.Method == "" {
		r.Err = errors.New("send it to the function URL, or through an HTTP API with payload format 2.0")
	} else if o.text("isBase64Encoded") == "true" {
		r.Body, r.Err = base64.StdEncoding.DecodeString(o.text("body"))
	}
	return r, true
}

// webhookSlot is for how long the same body from the same sender is a repeat, where
// nothing names it: a sender that was answered 5xx sends it again.
const webhookSlot = 5 * time.Minute

// Webhook reads the notifications of a request that has been let in at a time. The
// query's user, topic, conversation or all name their target if the body does not.
func Webhook(r Request, fallback To, at time.Time) ([]Notice, error) {
	to, err := queryTo(r.Query)
	if err = cmp.Or(r.Err, err); err != nil {
		return nil, err
	}
	if to == (To{}) {
		to = fallback
	}
	var list []Notice
	id := cmp.Or(r.Header.Get("Webhook-Id"), r.Header.Get("Idempotency-Key"))
	if event := r.Header.Get("X-GitHub-Event"); event != "" {
		o, ok := parse(r.Body)
		if !ok {
			return nil, errors.New("the body is no JSON object; set the webhook's content type to application/json")
		}
		list, id = []Notice{github(o, r.Body, event)}, r.Header.Get("X-GitHub-Delivery")
	} else if list, err = contents(r.Body, 0); err != nil {
		return nil, err
	}
	if id == "" {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", at.Unix()/int64(webhookSlot/time.Second), r.Body))
		id = "hook-" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	for i := range list {
		n := &list[i]
		n.enclose(id, i, len(list), time.Time{})
		if n.To == (To{}) {
			n.To = to
		}
	}
	return list, nil
}

func queryTo(q url.Values) (To, error) {
	to := To{User: q.Get("user"), Topic: q.Get("topic"), Conversation: q.Get("conversation"), All: q.Get("all") == "true"}
	if to == (To{}) {
		return to, nil
	}
	return to, to.Check()
}

// github puts a GitHub event into words. Without the header that names it, its
// kind shows by what it has.
func github(o object, raw []byte, event string) Notice {
	repo, by := o.text("repository.full_name"), o.text("sender.login")
	if event == "" {
		for _, k := range []string{"workflow_run", "check_run", "pull_request", "issue", "release", "deployment_status", "alert"} {
			if o.has(k) {
				event = k
				break
			}
		}
		if event == "" && o.has("ref") && o.has("commits") {
			event = "push"
		}
	}
	n := Notice{Data: raw, Title: strings.TrimSpace(repo + ": " + strings.TrimSpace(event+" "+o.text("action"))), Text: "by " + by}
	switch event {
	case "push":
		n.Title = fmt.Sprintf("%s: %d commits to %s", repo, len(o.list("commits")), strings.TrimPrefix(o.text("ref"), "refs/heads/"))
		n.Text = lines(o.text("head_commit.message"), "by "+o.first("pusher.name", "sender.login"), o.text("compare"))
	case "workflow_run", "check_run":
		run := o.object(event)
		n.Title = strings.TrimSpace(fmt.Sprintf("%s: %s %s", repo, run.text("name"), run.first("conclusion", "status")))
		n.Text = lines(run.text("display_title"), run.first("html_url"))
		n.Level = levelOf(run.first("conclusion", "status"))
	case "pull_request", "issues", "issue", "issue_comment", "release":
		thing := o.object(strings.TrimSuffix(strings.TrimSuffix(event, "_comment"), "s"))
		n.Text = lines(strings.TrimSpace(thing.first("title", "name", "tag_name")), "by "+by, o.first("comment.html_url", event+".html_url", "issue.html_url"))
		if num := thing.text("number"); num != "" {
			n.Title += " #" + num
		}
	}
	return n
}

// alertmanager puts a Prometheus Alertmanager webhook (its version 4) into words.
func alertmanager(o object, raw []byte) Notice {
	alerts := o.list("alerts")
	status := o.text("status")
	name := o.first("commonLabels.alertname", "groupLabels.alertname", "receiver")
	var each []string
	for _, a := range alerts {
		what := a.first("annotations.summary", "annotations.description", "annotations.message", "labels.instance", "labels.alertname")
		if a.text("status") != status {
			what = a.text("status") + ": " + what
		}
		each = append(each, what)
	}
	n := Notice{Data: raw, Title: fmt.Sprintf("[%s:%d] %s", strings.ToUpper(status), len(alerts), name), Text: lines(each...),
		Level: o.first("commonLabels.severity"), At: alerts[0].time("startsAt")}
	if status == "resolved" {
		n.Level, n.At = "info", alerts[0].time("endsAt")
	} else if n.Level == "" {
		n.Level = levelOf(status)
	}
	return n
}
