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
	"kaiwa/pkg/identity"
	"kaiwa/pkg/invoke"
)

func main() {
	env := handler.NewEnv(os.Getenv)
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	sockets, limits := callback.New(cfg), handler.NewLimits(env)
	h := &handler.SendMessage{
		Store: dynamo.New(dynamodb.NewFromConfig(cfg), env.Must("TABLE"),
			&dynamo.Options{Retention: env.Duration("RETENTION_DAYS", 0, 24*time.Hour), MaxPrompt: limits.MaxPrompt}),
		Poster:     sockets,
		Sockets:    sockets,
		Reply:      invoke.New(cfg, env.Must("REPLY_FUNCTION")),
		Notify:     invoke.New(cfg, env.Must("NOTIFY_FUNCTION")),
		Disconnect: invoke.New(cfg, env.Must("DISCONNECT_FUNCTION")),
		Auth:       env.Must("AUTH"),
		Topics:     env.List("TOPIC_PATTERN"),
		Limits:     limits,
		Logger:     handler.NewLogger(),
	}
	if h.Auth == "jwt" {
		h.Verifier = identity.New(env.Must("JWT_ISSUER"), env.Must("JWT_AUDIENCE"),
			&identity.Options{TopicClaim: env.String("TOPIC_CLAIM", "")})
	}
	if err := env.Err(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(h.Handle)
}
