package ddb_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// together runs n of f at once and waits.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func TestContractAtomicCounters(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{})
		together(8, func(int) {
			for range 25 {
				if _, err := d.update(t, table, update{key: key, expr: "ADD n :one SET latest = :one", values: m{":one": 1}, cond: "attribute_not_exists(closed)"}); err != nil {
					t.Error(err)
				}
			}
		})
		same(t, "counter", d.get(t, table, key)["n"], 200)
	})
}

func TestContractClaimsAreWonOnce(t *testing.T) {
	contract(t, func(t *testing.T, d *db) {
		table := d.table(t, schema{})
		for round := range 20 {
			k := m{"pk": fmt.Sprint(round), "sk": "claim"}
			var won atomic.Int32
			together(8, func(i int) {
				_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: attrs(with(k, m{"owner": i})), ConditionExpression: aws.String("attribute_not_exists(pk)")})
				var lost *types.ConditionalCheckFailedException
				switch {
				case err == nil:
					won.Add(1)
				case !errors.As(err, &lost):
					t.Error(err)
				}
			})
			same(t, "winners", won.Load(), int32(1))
		}
	})
}

// Money is neither made nor lost by transactions, nor seen on its way by transactional reads.
func TestConcurrentTransfers(t *testing.T) {
	d, s := start(t, nil)
	const accounts, each = 5, 100
	account := func(i int) m { return m{"pk": fmt.Sprint("account", i%accounts), "sk": "x"} }
	for i := range accounts {
		d.put(t, "chat", with(account(i), m{"n": each}))
	}
	var gets []types.TransactGetItem
	for i := range accounts {
		gets = append(gets, types.TransactGetItem{Get: &types.Get{TableName: aws.String("chat"), Key: attrs(account(i))}})
	}
	together(6, func(worker int) {
		for i := range 30 {
			from, to := worker+i, worker+2*i+1
			if from%accounts == to%accounts {
				continue
			}
			err := d.transact(t, "", transactUpdate("chat", account(from), "SET n = n - :one", m{":one": 1}), transactUpdate("chat", account(to), "SET n = n + :one", m{":one": 1}))
			if err != nil {
				t.Error(err)
			}
			out, err := d.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: gets})
			if err != nil {
				t.Error(err)
				continue
			}
			sum := 0
			for _, r := range out.Responses {
				sum += plainAttrs(r.Item)["n"].(int)
			}
			if sum != accounts*each {
				t.Errorf("read a sum of %d", sum)
			}
		}
	})
	same(t, "accounts", len(s.Items("chat")), accounts)
}

// Everything at once, for the race detector.
func TestConcurrentEverything(t *testing.T) {
	d, s := start(t, nil)
	together(8, func(worker int) {
		for i := range 20 {
			k := m{"pk": fmt.Sprint(i % 4), "sk": fmt.Sprint(worker, i)}
			d.put(t, "chat", with(k, m{"g": "G", "doc": m{"l": l{1}}}))
			_, err := d.update(t, "chat", update{key: k, expr: "SET doc.l[1] = :v REMOVE g", values: m{":v": i}})
			errs := []error{err}
			_, err = d.query(t, &dynamodb.QueryInput{TableName: aws.String("chat")}, "pk = :p", m{":p": fmt.Sprint(i % 4)})
			errs = append(errs, err)
			_, err = d.query(t, &dynamodb.QueryInput{TableName: aws.String("chat"), IndexName: aws.String("by-g")}, "g = :g", m{":g": "G"})
			errs = append(errs, err)
			_, err = d.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("chat")})
			errs = append(errs, err)
			_, err = d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("chat"), Key: attrs(k), ReturnValues: types.ReturnValueAllOld})
			if err := errors.Join(append(errs, err)...); err != nil {
				t.Error(err)
			}
			s.Items("chat")
			s.Counts()
		}
	})
	same(t, "empty again", len(s.Items("chat")), 0)
}
