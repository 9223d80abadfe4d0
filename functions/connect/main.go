// Command connect serves $connect.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/dynamo"
	"kaiwa/pkg/handler"
	"kaiwa/pkg/invoke"
)

func main() {
	env := handler.NewEnv(os.Getenv)
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	h := &handler.Connect{
		Store:   dynamo.New(dynamodb.NewFromConfig(cfg), env.Must("TABLE"), nil),
		Auth:    env.Must("AUTH"),
		Origins: handler.NewOrigins(env, "ALLOWED_ORIGINS"),
		Topics:  env.List("TOPIC_PATTERN"),
		Notify:  invoke.New(cfg, env.Must("NOTIFY_FUNCTION")),
		Most:    env.Int("USER_CONNECTIONS", 0),
		Logger:  handler.NewLogger(),
	}
	if err := env.Err(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(h.Handle)
}
