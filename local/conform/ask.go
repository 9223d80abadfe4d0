package conform

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	smithy "github.com/aws/smithy-go/transport/http"
)

const service = "execute-api"

// noCredentials is why a row cannot be asked.
const noCredentials = "it needs AWS credentials of the stack's account"

// endpoint is the address of the API open for everything but sockets.
func (s *Stack) endpoint() string {
	return "http" + strings.TrimPrefix(s.about.APIs["open"], "ws")
}

// sdk is the real management client; it tries once.
func (c *Check) sdk() *sdk.Client {
	if c.Credentials == nil {
		c.giveUp(noCredentials)
	}
	return sdk.New(sdk.Options{
		Region: c.about.Region, BaseEndpoint: aws.String(c.endpoint()),
		Credentials: c.Credentials, HTTPClient: c.http, Retryer: aws.NopRetryer{},
	})
}

// postTo posts to a connection of the API open.
func (c *Check) postTo(ctx context.Context, id, text string) error {
	client := c.sdk()
	if c.done() {
		return c.err
	}
	_, err := client.PostToConnection(ctx, &sdk.PostToConnectionInput{ConnectionId: &id, Data: []byte(text)})
	return err
}

// post posts to a socket and expects it to be taken.
func (c *Check) post(ctx context.Context, s *socket, text string) {
	id := s.id(ctx)
	if err := c.postTo(ctx, id, text); err != nil {
		c.fail("%w", err)
	}
}

// statusOf is the HTTP status behind an SDK's error; 0 if there is none.
func statusOf(err error) int {
	var answered *smithy.ResponseError
	if !errors.As(err, &answered) {
		return 0
	}
	return answered.HTTPStatusCode()
}

// call sends one request without the SDK; nil if that failed.
func (c *Check) call(ctx context.Context, method, address, text string, signed bool) *response {
	if c.done() {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader([]byte(text)))
	if err == nil && signed {
		err = c.sign(ctx, r, text)
	}
	if err != nil || c.done() {
		c.fail("%s %s: %w", method, address, err)
		return nil
	}
	got, err := c.http.Do(r)
	if err != nil {
		c.fail("%w", err)
		return nil
	}
	defer got.Body.Close()
	body, err := io.ReadAll(io.LimitReader(got.Body, 1<<20))
	if err != nil {
		c.fail("%s %s: %w", method, address, err)
		return nil
	}
	return &response{got.StatusCode, got.Header, string(body)}
}

// sign signs r, whose body is text, in its headers.
func (c *Check) sign(ctx context.Context, r *http.Request, text string) error {
	who, err := c.who(ctx)
	if err != nil || c.done() {
		return err
	}
	return v4.NewSigner().SignHTTP(ctx, who, r, hash(text), service, c.about.Region, time.Now())
}

// signUpgrade signs an upgrade in its headers.
func (c *Check) signUpgrade(ctx context.Context, r *http.Request) error {
	plain := unwebsocketed(r)
	err := c.sign(ctx, plain, "")
	maps.Copy(r.Header, plain.Header)
	return err
}

// presign puts the signature of a GET into its address.
func (c *Check) presign(ctx context.Context, r *http.Request) error {
	who, err := c.who(ctx)
	if err != nil || c.done() {
		return err
	}
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, who, unwebsocketed(r), hash(""), service, c.about.Region, time.Now())
	if err == nil {
		r.URL, err = r.URL.Parse(signed)
	}
	return err
}

// unwebsocketed leaves out the headers of the handshake: proxies change them on the
// way, so they must not be signed.
func unwebsocketed(r *http.Request) *http.Request {
	return &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: http.Header{}}
}

func (c *Check) who(ctx context.Context) (aws.Credentials, error) {
	if c.Credentials == nil {
		c.giveUp(noCredentials)
		return aws.Credentials{}, nil
	}
	who, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return who, fmt.Errorf("get AWS credentials: %w", err)
	}
	return who, nil
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
