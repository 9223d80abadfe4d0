// Package bedrock asks a model through Amazon Bedrock's ConverseStream.
package bedrock

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"kaiwa/pkg/chat"
)

// Options say what is sent with every prompt.
type Options struct {
	// ModelID is a model id, an inference profile id or either's ARN. Required.
	ModelID string
	// System is the system prompt; none when empty.
	System string
	// MaxTokens is always sent: unset, Bedrock reserves the model's maximum from
	// the quota (aws-facts §8). Default 2,048.
	MaxTokens int
	// GuardrailID and GuardrailVersion switch a guardrail on when both are set.
	GuardrailID, GuardrailVersion string
	// CachePoints marks the end of the system prompt and of the history as prompt
	// cache points. Models that cannot cache refuse them, so it is off by default.
	CachePoints bool
}

// Model is one model behind Bedrock.
type Model struct {
	api *bedrockruntime.Client
	opt Options
}

// New makes a Model.
func New(cfg aws.Config, o Options) *Model {
	if o.MaxTokens == 0 {
		o.MaxTokens = 2048
	}
	return &Model{opt: o, api: bedrockruntime.NewFromConfig(cfg, func(b *bedrockruntime.Options) {
		b.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
			s.MaxAttempts = 4
			// The Go SDK gives these one attempt, though the service asks for more
			// (aws-facts §8).
			s.Retryables = append(s.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{
				"ModelNotReadyException": {}, "ModelTimeoutException": {}}})
		})
	})}
}

// Converse asks the model and calls each for every chunk that concerns text. The
// SDK retries with jitter until the stream begins, never after. It returns nil
// when the stream has ended, also one that was cut: only a chunk with Stop says
// that the answer is complete (aws-facts §8). Other errors are a chat.Error, or
// ctx's own.
func (m *Model) Converse(ctx context.Context, p chat.Prompt, each func(chat.Chunk)) error {
	out, err := m.api.ConverseStream(ctx, m.input(p))
	if err != nil {
		return explain(ctx, withhold(err, p, ""))
	}
	stream := out.GetStream()
	defer stream.Close() // Bedrock stops generating when the connection closes
	var said strings.Builder
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case ev, ok := <-stream.Events():
			if !ok {
				if err := stream.Err(); err != nil {
					return explain(ctx, withhold(err, p, said.String()))
				}
				return ctx.Err()
			}
			if c, ok := chunk(ev); ok {
				said.WriteString(c.Text)
				each(c)
			}
		}
	}
}

func (m *Model) input(p chat.Prompt) *bedrockruntime.ConverseStreamInput {
	in := &bedrockruntime.ConverseStreamInput{
		ModelId:         &m.opt.ModelID,
		InferenceConfig: &types.InferenceConfiguration{MaxTokens: aws.Int32(int32(m.opt.MaxTokens))},
	}
	if m.opt.System != "" {
		in.System = append(in.System, &types.SystemContentBlockMemberText{Value: m.opt.System})
		if m.opt.CachePoints {
			in.System = append(in.System, &types.SystemContentBlockMemberCachePoint{Value: cachePoint()})
		}
	}
	if m.opt.GuardrailID != "" && m.opt.GuardrailVersion != "" {
		in.GuardrailConfig = &types.GuardrailStreamConfiguration{
			GuardrailIdentifier: &m.opt.GuardrailID, GuardrailVersion: &m.opt.GuardrailVersion}
	}
	for i, msg := range p.Messages {
		b := types.Message{Role: types.ConversationRole(msg.Role),
			Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: msg.Text}}}
		if m.opt.CachePoints && i == len(p.Messages)-1 && i > 0 {
			b.Content = append(b.Content, &types.ContentBlockMemberCachePoint{Value: cachePoint()})
		}
		in.Messages = append(in.Messages, b)
	}
	return in
}

func cachePoint() types.CachePointBlock {
	return types.CachePointBlock{Type: types.CachePointTypeDefault}
}

// chunk reads what concerns text; other kinds of content are passed over.
func chunk(ev types.ConverseStreamOutput) (chat.Chunk, bool) {
	switch ev := ev.(type) {
	case *types.ConverseStreamOutputMemberContentBlockDelta:
		if d, ok := ev.Value.Delta.(*types.ContentBlockDeltaMemberText); ok && d.Value != "" {
			return chat.Chunk{Text: d.Value}, true
		}
	case *types.ConverseStreamOutputMemberMessageStop:
		return chat.Chunk{Stop: string(ev.Value.StopReason)}, true
	case *types.ConverseStreamOutputMemberMetadata:
		if u := ev.Value.Usage; u != nil {
			return chat.Chunk{Usage: &chat.Usage{Input: int(aws.ToInt32(u.InputTokens)), Output: int(aws.ToInt32(u.OutputTokens)),
				CacheRead: int(aws.ToInt32(u.CacheReadInputTokens)), CacheWrite: int(aws.ToInt32(u.CacheWriteInputTokens))}}, true
		}
	}
	return chat.Chunk{}, false
}

// explain turns Bedrock's errors into what a client can act on.
func explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &chat.Error{Kind: chat.ModelError, Message: "the model failed; try again", Again: true, Err: err}
	switch status := statusOf(err); {
	case is[*types.ThrottlingException](err), is[*types.ModelNotReadyException](err), is[*types.ServiceQuotaExceededException](err):
		e.Kind, e.Message = chat.ModelThrottled, "the model is busy; try again in a moment"
	case is[*types.ModelTimeoutException](err):
		e.Kind, e.Message = chat.Unavailable, "the model took too long; try again"
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound:
		e.Message, e.Again = "this deployment may not use its model; tell its operator", false
	case is[*types.ValidationException](err):
		e.Message, e.Again = "the model refused the prompt; make it shorter or start a new conversation", false
	case is[*types.ModelStreamErrorException](err):
	case status == 0, status >= http.StatusInternalServerError:
		e.Kind, e.Message = chat.Unavailable, "the model is not available at the moment; try again"
	}
	return e
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// statusOf is the HTTP status that refused a call; 0 for an exception inside a
// stream, and where there was no answer at all.
func statusOf(err error) int {
	if re, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return re.HTTPStatusCode()
	}
	return 0
}
