package lambdart_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"kaiwa/pkg/emu/lambdart"
)

func TestSDKInvoke(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f", LogicalID: "Fn"})
	client := r.sdk()
	for _, name := range []string{"f", "Fn", "arn:aws:lambda:us-east-1:123456789012:function:f"} {
		out, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"x":"é"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if string(out.Payload) != `{"x":"é"}` || out.StatusCode != 200 || out.FunctionError != nil || aws.ToString(out.ExecutedVersion) != "$LATEST" {
			t.Errorf("%s: %+v %s", name, out, out.Payload)
		}
	}
	out, err := client.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("f"), LogType: types.LogTypeTail,
		Payload: []byte(`{"Do":"log","Text":"hello\nlog\n"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult)); err != nil || string(log) != "hello\nlog\n" {
		t.Errorf("log = %q %v", log, err)
	}
	out, err = client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"Do":"error","Text":"no"}`)})
	if err != nil || aws.ToString(out.FunctionError) != "Unhandled" || string(out.Payload) != `{"errorMessage":"no","errorType":"errorString"}` {
		t.Errorf("%+v %v", out, err)
	}
	out, err = client.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("f"), Payload: []byte(`{"Do":"context"}`),
		ClientContext: aws.String(base64.StdEncoding.EncodeToString([]byte("{\"client\":\n{\"app_title\":\"kaiwa\"}}"))),
	})
	if err != nil || decode[map[string]string](t, string(out.Payload))["client"] != "kaiwa" {
		t.Errorf("%s %v", out.Payload, err)
	}
}

// An alias is called by a name with it behind, or by a qualifier, and the function
// sees that.
func TestSDKAliases(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f", LogicalID: "Fn", Published: []string{"blue", "live"}})
	client := r.sdk()
	const arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
	for _, c := range []struct{ name, qualifier, want string }{
		{"f", "", arn}, {"f:live", "", arn + ":live"}, {"f", "blue", arn + ":blue"}, {"Fn", "live", arn + ":live"},
		{arn + ":live", "", arn + ":live"}, {arn, "live", arn + ":live"}, {"f:live", "live", arn + ":live"}, {"f", "$LATEST", arn + ":$LATEST"},
		{"f:green", "", ""}, {"f", "1", ""}, {"g:live", "", ""},
	} {
		in := &lambda.InvokeInput{FunctionName: &c.name, Payload: []byte(`{"Do":"context"}`)}
		if c.qualifier != "" {
			in.Qualifier = &c.qualifier
		}
		out, err := client.Invoke(t.Context(), in)
		var gone *types.ResourceNotFoundException
		if c.want == "" {
			if !errors.As(err, &gone) {
				t.Errorf("%s %s: %v, want ResourceNotFoundException", c.name, c.qualifier, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", c.name, c.qualifier, err)
			continue
		}
		if got := decode[map[string]string](t, string(out.Payload))["arn"]; got != c.want {
			t.Errorf("%s %s: called as %s, want %s", c.name, c.qualifier, got, c.want)
		}
	}
}

func TestSDKEventAndDryRun(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f"})
	payload, file := counted(t, 0)
	out, err := r.sdk().Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeDryRun})
	if err != nil || out.StatusCode != 204 {
		t.Errorf("dry run: %+v %v", out, err)
	}
	out, err = r.sdk().Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent, Payload: []byte(payload),
	})
	if err != nil || out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Errorf("event: %+v %v", out, err)
	}
	r.waitLog(t, "done")
	if ids := attempts(t, file); len(ids) != 1 {
		t.Errorf("ids = %v", ids)
	}
}

func TestSDKErrors(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f"}, lambdart.Function{Name: "never", ReservedConcurrency: ptr(0)})
	invoke := func(in lambda.InvokeInput) error {
		_, err := r.sdk().Invoke(t.Context(), &in)
		return err
	}
	for _, c := range []struct {
		name   string
		in     lambda.InvokeInput
		target any
		status int
		text   string
	}{
		{"unknown", lambda.InvokeInput{FunctionName: aws.String("g")}, new(*types.ResourceNotFoundException), 404, "Function not found: arn:aws:lambda:us-east-1:123456789012:function:g"},
		{"version", lambda.InvokeInput{FunctionName: aws.String("f"), Qualifier: aws.String("7")}, new(*types.ResourceNotFoundException), 404, "Function not found: arn:aws:lambda:us-east-1:123456789012:function:f:7"},
		{"throttled", lambda.InvokeInput{FunctionName: aws.String("never")}, new(*types.TooManyRequestsException), 429, "Rate Exceeded."},
		{"too large", lambda.InvokeInput{FunctionName: aws.String("f"), Payload: blank(6<<20 + 1)}, new(*types.RequestTooLargeException), 413, "Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
		{"event too large", lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: "Event", Payload: blank(1<<20 + 1)}, new(*types.RequestTooLargeException), 413, "Request must be smaller than 1048576 bytes for the InvokeFunction operation"},
		{"not JSON", lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte("{")}, new(*types.InvalidRequestContentException), 400, "Could not parse request body into json"},
	} {
		err := invoke(c.in)
		var status *smithyhttp.ResponseError
		if !errors.As(err, c.target) || !errors.As(err, &status) || status.HTTPStatusCode() != c.status || !strings.HasSuffix(err.Error(), c.text) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := invoke(lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: "Event", Payload: blank(1 << 20)}); err != nil {
		t.Errorf("the largest event: %v", err)
	}
	var throttled *types.TooManyRequestsException
	if err := invoke(lambda.InvokeInput{FunctionName: aws.String("never")}); !errors.As(err, &throttled) || throttled.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
		t.Errorf("throttle reason: %v", err)
	}
	_, err := r.sdk().GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f")})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "UnknownOperationException" || api.ErrorMessage() != "GetFunction is not emulated: of Lambda's operations only Invoke is" {
		t.Errorf("GetFunction: %v", err)
	}
}

func blank(n int) []byte { return []byte(strings.Repeat(" ", n)) }

// What no SDK sends.
func TestRawRequests(t *testing.T) {
	r := start(t, nil, lambdart.Function{Name: "f"})
	for _, c := range []struct {
		name, path string
		header     map[string]string
		status     int
		kind, body string
	}{
		{"unsigned", "/2015-03-31/functions/f/invocations", map[string]string{"Authorization": ""}, 403, "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`},
		{"presigned", "/2015-03-31/functions/f/invocations?X-Amz-Signature=1", map[string]string{"Authorization": ""}, 200, "", `{}`},
		{"invocation type", "/2015-03-31/functions/f/invocations", map[string]string{"X-Amz-Invocation-Type": "Later"}, 400, "ValidationException", `{"Type":"User","message":"1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"}`},
		{"client context", "/2015-03-31/functions/f/invocations", map[string]string{"X-Amz-Client-Context": "e"}, 400, "InvalidRequestContentException", `{"Type":"User","message":"Client context must be a valid Base64-encoded JSON object."}`},
		{"escaped ARN", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af/invocations", nil, 200, "", `{}`},
		{"another path", "/2015-03-31/nonsense", nil, 404, "UnknownOperationException", `{"Message":"POST /2015-03-31/nonsense is not emulated: of Lambda's operations only Invoke is","Type":"User"}`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", r.server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x")
		for k, v := range c.header {
			req.Header.Set(k, v)
		}
		resp, err := r.server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || resp.Header.Get("X-Amzn-ErrorType") != c.kind || strings.TrimSpace(string(body)) != c.body {
			t.Errorf("%s: %d %s %s %v", c.name, resp.StatusCode, resp.Header.Get("X-Amzn-ErrorType"), body, err)
		}
		if id := resp.Header.Get("X-Amzn-RequestId"); len(id) != 36 {
			t.Errorf("%s: request id %q", c.name, id)
		}
	}
}

func BenchmarkWarmInvoke(b *testing.B) {
	r := start(b, nil, lambdart.Function{Name: "f"})
	r.call(b, "f", "{}")
	for b.Loop() {
		r.call(b, "f", `{"a":1}`)
	}
	if s := r.Stats()["f"]; s.ColdStarts != 1 {
		b.Errorf("stats = %+v", s)
	}
}

func BenchmarkColdInvoke(b *testing.B) {
	r := start(b, nil, lambdart.Function{Name: "f"})
	for b.Loop() {
		r.call(b, "f", `{"Do":"exit"}`)
	}
}
