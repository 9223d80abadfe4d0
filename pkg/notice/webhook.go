package notice

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Request is an HTTP request that reached the function through its function URL.
type Request struct {
	Method string
	Header http.Header
	Query  url.Values
	Body   []byte
}

// AsRequest reads the event of a function URL, or of an HTTP API (payload format
// 2.0); false for anything else.
func AsRequest(event []byte) (Request, bool) {
	var e struct {
		Context struct {
			HTTP struct {
				Method string `json:"method"`
			} `json:"http"`
		} `json:"requestContext"`
		Query   string            `json:"rawQueryString"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
		Base64  bool              `json:"isBase64Encoded"`
	}
	if json.Unmarshal(event, &e) != nil || e.Context.HTTP.Method == "" {
		return Request{}, false
	}
	r := Request{Method: e.Context.HTTP.Method, Header: http.Header{}, Body: []byte(e.Body)}
	for k, v := range e.Headers {
		r.Header.Set(k, v)
	}
	r.Query, _ = url.ParseQuery(e.Query) // what can be read of it
	if e.Base64 {
		b, err := base64.StdEncoding.DecodeString(e.Body)
		if err != nil {
			return Request{}, false
		}
		r.Body = b
	}
	return r, true
}

// Webhook reads the notification of a request that has been let in. The query's
// user, topic, conversation or all name its target if the body does not.
func Webhook(r Request, fallback To) (Notice, error) {
	to, err := queryTo(r.Query)
	if err != nil {
		return Notice{}, err
	}
	if to == (To{}) {
		to = fallback
	}
	var n Notice
	if event := r.Header.Get("X-GitHub-Event"); event != "" {
		o, ok := parse(r.Body)
		if !ok {
			return Notice{}, fmt.Errorf("the body is no JSON object; set the webhook's content type to application/json")
		}
		n = github(o, r.Body, event)
		n.ID = shortID(r.Header.Get("X-GitHub-Delivery"))
	} else if n, err = content(r.Body, 0); err != nil {
		return Notice{}, err
	}
	if n.To == (To{}) {
		n.To = to
	}
	return n, nil
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
