package apigw

import (
	"io"
	"net/http"
	"time"
)

// callback serves @connections for one connection id (aws-facts §4).
func (g *Gateway) callback(w http.ResponseWriter, r *http.Request, id string) {
	body, no := g.checkCallback(r)
	if no != nil {
		if r.Method == http.MethodPost {
			g.counts.post(no.status, 0)
		}
		no.write(w)
		return
	}
	c := g.find(id)
	switch {
	case r.Method == http.MethodPost:
		g.postTo(w, r, id, body)
	case r.Method != http.MethodGet && r.Method != http.MethodDelete:
		forbidden("Missing Authentication Token").write(w)
	case c == nil:
		callbackRefusal(http.StatusGone).write(w)
	case r.Method == http.MethodGet:
		g.describe(w, c)
	default:
		c.finish(codeNormal, reasonDeleted)
		w.WriteHeader(http.StatusNoContent)
	}
}

// checkCallback reads the body and refuses what must not get any further:
// unsigned, too big, badly signed, too often.
func (g *Gateway) checkCallback(r *http.Request) (body []byte, no *refusal) {
	if !signed(r) {
		return nil, forbidden("Missing Authentication Token")
	}
	most := g.opt.MessageSize
	var from io.Reader = r.Body
	if most > 0 {
		from = io.LimitReader(r.Body, int64(most)+1)
	}
	body, err := io.ReadAll(from)
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "BadRequestException", "Bad Request"}
	}
	if most > 0 && len(body) > most {
		return nil, callbackRefusal(http.StatusRequestEntityTooLarge)
	}
	if g.opt.VerifySignatures {
		if _, no := g.verify(r, body); no != nil {
			return nil, no
		}
	}
	if !g.account.take() {
		return nil, limitExceeded()
	}
	return body, nil
}

// postTo queues body for the connection and answers: 200 means accepted, not
// delivered.
func (g *Gateway) postTo(w http.ResponseWriter, r *http.Request, id string, body []byte) {
	started, at := time.Now(), g.opt.Now()
	var fault Fault
	if g.opt.PostFault != nil {
		fault = g.opt.PostFault(id)
	}
	status := http.StatusGone
	if c := g.find(id); c != nil && (fault.Status == 0 || fault.DeliverAnyway) {
		status = c.post(body)
	}
	if fault.Status != 0 {
		status = fault.Status
	}
	g.wait(r, fault.Delay)
	if status == http.StatusOK {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
	} else {
		callbackRefusal(status).write(w)
	}
	g.counts.post(status, len(body))
	if g.opt.Posted != nil {
		g.opt.Posted(Post{ConnectionID: id, Status: status, Bytes: len(body), At: at, Took: time.Since(started)})
	}
}

// wait lets a fault's delay pass, unless the caller or the gateway goes.
func (g *Gateway) wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-g.closing:
	}
}

// describe answers GetConnection, in lower camel case.
func (g *Gateway) describe(w http.ResponseWriter, c *conn) {
	const iso8601 = "2006-01-02T15:04:05.000Z"
	d := c.describe()
	type who struct {
		SourceIP  string `json:"sourceIp"`
		UserAgent string `json:"userAgent,omitempty"`
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, toJSON(struct {
		ConnectedAt  string `json:"connectedAt"`
		Identity     who    `json:"identity"`
		LastActiveAt string `json:"lastActiveAt"`
	}{
		d.ConnectedAt.UTC().Format(iso8601),
		who{d.SourceIP, d.UserAgent},
		d.LastActiveAt.UTC().Format(iso8601),
	}))
}
