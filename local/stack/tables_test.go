package stack

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// scripted is a DynamoDB that gives prepared answers and records what it is asked.
func scripted(t *testing.T, answers ...string) (endpoint string, asked func() string) {
	t.Helper()
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/dynamodb/aws4_request") {
			t.Errorf("signed as %q", r.Header.Get("Authorization"))
		}
		got = append(got, strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")+" "+string(body))
		if len(got) > len(answers) {
			t.Errorf("asked once more: %s", got[len(got)-1])
			return
		}
		status, answer, _ := strings.Cut(answers[len(got)-1], " ")
		w.WriteHeader(map[string]int{"ok": 200, "no": 400, "down": 503}[status])
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() string { return strings.Join(got, "\n") }
}

func TestCreateTables(t *testing.T) {
	const (
		active   = `ok {"Table":{"TableStatus":"ACTIVE"}}`
		creating = `ok {"Table":{"TableStatus":"CREATING"}}`
		exists   = `no {"__type":"com.amazonaws.dynamodb.v20120810#ResourceInUseException","message":"Table already exists"}`
		hasTTL   = `no {"__type":"com.amazon.coral.validate#ValidationException","message":"TimeToLive is already enabled"}`
		refused  = `no {"__type":"com.amazon.coral.validate#ValidationException","message":"no such key"}`
		ttlIs    = `ok {"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}}`
		describe = "\nDescribeTable {\"TableName\":\"T\"}"
		askTTL   = "\nDescribeTimeToLive {\"TableName\":\"T\"}"
		setTTL   = "\nUpdateTimeToLive {\"TableName\":\"T\",\"TimeToLiveSpecification\":{\"AttributeName\":\"ttl\",\"Enabled\":true}}"
	)
	tests := []struct {
		name    string
		table   sam.Table
		answers []string
		asked   string
		want    string // of the error
	}{
		{"new", sam.Table{Name: "T", Create: []byte("{}"), TTLAttribute: "ttl"}, []string{"ok {}", creating, active, "ok {}"},
			"CreateTable {}" + describe + describe + setTTL, ""},
		{"there already", sam.Table{Name: "T", Create: []byte("{}"), TTLAttribute: "ttl"}, []string{exists, active, hasTTL, ttlIs},
			"CreateTable {}" + describe + setTTL + askTTL, ""},
		{"with another TTL", sam.Table{Name: "T", Create: []byte("{}"), TTLAttribute: "ttl"}, []string{exists, active, hasTTL, strings.Replace(ttlIs, "ttl", "end", 1)},
			"CreateTable {}" + describe + setTTL + askTTL, "t.yaml:3: Table: create table T at ENDPOINT: is not as the template says: it has the time to live in end, not in ttl"},
		{"without TTL", sam.Table{Name: "T", Create: []byte("{}")}, []string{"ok {}", active}, "CreateTable {}" + describe, ""},
		{"refused", sam.Table{Name: "T", Create: []byte("{}")}, []string{refused}, "CreateTable {}", "t.yaml:3: Table: create table T at ENDPOINT: ValidationException: no such key"},
		{"TTL refused", sam.Table{Name: "T", Create: []byte("{}"), TTLAttribute: "ttl"}, []string{"ok {}", active, refused},
			"CreateTable {}" + describe + setTTL, "t.yaml:3: Table: create table T at ENDPOINT: ValidationException: no such key"},
		{"down", sam.Table{Name: "T", Create: []byte("{}")}, []string{"down busy"}, "CreateTable {}", "t.yaml:3: Table: create table T at ENDPOINT: CreateTable: answered 503 Service Unavailable"},
		{"nonsense", sam.Table{Name: "T", Create: []byte("{}")}, []string{"ok {}", "ok busy"}, "CreateTable {}" + describe, "t.yaml:3: Table: create table T at ENDPOINT: DescribeTable: invalid character"},
	}
	for _, tt := range tests {
		endpoint, asked := scripted(t, tt.answers...)
		s := &Stack{opt: Options{Region: "us-east-1", DynamoDB: endpoint}}
		err := s.createTables(t.Context(), []sam.Table{tt.table}, func(name string) sam.Place {
			return sam.Place{File: "t.yaml", Line: 3, ID: map[string]string{"T": "Table"}[name]}
		})
		got := ""
		if err != nil {
			got = strings.ReplaceAll(err.Error(), endpoint, "ENDPOINT")
		}
		if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: error %q, want %q", tt.name, got, tt.want)
		}
		if got := asked(); got != tt.asked {
			t.Errorf("%s: asked\n%s\nwant\n%s", tt.name, got, tt.asked)
		}
	}
}

// AWS itself is asked with the user's own keys, and only AWS.
func TestUserCredentials(t *testing.T) {
	s := &Stack{opt: Options{Environ: []string{"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b=c", "AWS_SESSION_TOKEN=d", "OTHER=e"}}}
	if c := s.userCredentials(); c.AccessKeyID != "a" || c.SecretAccessKey != "b=c" || c.SessionToken != "d" {
		t.Errorf("credentials %+v", c)
	}
	for endpoint, want := range map[string]bool{
		"https://dynamodb.eu-west-1.amazonaws.com":      true,
		"https://dynamodb.cn-north-1.amazonaws.com.cn/": true,
		"https://dynamodb.us-east-1.api.aws":            true,
		"http://127.0.0.1:8000":                         false,
		"https://amazonaws.com.example":                 false,
		"https://notamazonaws.com":                      false,
		"":                                              false,
		"://":                                           false,
	} {
		if got := isAWS(endpoint); got != want {
			t.Errorf("isAWS(%q) = %t", endpoint, got)
		}
	}
}

// What programs depend on must be as the template says; anything more does no harm.
func TestSchemaDiffers(t *testing.T) {
	const (
		pk    = `"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]`
		both  = `"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]`
		kinds = `"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}]`
		index = `"GlobalSecondaryIndexes":[{"IndexName":"g",` + pk + `,"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["a","b"]}}]`
	)
	tests := []struct{ stored, wanted, want string }{
		{pk + "," + kinds, pk + "," + kinds, ""},
		{pk + "," + kinds + "," + index, pk + "," + kinds, ""},
		{pk + "," + kinds + "," + index, pk + "," + kinds + "," + strings.Replace(index, `"a","b"`, `"b","a"`, 1), ""},
		{both + "," + kinds, pk + "," + kinds, "the keys pk S, sk N, not pk S"},
		{pk + "," + kinds, pk + "," + strings.Replace(kinds, `"S"`, `"B"`, 1), "the keys pk S, not pk B"},
		{pk + "," + kinds, pk + "," + kinds + "," + index, "no index g"},
		{pk + "," + kinds, pk + "," + kinds + "," + strings.Replace(index, "Global", "Local", 1), "no index g"},
		{pk + "," + kinds + "," + index, pk + "," + kinds + "," + strings.Replace(index, `,"b"`, "", 1), "the index g with keys pk S and INCLUDE a, b, not keys pk S and INCLUDE a"},
		{pk + "," + kinds + "," + index, pk + "," + kinds + "," + strings.Replace(index, pk, both, 1), "the index g with keys pk S and INCLUDE a, b, not keys pk S, sk N and INCLUDE a, b"},
	}
	for _, tt := range tests {
		var stored, wanted schema
		for text, into := range map[string]*schema{tt.stored: &stored, tt.wanted: &wanted} {
			if err := json.Unmarshal([]byte("{"+text+"}"), into); err != nil {
				t.Fatal(err)
			}
		}
		if tt.stored == tt.wanted {
			wanted = stored
		}
		if got := stored.differs(wanted); got != tt.want {
			t.Errorf("%s\nwanted %s:\ngot %q, want %q", tt.stored, tt.wanted, got, tt.want)
		}
	}
}
