// Command sendmessage serves $default and every message route.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"kaiwa/pkg/callback"
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
	h := &handler.SendMessage{
		Store: dynamo.New(dynamodb.NewFromConfig(cfg), env.Must("TABLE"),
			&dynamo.Options{Retention: env.Duration("RETENTION_DAYS", 0, 24*time.Hour)}),
		Poster: callback.New(cfg),
		Reply:  invoke.New(cfg, env.Must("REPLY_FUNCTION")),
		Auth:   env.Must("AUTH"),
		Topics: env.List("TOPIC_PATTERN"),
		Logger: handler.NewLogger(),
	}
	if err := env.Err(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(h.Handle)
}
