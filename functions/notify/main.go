// Command notify brings what other systems send into the chat.
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
	store := dynamo.New(dynamodb.NewFromConfig(cfg), env.Must("TABLE"), &dynamo.Options{
		Retention: env.Duration("RETENTION_DAYS", 0, 24*time.Hour),
		Inbox:     env.Int("INBOX_SIZE", 0),
	})
	self := invoke.New(cfg, env.Must("AWS_LAMBDA_FUNCTION_NAME")) // Lambda sets it
	reply := invoke.New(cfg, env.Must("REPLY_FUNCTION"))
	h := handler.NewNotify(env, handler.NewLogger(), store, callback.New(cfg), self, reply)
	if err := env.Err(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(h.Handle)
}
