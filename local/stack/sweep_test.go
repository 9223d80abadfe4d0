package stack

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kaiwa/pkg/emu/ddb"
)

// An expired item stays for an hour, as it may on AWS, and then goes.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Stack{table: ddb.New(nil), closing: make(chan struct{})}
		do := func(op string, body map[string]any) string {
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("POST", "/", strings.NewReader(string(text)))
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c")
			w := httptest.NewRecorder()
			s.table.ServeHTTP(w, r)
			if w.Code != 200 {
				t.Fatalf("%s: %d %s", op, w.Code, w.Body)
			}
			return w.Body.String()
		}
		do("CreateTable", map[string]any{
			"TableName": "Table", "BillingMode": "PAY_PER_REQUEST",
			"AttributeDefinitions": []any{map[string]any{"AttributeName": "pk", "AttributeType": "S"}},
			"KeySchema":            []any{map[string]any{"AttributeName": "pk", "KeyType": "HASH"}},
		})
		do("UpdateTimeToLive", map[string]any{
			"TableName": "Table", "TimeToLiveSpecification": map[string]any{"AttributeName": "ttl", "Enabled": true},
		})
		ttl, err := json.Marshal(time.Now().Add(time.Hour).Unix())
		if err != nil {
			t.Fatal(err)
		}
		do("PutItem", map[string]any{"TableName": "Table", "Item": map[string]any{
			"pk": map[string]any{"S": "a"}, "ttl": map[string]any{"N": string(ttl)},
		}})

		s.owned.Go(s.sweep)
		count := func() string { return do("Scan", map[string]any{"TableName": "Table", "Select": "COUNT"}) }
		<-time.After(time.Hour + 59*time.Minute) // in the bubble: no time passes
		synctest.Wait()
		if got := count(); !strings.Contains(got, `"Count":1`) {
			t.Errorf("59 min after it expired: %s", got)
		}
		<-time.After(12 * time.Minute)
		synctest.Wait()
		if got := count(); !strings.Contains(got, `"Count":0`) {
			t.Errorf("71 min after it expired: %s", got)
		}
		close(s.closing)
		s.owned.Wait()
	})
}
