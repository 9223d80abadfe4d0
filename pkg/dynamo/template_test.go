package dynamo_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"kaiwa/pkg/dynamo"
	"kaiwa/pkg/emu/sam"
)

// The table that is deployed is the one this package was tested on.
func TestTemplateHasTheSchema(t *testing.T) {
	template, err := sam.Load("../../template.yaml", &sam.Options{Region: "us-east-1", Parameters: map[string]string{"Auth": "none"}})
	if err != nil {
		t.Fatal(err)
	}
	tables := template.Tables()
	if len(tables) != 1 || tables[0].TTLAttribute != "ttl" {
		t.Fatalf("tables %+v, want one with TTL on ttl", tables)
	}
	var got map[string]any
	if err := json.Unmarshal(tables[0].Create, &got); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(dynamo.Schema("x"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"} {
		if g, w := dropNulls(got[member]), dropNulls(want[member]); !reflect.DeepEqual(g, w) {
			t.Errorf("%s:\n got %v\nwant %v", member, g, w)
		}
	}
}

// dropNulls takes out what the SDK's struct has and JSON need not.
func dropNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e == nil {
				delete(v, k)
			} else {
				v[k] = dropNulls(e)
			}
		}
	case []any:
		for i := range v {
			v[i] = dropNulls(v[i])
		}
	}
	return v
}
