package signin_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kaiwa/client/session"
	"kaiwa/client/signin"
	"kaiwa/pkg/emu/apigw"
)

// signed is a gateway that wants AWS_IAM, and has no function behind it.
func signed(t *testing.T, who apigw.Identity) string {
	t.Helper()
	api := apigw.API{
		ID: "abc123", RouteSelectionExpression: "$request.body.action", Stage: apigw.Stage{Name: "dev"},
		Routes: map[string]apigw.Route{"$connect": {Authorization: "AWS_IAM"}},
	}
	address, _ := apigw.Start(t, api, nil, &apigw.Options{Credentials: func(id string) (apigw.Identity, bool) { return who, id == "AKIAX" }})
	return address
}

// A signature of ours is what API Gateway makes of the same request, with headers
// of the user's own and a query in it, for lasting credentials and passing ones.
func TestSigned(t *testing.T) {
	for _, session_ := range []string{"", "session/token=="} {
		noAWS(t)
		t.Setenv("AWS_ACCESS_KEY_ID", "AKIAX")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
		t.Setenv("AWS_SESSION_TOKEN", session_)
		address := signed(t, apigw.Identity{SecretAccessKey: "secret", SessionToken: session_}) + "?user=日本&b=a%20c"
		s := newSignIn(t, signin.Options{SigV4: true, Region: "us-east-1", APIKey: "k"})
		config := &session.Config{Sign: s.Sign, Header: http.Header{"X-Own": {"a  b", "c"}}}
		conn, err := session.Connect(t.Context(), address, config, &websocket.DialOptions{Subprotocols: []string{"kaiwa.v1", "kaiwa.text.v1"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.CloseNow()

		presigned, until, err := s.Presign(t.Context(), address, 90*time.Second)
		if left := time.Until(until); err != nil || left < 80*time.Second || left > 90*time.Second {
			t.Fatalf("%s for %v, %v", presigned, left, err)
		}
		u, err := url.Parse(presigned)
		if err != nil || u.Scheme != "ws" || u.Query().Get("user") != "日本" || u.Query().Get("X-Amz-Expires") != "90" {
			t.Errorf("%s %v", presigned, err)
		}
		conn, _, err = websocket.Dial(t.Context(), presigned, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.CloseNow()
	}
}

// Each thing that is wrong with a signature is told apart.
func TestSignedWrong(t *testing.T) {
	noAWS(t)
	address := signed(t, apigw.Identity{SecretAccessKey: "secret"})
	for _, c := range []struct{ key, secret, region, path, want string }{
		{"AKIAX", "other", "us-east-1", "", "403 Forbidden: the AWS secret access key is wrong, or something on the way changed the request"},
		{"AKIAY", "secret", "us-east-1", "", "403 Forbidden: AWS does not know these credentials; is AWS_PROFILE, or AWS_ACCESS_KEY_ID, the right one?"},
		{"AKIAX", "secret", "eu-west-1", "", "403 Forbidden: the request was signed for another region than the API's; say which with --region"},
		{"AKIAX", "secret", "us-east-1", "elopment", "403 Forbidden: there is no stage at /development; is it spelled right and deployed?"},
	} {
		t.Setenv("AWS_ACCESS_KEY_ID", c.key)
		t.Setenv("AWS_SECRET_ACCESS_KEY", c.secret)
		s := newSignIn(t, signin.Options{SigV4: true, Region: c.region})
		_, err := session.Connect(t.Context(), strings.Replace(address, "/dev", "/dev"+c.path, 1), &session.Config{Sign: s.Sign}, nil)
		if err == nil || err.Error() != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := session.Connect(context.Background(), address, nil, nil); err == nil || err.Error() != "403 Forbidden: the service wants requests signed with AWS credentials: --sigv4" {
		t.Errorf("unsigned: %v", err)
	}
}
