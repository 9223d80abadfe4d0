package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"golang.org/x/sync/errgroup"

	"kaiwa/pkg/chat"
	"kaiwa/pkg/herald"
	"kaiwa/pkg/notice"
)

// Notify serves the notify function: whatever other systems send it by SNS, SQS,
// EventBridge, an alarm, a webhook or Invoke, and the tasks it gives itself.
type Notify struct {
	Herald *herald.Herald
	// Default is whom a notification is for that does not say it.
	Default notice.To
	// Secret lets webhooks in through a function URL; "" lets none in.
	Secret string
	Logger *slog.Logger
}

// NotifyStore is all that Notify needs of the table.
type NotifyStore interface {
	Store
	herald.Store
}

// NewNotify reads the function's knobs from the environment: DEFAULT_TARGET,
// WEBHOOK_SECRET, ASK_PROMPT, TOPIC_PATTERN, BROADCAST_RATE (posts a second of all
// shards together), INBOX_DAYS, and the Limits of the replies it starts.
func NewNotify(env *Env, log *slog.Logger, store NotifyStore, sockets herald.Sockets, self herald.Invoker, reply Invoker) *Notify {
	to, err := notice.ParseTo(env.String("DEFAULT_TARGET", "topic:alarms"))
	if err != nil {
		env.faults = append(env.faults, fmt.Errorf("DEFAULT_TARGET: %w", err))
	}
	ask := &asker{question: env.String("ASK_PROMPT", ""),
		h: &SendMessage{Store: store, Poster: sockets, Reply: reply, Auth: env.String("AUTH", ""), Limits: NewLimits(env), Logger: log}}
	return &Notify{Default: to, Secret: env.String("WEBHOOK_SECRET", ""), Logger: log,
		Herald: herald.New(store, sockets, self, &herald.Options{
			Topics: env.List("TOPIC_PATTERN"), Rate: env.Int("BROADCAST_RATE", 0) / herald.Shards,
			InboxLife: env.Duration("INBOX_DAYS", 0, 24*time.Hour), Ask: ask.ask, Logger: log,
		})}
}

// Handle answers SQS with the messages that failed, a webhook with HTTP, and all
// others with a herald.Tally. An error asks for the event again: SNS, EventBridge
// and alarms invoke asynchronously, which Lambda repeats twice and then leaves to
// the function's OnFailure destination.
func (h *Notify) Handle(ctx context.Context, event json.RawMessage) (any, error) {
	if end, ok := ctx.Deadline(); ok { // the moment of the kill (aws-lambda-go sets it so)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-herald.Settling))
		defer cancel()
	}
	of := invocation{}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		of.id = lc.AwsRequestID
	}
	return h.handle(ctx, event, of)
}

// invocation is what is known of the one that first brought an event. Lambda's
// retries of it have its id.
type invocation struct {
	id    string // "" outside Lambda
	at    time.Time
	again bool // it failed, and its event comes out of a dead letter
}

func (h *Notify) handle(ctx context.Context, event json.RawMessage, of invocation) (any, error) {
	if task, ok := herald.ReadTask(event); ok {
		if task.Shard != nil && of.again {
			task.Shard.Hop = 0
		}
		t, err := h.Herald.Serve(ctx, task)
		h.log(ctx, "task", t, err)
		return t, err
	}
	if r, ok := notice.AsRequest(event); ok {
		return h.webhook(ctx, r), nil
	}
	e := notice.Read(event, h.Default)
	if e.Queue {
		return h.queue(ctx, e), nil
	}
	var all herald.Tally
	var faults []error
	for i, n := range e.Entries {
		if n.ID == "" && of.id != "" {
			n.ID = fmt.Sprintf("%s-%d", of.id, i)
		}
		if n.At.IsZero() {
			n.At = of.at
		}
		t, err := h.entry(ctx, n)
		all.Add(t)
		faults = append(faults, err)
	}
	return all, chat.Join(faults...)
}

// entry brings one notification to whom it is for.
func (h *Notify) entry(ctx context.Context, n notice.Entry) (t herald.Tally, err error) {
	switch {
	case n.Err != nil:
		err = n.Err
	case n.Failed != nil:
		return h.again(ctx, n)
	default:
		t, err = h.Herald.Deliver(ctx, n.Notice)
	}
	h.log(ctx, n.To.Kind(), t, err)
	return t, err
}

// again handles the event of a dead letter as it was, under the id it had: what was
// delivered then is not delivered again.
func (h *Notify) again(ctx context.Context, n notice.Entry) (t herald.Tally, err error) {
	res, err := h.handle(ctx, n.Failed, invocation{id: n.ID, at: n.At, again: true})
	switch res := res.(type) {
	case herald.Tally:
		t = res
	case events.SQSEventResponse:
		if len(res.BatchItemFailures) > 0 {
			err = fmt.Errorf("%d messages of a batch failed again", len(res.BatchItemFailures))
		}
	case events.LambdaFunctionURLResponse:
		if res.StatusCode != http.StatusOK {
			err = fmt.Errorf("a webhook's request was answered %d", res.StatusCode)
		}
	}
	return t, err
}

// log says what became of a notification, and nothing of what it says.
func (h *Notify) log(ctx context.Context, to string, t herald.Tally, err error) {
	log := orDiscard(h.Logger).With("to", to, "tally", t)
	if err != nil {
		log.WarnContext(ctx, "notification not delivered", "error", err)
		return
	}
	log.InfoContext(ctx, "notification")
}

// queue serves the messages of an SQS batch side by side, those of one FIFO group
// and those of an array one after the other: after a failure the rest fails too, or
// it would overtake.
func (h *Notify) queue(ctx context.Context, e notice.Event) events.SQSEventResponse {
	var groups [][]int
	of := map[string]int{}
	for i, n := range e.Entries {
		name := n.Message
		if e.FIFO {
			name = n.Group
		}
		g, ok := of[name]
		if !ok {
			g = len(groups)
			groups, of[name] = append(groups, nil), g
		}
		groups[g] = append(groups[g], i)
	}
	failed := make([]bool, len(e.Entries))
	var all errgroup.Group
	all.SetLimit(batchAtOnce)
	for _, group := range groups {
		all.Go(func() error {
			stop := false
			for _, i := range group {
				if !stop {
					_, err := h.entry(ctx, e.Entries[i])
					stop = err != nil
				}
				failed[i] = stop
			}
			return nil
		})
	}
	_ = all.Wait() // each tells in failed
	res := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	told := map[string]bool{}
	for i, n := range e.Entries {
		if failed[i] && !told[n.Message] {
			told[n.Message] = true
			res.BatchItemFailures = append(res.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: n.Message})
		}
	}
	return res
}

// batchAtOnce is how many messages of a batch are served at the same time.
const batchAtOnce = 10
