// Echo stores each connection in the table and posts back what it says. Five
// messages are special: "model …" has the worker ask the model, "tls" answers
// through the address in the event, as programs do that build it themselves,
// "pid" tells the process, "env …" a variable, and "slow" is not answered in time.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	invoke "github.com/aws/aws-sdk-go-v2/service/lambda"
	invoketypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

type echo struct {
	config aws.Config
	table  *dynamodb.Client
	invoke *invoke.Client
	posts  *apigatewaymanagementapi.Client
}

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	e := &echo{cfg, dynamodb.NewFromConfig(cfg), invoke.NewFromConfig(cfg), apigatewaymanagementapi.NewFromConfig(cfg)}
	lambda.Start(e.handle)
}

var ok = events.APIGatewayProxyResponse{StatusCode: 200}

func (e *echo) handle(ctx context.Context, event events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	at := event.RequestContext
	fmt.Println("handling", at.EventType)
	switch {
	case at.EventType == "CONNECT":
		return ok, e.remember(ctx, at.ConnectionID)
	case strings.HasPrefix(event.Body, "model "):
		payload := fmt.Sprintf(`{"connection":%q,"prompt":%q}`, at.ConnectionID, strings.TrimPrefix(event.Body, "model "))
		_, err := e.invoke.Invoke(ctx, &invoke.InvokeInput{
			FunctionName: aws.String(os.Getenv("WORKER")), InvocationType: invoketypes.InvocationTypeEvent, Payload: []byte(payload),
		})
		return ok, err
	case event.Body == "pid":
		return ok, post(ctx, e.posts, at.ConnectionID, fmt.Sprint("pid ", os.Getpid()))
	case strings.HasPrefix(event.Body, "env "):
		return ok, post(ctx, e.posts, at.ConnectionID, "is "+os.Getenv(strings.TrimPrefix(event.Body, "env ")))
	case event.Body == "slow":
		<-ctx.Done()
		return ok, ctx.Err()
	case event.Body == "tls":
		over := apigatewaymanagementapi.NewFromConfig(e.config, func(o *apigatewaymanagementapi.Options) {
			o.BaseEndpoint = aws.String("https://" + at.DomainName + "/" + at.Stage)
		})
		return ok, post(ctx, over, at.ConnectionID, "over tls")
	}
	return ok, post(ctx, e.posts, at.ConnectionID, os.Getenv("GREETING")+" "+event.Body)
}

func (e *echo) remember(ctx context.Context, connection string) error {
	_, err := e.table.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(os.Getenv("TABLE")),
		Item: map[string]types.AttributeValue{
			"pk":  &types.AttributeValueMemberS{Value: connection},
			"ttl": &types.AttributeValueMemberN{Value: fmt.Sprint(time.Now().Add(time.Hour).Unix())},
		},
	})
	return err
}

func post(ctx context.Context, c *apigatewaymanagementapi.Client, connection, text string) error {
	_, err := c.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &connection, Data: []byte(text)})
	return err
}
