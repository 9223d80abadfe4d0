package stack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/emu/sam"
)

// A table that is being created is looked at this often.
const tablePoll = 200 * time.Millisecond

// dynamo is just enough of a DynamoDB client to create tables anywhere.
type dynamo struct {
	endpoint, region string
	credentials      aws.Credentials
	client           *http.Client
}

// openTables makes the embedded DynamoDB, unless another one is used.
func (s *Stack) openTables() (err error) {
	switch {
	case s.opt.DynamoDB != "":
	case s.opt.Data != "":
		s.table, err = ddb.Open(s.opt.Data, s.tableOptions())
	default:
		s.table = ddb.New(s.tableOptions())
	}
	return err
}

// createTables makes the template's tables in the embedded DynamoDB or the other
// one. Those that are there already must be as the template says; place tells where
// that is.
func (s *Stack) createTables(ctx context.Context, tables []sam.Table, place func(table string) sam.Place) error {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	defer transport.CloseIdleConnections()
	d := &dynamo{
		endpoint: s.opt.DynamoDB, region: s.opt.Region,
		credentials: aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"},
		client:      &http.Client{Transport: transport, Timeout: 30 * time.Second},
	}
	if d.endpoint == "" {
		d.endpoint = "http://" + s.addr
	}
	if isAWS(d.endpoint) {
		d.credentials = s.userCredentials()
		if !d.credentials.HasKeys() {
			return errors.New("create tables: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
		}
	}
	for _, t := range tables {
		err := d.create(ctx, t)
		var other *otherSchema
		switch {
		case errors.As(err, &other) && s.opt.Data != "":
			return fmt.Errorf("%s: table %s in %s %w: remove the folder to begin anew, or name another one", place(t.Name), t.Name, s.opt.Data, err)
		case err != nil:
			return fmt.Errorf("%s: create table %s at %s: %w", place(t.Name), t.Name, d.endpoint, err)
		}
	}
	return nil
}

func (s *Stack) userCredentials() (c aws.Credentials) {
	for _, setting := range s.opt.Environ {
		switch name, value, _ := strings.Cut(setting, "="); name {
		case "AWS_ACCESS_KEY_ID":
			c.AccessKeyID = value
		case "AWS_SECRET_ACCESS_KEY":
			c.SecretAccessKey = value
		case "AWS_SESSION_TOKEN":
			c.SessionToken = value
		}
	}
	return c
}

func (d *dynamo) create(ctx context.Context, t sam.Table) error {
	var refused *refusal
	_, err := d.call(ctx, "CreateTable", t.Create)
	if errors.As(err, &refused) && refused.kind() == "ResourceInUseException" {
		err = nil
	}
	if err != nil {
		return err
	}
	stored, err := d.awaitActive(ctx, t.Name)
	if err != nil {
		return err
	}
	var wanted schema
	if err := json.Unmarshal(t.Create, &wanted); err != nil {
		return fmt.Errorf("read the template's table: %w", err)
	}
	if has := stored.differs(wanted); has != "" {
		return &otherSchema{has}
	}
	if t.TTLAttribute == "" {
		return nil
	}
	return d.expire(ctx, t)
}

// expire sets the attribute of a table's time to live.
func (d *dynamo) expire(ctx context.Context, t sam.Table) error {
	var refused *refusal
	ttl, err := json.Marshal(map[string]any{
		"TableName":               t.Name,
		"TimeToLiveSpecification": map[string]any{"AttributeName": t.TTLAttribute, "Enabled": true},
	})
	if err != nil {
		return err
	}
	_, err = d.call(ctx, "UpdateTimeToLive", ttl)
	if errors.As(err, &refused) && refused.kind() == "ValidationException" && strings.Contains(refused.Message, "already enabled") {
		return d.checkTTL(ctx, t)
	}
	return err
}

func (d *dynamo) checkTTL(ctx context.Context, t sam.Table) error {
	var described struct {
		TimeToLiveDescription struct{ AttributeName string }
	}
	if err := d.describe(ctx, "DescribeTimeToLive", t.Name, &described); err != nil {
		return err
	}
	if has := described.TimeToLiveDescription.AttributeName; has != t.TTLAttribute {
		return &otherSchema{fmt.Sprintf("the time to live in %s, not in %s", has, t.TTLAttribute)}
	}
	return nil
}

// describe asks something about a table.
func (d *dynamo) describe(ctx context.Context, operation, table string, into any) error {
	name, err := json.Marshal(map[string]string{"TableName": table})
	if err != nil {
		return err
	}
	out, err := d.call(ctx, operation, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return nil
}

// awaitActive waits until a table can be used, and tells what it is.
func (d *dynamo) awaitActive(ctx context.Context, table string) (schema, error) {
	poll := time.NewTicker(tablePoll)
	defer poll.Stop()
	for {
		var described struct {
			Table struct {
				TableStatus string
				schema
			}
		}
		if err := d.describe(ctx, "DescribeTable", table, &described); err != nil {
			return schema{}, err
		}
		if described.Table.TableStatus == "ACTIVE" {
			return described.Table.schema, nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return schema{}, context.Cause(ctx)
		}
	}
}

// refusal is DynamoDB's answer when it refuses.
type refusal struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (r *refusal) Error() string { return r.kind() + ": " + r.Message }

// kind is the exception's name without the name space that DynamoDB puts before.
func (r *refusal) kind() string { return r.Type[strings.LastIndex(r.Type, "#")+1:] }

// call carries out one operation of the AWS JSON 1.0 protocol.
func (d *dynamo) call(ctx context.Context, operation string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, d.credentials, r, hex.EncodeToString(sum[:]), "dynamodb", d.region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	res, err := d.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	out, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	if res.StatusCode == http.StatusOK {
		return out, nil
	}
	var refused refusal
	if json.Unmarshal(out, &refused) != nil || refused.Type == "" {
		return nil, fmt.Errorf("%s: answered %s", operation, res.Status)
	}
	return nil, &refused
}
