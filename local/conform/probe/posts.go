package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http"
)

// Posts is a Poster through the SDK. A refusal is told as "410 GoneException", and
// nothing is tried twice: what API Gateway says is what is asked for.
type Posts struct {
	Client *apigatewaymanagementapi.Client
	// APIs are the socket addresses by stage.
	APIs map[string]string
}

// Post implements Poster.
func (p *Posts) Post(ctx context.Context, stage, connection string, data []byte) error {
	address, ok := p.APIs[stage]
	if !ok {
		return fmt.Errorf("no API has the stage %s", stage)
	}
	_, err := p.Client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &connection, Data: data},
		func(o *apigatewaymanagementapi.Options) {
			o.BaseEndpoint = aws.String("http" + strings.TrimPrefix(address, "ws"))
			o.Retryer = aws.NopRetryer{}
		})
	var answered *http.ResponseError
	var typed smithy.APIError
	if errors.As(err, &answered) && errors.As(err, &typed) {
		return fmt.Errorf("%d %s", answered.HTTPStatusCode(), typed.ErrorCode())
	}
	return err
}
