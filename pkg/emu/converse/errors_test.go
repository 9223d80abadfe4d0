package converse_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"kaiwa/pkg/emu/converse"
)

func TestRefusedCalls(t *testing.T) {
	c, s := start(t, nil)
	for _, test := range []struct {
		kind   string
		want   error
		status int
	}{
		{"throttling", &types.ThrottlingException{}, 429},
		{"internal", &types.InternalServerException{}, 500},
		{"modelStream", &types.ModelErrorException{}, 424},
		{"validation", &types.ValidationException{}, 400},
		{"unavailable", &types.ServiceUnavailableException{}, 503},
		{"accessDenied", &types.AccessDeniedException{}, 403},
		{"notFound", &types.ResourceNotFoundException{}, 404},
		{"timeout", &types.ModelTimeoutException{}, 408},
		{"notReady", &types.ModelNotReadyException{}, 429},
	} {
		_, err := c.ConverseStream(t.Context(), input("@demo first=1h error="+test.kind+"@0"))
		sameException(t, test.kind, err, test.want)
		var res *smithyhttp.ResponseError
		if !errors.As(err, &res) || res.HTTPStatusCode() != test.status {
			t.Errorf("%s: %v, want status %d", test.kind, err, test.status)
		}
		in := &bedrockruntime.ConverseInput{ModelId: aws.String(modelID), Messages: user("@demo error=" + test.kind + "@0")}
		_, err = c.Converse(t.Context(), in)
		sameException(t, "Converse "+test.kind, err, test.want)
	}
	if got := s.Stats(); got.Errors != got.Calls || got.Calls != 18 {
		t.Errorf("stats %+v", got)
	}
}

func TestExceptionsInTheStream(t *testing.T) {
	c, s := start(t, nil)
	for _, test := range []struct {
		kind string
		want error
	}{
		{"throttling", &types.ThrottlingException{}},
		{"internal", &types.InternalServerException{}},
		{"modelStream", &types.ModelStreamErrorException{}},
		{"validation", &types.ValidationException{}},
		{"unavailable", &types.ServiceUnavailableException{}},
		{"accessDenied", &types.InternalServerException{}}, // the others do not exist in a stream
		{"notFound", &types.InternalServerException{}},
		{"timeout", &types.ModelStreamErrorException{}},
		{"notReady", &types.ServiceUnavailableException{}},
	} {
		h := listen(t, c, input("@demo tokens=100 every=0s first=0s error="+test.kind+"@40"))
		sameException(t, test.kind, h.err, test.want)
		if len(h.deltas) != 40 || h.stop != "" {
			t.Errorf("%s: %d deltas, stop %q", test.kind, len(h.deltas), h.stop)
		}
		var e *types.ModelStreamErrorException
		if errors.As(h.err, &e) && test.kind == "modelStream" && aws.ToInt32(e.OriginalStatusCode) != 500 {
			t.Errorf("original status %v", e.OriginalStatusCode)
		}
	}
	if got := s.Stats(); got.Errors != 9 || got.Tokens != 9*40 {
		t.Errorf("stats %+v", got)
	}
}

// sameException wants err to hold an exception of want's type, with a message.
func sameException(t *testing.T, what string, err, want error) {
	t.Helper()
	target := reflect.New(reflect.TypeOf(want))
	if !errors.As(err, target.Interface()) {
		t.Errorf("%s: %v, want a %T", what, err, want)
		return
	}
	if e := target.Elem().Interface().(smithy.APIError); e.ErrorMessage() == "" {
		t.Errorf("%s: %T without a message", what, want)
	}
}

func TestFaults(t *testing.T) {
	faults := []error{
		&converse.Error{Exception: converse.Throttling, Message: "slow down"},
		errors.New("power cut"),
		fmt.Errorf("wrapped: %w", &converse.Error{Exception: "NoSuchException", Message: "odd"}),
		nil,
	}
	calls := 0
	c, s := start(t, &converse.Options{Faults: func() error { calls++; return faults[calls-1] }})
	for _, want := range []string{"ThrottlingException: slow down", "ServiceUnavailableException: power cut", "InternalServerException: odd"} {
		_, err := c.ConverseStream(t.Context(), input("hello"))
		var e smithy.APIError
		if !errors.As(err, &e) || e.ErrorCode()+": "+e.ErrorMessage() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if h := listen(t, c, input("@demo tokens=1 first=0s")); h.stop != "end_turn" {
		t.Errorf("after the faults: %+v", h)
	}
	if got := s.Stats(); got.Errors != 3 || got.Completed != 1 {
		t.Errorf("stats %+v", got)
	}
}
