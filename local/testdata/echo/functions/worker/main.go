// Worker asks the model and posts its whole answer to a connection.
package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
)

type job struct{ Connection, Prompt string }

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	model, posts := bedrockruntime.NewFromConfig(cfg), apigatewaymanagementapi.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context, j job) error {
		text, err := ask(ctx, model, j.Prompt)
		if err != nil {
			return fmt.Errorf("ask: %w", err)
		}
		_, err = posts.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &j.Connection, Data: []byte(text)})
		return err
	})
}

func ask(ctx context.Context, model *bedrockruntime.Client, prompt string) (string, error) {
	out, err := model.ConverseStream(ctx, &bedrockruntime.ConverseStreamInput{
		ModelId: aws.String("demo.model-v1:0"),
		Messages: []types.Message{{
			Role: types.ConversationRoleUser, Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: prompt}},
		}},
	})
	if err != nil {
		return "", err
	}
	stream := out.GetStream()
	defer stream.Close()
	var text strings.Builder
	for e := range stream.Events() {
		d, ok := e.(*types.ConverseStreamOutputMemberContentBlockDelta)
		if !ok {
			continue
		}
		if t, ok := d.Value.Delta.(*types.ContentBlockDeltaMemberText); ok {
			text.WriteString(t.Value)
		}
	}
	return text.String(), stream.Err()
}
