// Command echo posts every message back to the connection it came from: the least
// a function can do that answers through PostToConnection.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	posts := apigatewaymanagementapi.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context, ev events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		_, err := posts.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{
			ConnectionId: &ev.RequestContext.ConnectionID, Data: []byte(ev.Body)})
		return events.APIGatewayProxyResponse{StatusCode: 200}, err
	})
}
