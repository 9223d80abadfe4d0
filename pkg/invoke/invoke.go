// Package invoke hands work over to another Lambda function.
package invoke

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"kaiwa/pkg/chat"
)

// Function is one Lambda function, invoked asynchronously.
type Function struct {
	api  *lambda.Client
	name string
}

// New makes a Function of a name or ARN.
func New(cfg aws.Config, name string) *Function {
	return &Function{api: lambda.NewFromConfig(cfg), name: name}
}

// Invoke queues payload (JSON, at most 1 MB; aws-facts §6). Lambda delivers it at
// least once: the function must bear a repeat. The error is a chat.Error of kind
// Unavailable; the event may have been queued all the same.
func (f *Function) Invoke(ctx context.Context, payload []byte) error {
	_, err := f.api.Invoke(ctx, &lambda.InvokeInput{FunctionName: &f.name, InvocationType: types.InvocationTypeEvent, Payload: payload})
	if err != nil {
		return &chat.Error{Kind: chat.Unavailable, Message: "this could not be started; try again",
			Err: fmt.Errorf("invoke %s: %w", f.name, err)}
	}
	return nil
}
