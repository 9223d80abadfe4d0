package signin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
)

// service is the name API Gateway's APIs have in a signature.
const service = "execute-api"

// signAWS signs a handshake in its headers. Only the host and AWS's own headers
// are signed: nothing on the way may change those.
func (s *SignIn) signAWS(ctx context.Context, r *http.Request) error {
	who, region, err := s.credentials(ctx, r.Host)
	if err != nil {
		return err
	}
	u := *r.URL
	bare := &http.Request{Method: r.Method, URL: &u, Host: r.Host, Header: http.Header{}}
	if err := v4.NewSigner().SignHTTP(ctx, who, bare, hashOfNothing(), service, region, time.Now()); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	for name, values := range bare.Header {
		r.Header[name] = values
	}
	return nil
}

// Presign is an address that lets in whoever has it, and until when: for so long,
// or as long as the credentials live.
func (s *SignIn) Presign(ctx context.Context, address string, within time.Duration) (signed string, until time.Time, err error) {
	r, err := http.NewRequest(http.MethodGet, "http"+strings.TrimPrefix(address, "ws"), nil)
	if err != nil {
		return "", until, err
	}
	who, region, err := s.credentials(ctx, r.Host)
	if err != nil {
		return "", until, err
	}
	q := r.URL.Query()
	q.Set("X-Amz-Expires", strconv.Itoa(int(within.Seconds())))
	r.URL.RawQuery = q.Encode()
	now := time.Now()
	signed, _, err = v4.NewSigner().PresignHTTP(ctx, who, r, hashOfNothing(), service, region, now)
	if err != nil {
		return "", until, fmt.Errorf("presign: %w", err)
	}
	if until = now.Add(within); who.CanExpire && who.Expires.Before(until) {
		until = who.Expires
	}
	return "ws" + strings.TrimPrefix(signed, "http"), until, nil
}

// credentials are who signs, and for which region.
func (s *SignIn) credentials(ctx context.Context, host string) (who aws.Credentials, region string, err error) {
	if err := s.begin(ctx); err != nil {
		return who, "", err
	}
	defer s.end()
	region = s.opt.Region
	if region == "" {
		region = regionOf(host)
	}
	if s.aws == nil { // read when first needed: it takes a while
		c, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(region))
		if err != nil {
			return who, "", fmt.Errorf("AWS settings: %w", err)
		}
		s.aws = &c
	}
	if region == "" {
		region = s.aws.Region
	}
	if region == "" {
		return who, "", fmt.Errorf("which region is %s in? say it with --region, or AWS_REGION", host)
	}
	who, err = s.aws.Credentials.Retrieve(ctx)
	if err != nil {
		return who, "", noCredentials(err)
	}
	return who, region, nil
}

// noCredentials says why AWS's chain has nobody to sign with.
func noCredentials(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	switch said := err.Error(); {
	case strings.Contains(said, "IMDS"): // the last one that was tried
		return errors.New("there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in with `aws sso login`")
	case strings.Contains(said, "SSO"), strings.Contains(said, "InvalidGrant"):
		return fmt.Errorf("the AWS session has expired; `aws sso login` begins a new one (%w)", innermost(err))
	}
	return fmt.Errorf("AWS credentials: %w", innermost(err))
}

func innermost(err error) error {
	for next := err; next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// regionOf is the region in API Gateway's own name of an API,
// ID.execute-api.REGION.amazonaws.com; "" if it is another name.
func regionOf(host string) string {
	u := url.URL{Host: host}
	_, rest, ok := strings.Cut(u.Hostname(), "."+service+".")
	region, domain, _ := strings.Cut(rest, ".")
	if !ok || !strings.Contains("."+domain, ".amazonaws.com") {
		return ""
	}
	return region
}

func hashOfNothing() string {
	sum := sha256.Sum256(nil)
	return hex.EncodeToString(sum[:])
}
