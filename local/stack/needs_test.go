package stack

import (
	"net/http/httptest"
	"testing"

	"kaiwa/pkg/emu/iam"
)

// What calls an alias needs the permission for the alias, as on AWS.
func TestNeedsOfAnAlias(t *testing.T) {
	s := &Stack{opt: Options{Region: "us-east-1"}, where: iam.Account{Partition: "aws", Region: "us-east-1", ID: account}}
	const arn = "arn:aws:lambda:us-east-1:" + account + ":function:f"
	for _, c := range []struct{ name, query, want string }{
		{"f", "", arn}, {"f:live", "", arn + ":live"}, {"f", "?Qualifier=live", arn + ":live"}, {"f:live", "?Qualifier=live", arn + ":live"},
	} {
		needs, err := s.needs(httptest.NewRequest("POST", "/2015-03-31/functions/"+c.name+"/invocations"+c.query, nil))
		if err != nil || len(needs) != 1 || needs[0].Resource != c.want {
			t.Errorf("%s%s: %v, %v, want %s", c.name, c.query, needs, err, c.want)
		}
	}
}
