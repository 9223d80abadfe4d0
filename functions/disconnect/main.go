// Command disconnect serves $disconnect, and orders to end what a user may do or
// all there is of a user.
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
	sockets := callback.New(cfg)
	h := &handler.Disconnect{
		Store:   dynamo.New(dynamodb.NewFromConfig(cfg), env.Must("TABLE"), nil),
		Sockets: sockets,
		Poster:  sockets,
		Logger:  handler.NewLogger(),
	}
	if err := env.Err(); err != nil {
		log.Fatal(err)
	}
	lambda.Start(h.Handle)
}
