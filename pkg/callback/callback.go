// Package callback posts to WebSocket connections, and closes them, through API
// Gateway's @connections API. It knows that one technology and nothing of what it posts.
package callback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"kaiwa/pkg/chat"
)

// Client posts through one API's stage.
type Client struct {
	api *apigatewaymanagementapi.Client
}

// New makes a Client. The endpoint is AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI,
// which the SDK reads itself and the template sets: it is never built from an
// event's domainName, which is wrong behind a custom domain (aws-facts §4). The
// SDK's retries are off: a caller that streams merges what gathers instead of
// waiting up to 4 s inside the SDK (publishing.md §4).
func New(cfg aws.Config) *Client {
	return &Client{api: apigatewaymanagementapi.NewFromConfig(cfg, func(o *apigatewaymanagementapi.Options) {
		o.Retryer = aws.NopRetryer{}
	})}
}

// Post sends one text message of at most 128 KB. Accepted does not mean
// delivered (aws-facts §4). Errors: chat.ErrGone when the connection is closed,
// unknown or not yet established; a chat.Error of kind RateLimited, TooLarge or
// Unavailable; anything else is a fault of the deployment (403: wrong endpoint
// or policy).
func (c *Client) Post(ctx context.Context, connection string, data []byte) error {
	_, err := c.api.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &connection, Data: data})
	return explain("post to connection", err)
}

// Connected reports when a connection was opened, chat.ErrGone if it is not.
func (c *Client) Connected(ctx context.Context, connection string) (time.Time, error) {
	out, err := c.api.GetConnection(ctx, &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &connection},
		func(o *apigatewaymanagementapi.Options) { o.Retryer = retry.NewStandard() })
	if err != nil {
		return time.Time{}, explain("get connection", err)
	}
	return aws.ToTime(out.ConnectedAt), nil
}

// HangUp closes a connection: its client sees 1000 (aws-facts §2), and $disconnect
// follows. One that is closed already is no error.
func (c *Client) HangUp(ctx context.Context, connection string) error {
	_, err := c.api.DeleteConnection(ctx, &apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: &connection},
		func(o *apigatewaymanagementapi.Options) { o.Retryer = retry.NewStandard() })
	if err = explain("delete connection", err); errors.Is(err, chat.ErrGone) {
		return nil
	}
	return err
}

// explain goes by the HTTP status: the error's type is lost where the
// X-Amzn-ErrorType header is (aws-facts §4).
func explain(op string, err error) error {
	if err == nil {
		return nil
	}
	var re *smithyhttp.ResponseError
	status := 0 // no answer: timeout, refused, reset. Some of them are a ResponseError all the same.
	if errors.As(err, &re) {
		status = re.HTTPStatusCode()
	}
	switch {
	case status == http.StatusGone:
		return fmt.Errorf("%s: %w", op, chat.ErrGone)
	case status == http.StatusRequestEntityTooLarge:
		return &chat.Error{Kind: chat.TooLarge, Message: "the message is over 128 KB", Err: fmt.Errorf("%s: %w", op, err)}
	case status == http.StatusTooManyRequests:
		return &chat.Error{Kind: chat.RateLimited, Message: "the gateway is busy; try again", Err: fmt.Errorf("%s: %w", op, err)}
	case status == 0 || status >= http.StatusInternalServerError:
		return &chat.Error{Kind: chat.Unavailable, Message: "the gateway could not be reached; try again", Err: fmt.Errorf("%s: %w", op, err)}
	}
	return fmt.Errorf("%s: %w", op, err)
}
