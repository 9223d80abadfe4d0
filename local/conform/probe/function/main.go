// The probe as a Lambda function: its records are in DynamoDB, its posts go through
// the SDK.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/local/conform/probe"
)

func main() {
	f, err := newFunction(context.Background(), os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
	lambda.Start(f.Handle)
}

func newFunction(ctx context.Context, getenv func(string) string) (*probe.Function, error) {
	var stack probe.Stack
	if err := json.Unmarshal([]byte(getenv("STACK")), &stack); err != nil {
		return nil, fmt.Errorf("STACK: %w", err)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return &probe.Function{
		Log:    &table{dynamodb.NewFromConfig(cfg), getenv("TABLE")},
		Poster: &probe.Posts{Client: apigatewaymanagementapi.NewFromConfig(cfg), APIs: stack.APIs},
		Stack:  stack,
	}, nil
}
