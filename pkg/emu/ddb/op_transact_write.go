package ddb

import (
	"errors"
	"strings"
)

// Limits of transactions (DynamoDB API reference, TransactWriteItems; aws-facts §9).
const (
	maxTransaction      = 100
	maxTransactionBytes = 4 << 20
)

func (c *call) transactWriteItems() (reply, error) {
	mode, token := "", ""
	var writes []*write
	err := decode(c.body,
		must("TransactItems", elements(1, maxTransaction, func() decoder {
			writes = append(writes, &write{})
			return writes[len(writes)-1].transactItem
		})),
		capacityMember(&mode),
		collectionMetrics(),
		may("ClientRequestToken", text(&token, lengthOf(1, 36))))
	if err != nil {
		return nil, err
	}
	tables, err := compileTransaction(writes)
	if err != nil {
		return nil, err
	}
	if err := c.admit(tables...); err != nil {
		return nil, conflicting(err, len(writes))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.transact(writes, token); err != nil {
		return nil, err
	}
	out := reply{}
	if wanted(mode) {
		out["ConsumedCapacity"] = c.used.shown(mode, true)
	}
	return out, nil
}

// transactItem decodes exactly one action.
func (w *write) transactItem(p *problems, at string, v any) error {
	as := func(action string) member {
		return may(action, func(p *problems, at string, v any) error {
			if w.action != "" {
				p.also(errOneAction())
			}
			w.action = action
			return structure(action, w.transactMembers()...)(p, at, v)
		})
	}
	err := structure("TransactWriteItem", as("ConditionCheck"), as("Put"), as("Delete"), as("Update"))(p, at, v)
	if w.action == "" {
		p.also(errOneAction())
	}
	return err
}

func errOneAction() error {
	return invalid("TransactItems can only contain one of Check, Put, Update or Delete")
}

// transactMembers are those of the single operation, of which a transaction requires more.
func (w *write) transactMembers() []member {
	members := w.members()
	for i, m := range members {
		if w.action == "Update" && m.name == "UpdateExpression" || w.action == "ConditionCheck" && m.name == "ConditionExpression" {
			members[i].required = true
		}
	}
	return members
}

// compileTransaction checks what needs no table; a mistake here fails the request, not an action of it.
func compileTransaction(writes []*write) (tables []string, err error) {
	bytes := 0
	for _, w := range writes {
		if err := w.compile(); err != nil {
			return nil, err
		}
		tables = append(tables, w.table)
		bytes += itemSize(w.item) + itemSize(w.key)
	}
	if bytes > maxTransactionBytes {
		return nil, invalid("Transaction payload size cannot exceed 4 MB: " +
			"Collection size of items exceeded, which can also be caused by the aggregate size of the items in the transaction exceeding the 4MB limit")
	}
	return tables, nil
}

// conflicting turns an injected Conflict into the answer to a transaction of n actions.
func conflicting(err error, n int) error {
	if !errors.Is(err, Conflict) {
		return err
	}
	reasons := make([]reason, n)
	reasons[0] = reason{code: "TransactionConflict", message: "Transaction is ongoing for the item"}
	return cancelled(reasons)
}

// transact does all writes or none. A token that was used before changes nothing again.
func (c *call) transact(writes []*write, token string) error {
	fingerprint := fingerprintOf(c.body)
	if again, err := c.replay(token, fingerprint); again || err != nil {
		return err
	}
	outcomes, err := c.decideAll(writes)
	if err != nil {
		return err
	}
	changes := make([]change, len(outcomes))
	reads := map[string]float64{}
	for i, o := range outcomes {
		changes[i] = o.change
		reads[o.table.name] += 2 * readUnits(sizeOf(o.rec), true)
	}
	return c.commit(receipt{token, remembered{fingerprint, c.options.Clock(), reads}}, changes...)
}

// decideAll checks every write before any is done. Writes that do not suit their table come before failed conditions, and only
// the first of them is told; conditions are all tried (scylladb/alternator test_transact, run against AWS). That a cancelled
// transaction costs as much as one that happens is an assumption.
func (c *call) decideAll(writes []*write) ([]outcome, error) {
	places, err := c.placeAll(writes)
	if err != nil {
		return nil, err
	}
	outcomes := make([]outcome, len(writes))
	reasons := make([]reason, len(writes))
	failed := false
	for i, w := range writes {
		o, err := w.decide(places[i].table, places[i].key)
		outcomes[i] = o
		if isEarly(err) {
			return nil, err
		}
		if err != nil {
			reasons[i] = reasonFor(err)
			failed = true
		}
		c.used.of(o.table).writes("", 2*o.units())
	}
	if failed {
		return nil, cancelled(reasons)
	}
	return outcomes, nil
}

func (c *call) placeAll(writes []*write) ([]change, error) {
	places := make([]change, len(writes))
	for i, w := range writes {
		t, err := c.store.table(w.table)
		if err != nil {
			return nil, err
		}
		places[i].table = t
	}
	errs := make([]error, len(writes))
	for i, w := range writes {
		if places[i].key, errs[i] = w.place(places[i].table); isEarly(errs[i]) {
			return nil, errs[i]
		}
	}
	seen := map[change]bool{}
	for i, err := range errs {
		if err != nil {
			return nil, cancelledBy(i, len(writes), err)
		}
		if seen[places[i]] {
			return nil, invalid("%s", twiceInTransaction)
		}
		seen[places[i]] = true
	}
	return places, nil
}

const twiceInTransaction = "Transaction request cannot include multiple operations on one item"

// reason is why an action kept its transaction from happening; the zero value is that it did not.
type reason struct {
	code, message string
	item          any // the item as it was found, if asked for
}

func reasonFor(err error) reason {
	var e *apiError
	errors.As(err, &e)
	if isConditionFailed(err) {
		return reason{"ConditionalCheckFailed", e.message, e.members["Item"]}
	}
	return reason{code: "ValidationError", message: e.message}
}

// cancelledBy is the answer to a transaction of n actions, one of which failed for a known cause.
func cancelledBy(i, n int, err error) error {
	reasons := make([]reason, n)
	reasons[i] = reasonFor(err)
	return cancelled(reasons)
}

// cancelled is a TransactionCanceledException, with a reason for each action in their order.
func cancelled(reasons []reason) error {
	codes := make([]string, len(reasons))
	all := make([]any, len(reasons))
	for i, r := range reasons {
		shown := reply{"Code": "None"}
		if r.code != "" {
			shown = reply{"Code": r.code, "Message": r.message}
		}
		if r.item != nil {
			shown["Item"] = r.item
		}
		codes[i], all[i] = shown["Code"].(string), shown
	}
	e := refusal(dynamoDB+"TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons ["+strings.Join(codes, ", ")+"]")
	e.members = map[string]any{"CancellationReasons": all}
	return e
}
