// Command disconnect serves $disconnect, and orders to end what a user may do.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

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
	h := &handler.Disconnect{
		Store:   dynamo.New(dynamodb.NewFromConfig(cfg), env.Must("TABLE"), nil),
		Sockets: callback.New(cfg),
		Logger:  handler.NewLogger(),
	}
	if err := env.Err(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(h.Handle)
}
