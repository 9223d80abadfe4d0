// Command reply makes one reply: it asks the model and streams the answer back.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/bedrock"
	"kaiwa/pkg/callback"
	"kaiwa/pkg/dynamo"
	"kaiwa/pkg/handler"
)

func main() {
	env := handler.NewEnv(os.Getenv)
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	store := dynamo.New(dynamodb.NewFromConfig(cfg), env.Must("TABLE"),
		&dynamo.Options{Retention: env.Duration("RETENTION_DAYS", 0, 24*time.Hour)})
	model := bedrock.New(cfg, bedrock.Options{
		ModelID:          env.Must("MODEL_ID"),
		System:           env.String("SYSTEM_PROMPT", ""),
		MaxTokens:        env.Int("MAX_TOKENS", 0),
		GuardrailID:      env.String("GUARDRAIL_ID", ""),
		GuardrailVersion: env.String("GUARDRAIL_VERSION", ""),
		CachePoints:      env.String("PROMPT_CACHE", "false") == "true",
	})
	h := handler.NewReply(env, store, model, callback.New(cfg))
	if err := env.Err(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(h.Handle)
}
