package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
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
	if task, ok := herald.ReadTask(event); ok {
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
		if n.ID == "" { // Lambda's retries of an event have its id
			n.ID = requestID(ctx, i)
		}
		t, err := h.entry(ctx, n)
		all.Add(t)
		faults = append(faults, err)
	}
	return all, chat.Join(faults...)
}

// requestID names notification i of an invocation; "" outside Lambda.
func requestID(ctx context.Context, i int) string {
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok || lc.AwsRequestID == "" {
		return ""
	}
	return fmt.Sprintf("%s-%d", lc.AwsRequestID, i)
}

// entry brings one notification to whom it is for.
func (h *Notify) entry(ctx context.Context, n notice.Entry) (t herald.Tally, err error) {
	switch {
	case n.Err != nil:
		err = n.Err
	case n.Failed != nil: // out of a dead letter: the event as it was
		_, err = h.Handle(ctx, n.Failed)
	default:
		t, err = h.Herald.Deliver(ctx, n.Notice)
	}
	h.log(ctx, n.To.Kind(), t, err)
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
// one after the other: after a failure the rest of the group fails too, or they
// would overtake it.
func (h *Notify) queue(ctx context.Context, e notice.Event) events.SQSEventResponse {
	var groups [][]int
	of := map[string]int{}
	for i, n := range e.Entries {
		g, ok := of[n.Group]
		if !ok || !e.FIFO {
			g = len(groups)
			groups, of[n.Group] = append(groups, nil), g
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
	for i, n := range e.Entries {
		if failed[i] {
			res.BatchItemFailures = append(res.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: n.Message})
		}
	}
	return res
}

// batchAtOnce is how many messages of a batch are served at the same time.
const batchAtOnce = 10
