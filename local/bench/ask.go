package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/coder/websocket"

	"kaiwa/pkg/emu/converse"
	"kaiwa/pkg/frame"
	"kaiwa/pkg/wire"
)

// firstToken is how long the demo model takes to its first token.
const firstToken = 100 * time.Millisecond

// replyLimit bounds one reply: posting per token is slow, but not for ever.
const replyLimit = 5 * time.Minute

func prompt(tag string, o Options) string {
	return converse.Knobs{Tokens: o.Tokens, Every: o.Every, First: firstToken, Seed: 1, Lang: "en", Tag: tag}.String()
}

// modelTimes is what the stack knows of the model's own pace.
type modelTimes interface {
	TokenTimes() map[string]converse.TokenTimes
}

func modelOf(s Stack, tag string) (converse.TokenTimes, error) {
	m, ok := s.(modelTimes)
	if !ok {
		return converse.TokenTimes{}, errors.New("bench needs the built-in model")
	}
	t, ok := m.TokenTimes()[tag]
	if !ok {
		return t, fmt.Errorf("the model has not seen the prompt %s", tag)
	}
	return t, nil
}

// reading is what a client saw of one reply.
type reading struct {
	first, end  time.Time
	posts       int
	bytes, text int // of deltas and end
	join        frame.Join
}

// read takes frames until the reply has ended.
func read(ctx context.Context, ws *websocket.Conn) (*reading, error) {
	r := &reading{}
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			return r, fmt.Errorf("read reply: %w", err)
		}
		f, err := wire.DecodeFrame(data)
		if err != nil {
			return r, err
		}
		switch f := f.(type) {
		case wire.Delta:
			if r.posts == 0 {
				r.first = time.Now()
			}
			r.count(data, f.Text)
			r.join.Delta(f.Offset, f.Text)
		case wire.End:
			r.end = time.Now()
			r.count(data, "")
			if !r.join.End(f.Length, f.Saved) || f.Stop != wire.StopEndTurn {
				return r, fmt.Errorf("the reply ended %s with %d of %d characters", f.Stop, r.join.Held(), f.Length)
			}
			return r, nil
		case wire.Error:
			return r, f
		case wire.Gateway:
			return r, errors.New(f.Message)
		}
	}
}

func (r *reading) count(data []byte, text string) {
	r.posts++
	r.bytes += len(data)
	r.text += wire.EncodedLen(text)
}

// sample sets what the client saw beside what the model did.
func (r *reading) sample(s Stack, tag string, sent time.Time, o Options) (sample, error) {
	m, err := modelOf(s, tag)
	if err != nil {
		return sample{}, err
	}
	k, err := converse.ParseKnobs(prompt(tag, o))
	if err != nil {
		return sample{}, err
	}
	if r.join.Text() != converse.Text(k) {
		return sample{}, errors.New("the text that arrived is not what the model said")
	}
	return sample{prompt: r.first.Sub(sent) - firstToken, first: r.first.Sub(m.First), stream: r.end.Sub(r.first), model: m.Last.Sub(m.First),
		posts: float64(r.posts), over: float64(r.bytes-r.text) / float64(r.posts)}, nil
}

// dial connects as a user of its own, as most replies are somebody else's.
func dial(ctx context.Context, s Stack, user string) (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(ctx, s.URL()+"?user="+user, &websocket.DialOptions{Subprotocols: []string{wire.SubprotocolJSON}})
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	ws.SetReadLimit(2 * wire.MaxMessage)
	return ws, nil
}

// askKaiwa sends a prompt to the service.
func askKaiwa(ctx context.Context, s Stack, tag string, o Options) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, replyLimit)
	defer cancel()
	ws, err := dial(ctx, s, tag)
	if err != nil {
		return sample{}, err
	}
	defer ws.Close(websocket.StatusNormalClosure, "")
	sent := time.Now()
	if err := ws.Write(ctx, websocket.MessageText, wire.EncodeRequest(wire.SendMessage{ID: tag, Text: prompt(tag, o)})); err != nil {
		return sample{}, err
	}
	r, err := read(ctx, ws)
	if err != nil {
		return sample{}, err
	}
	return r.sample(s, tag, sent, o)
}

// askPerToken does what most public samples do: it posts every token as a message
// of its own, one after the other, with the SDK's own retries.
func askPerToken(ctx context.Context, s Stack, tag string, o Options) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, replyLimit)
	defer cancel()
	ws, err := dial(ctx, s, tag)
	if err != nil {
		return sample{}, err
	}
	defer ws.Close(websocket.StatusNormalClosure, "")
	id, err := connectionID(ctx, ws)
	if err != nil {
		return sample{}, err
	}
	sent := time.Now()
	posted := make(chan error, 1)
	go func() { posted <- postTokens(ctx, s, id, tag, o) }()
	r, err := read(ctx, ws)
	if err != nil {
		cancel()
		return sample{}, errors.Join(err, <-posted)
	}
	if err := <-posted; err != nil {
		return sample{}, err
	}
	return r.sample(s, tag, sent, o)
}

func connectionID(ctx context.Context, ws *websocket.Conn) (string, error) {
	if err := ws.Write(ctx, websocket.MessageText, wire.EncodeRequest(wire.Ping{})); err != nil {
		return "", err
	}
	_, data, err := ws.Read(ctx)
	if err != nil {
		return "", err
	}
	f, err := wire.DecodeFrame(data)
	pong, ok := f.(wire.Pong)
	if err != nil || !ok {
		return "", fmt.Errorf("ping was answered with %q", data)
	}
	return pong.Connection, nil
}

func postTokens(ctx context.Context, s Stack, connection, tag string, o Options) error {
	url := strings.Replace(s.URL(), "ws:", "http:", 1)
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
	posts := apigatewaymanagementapi.NewFromConfig(cfg, func(c *apigatewaymanagementapi.Options) { c.BaseEndpoint = &url })
	root := url[:strings.LastIndex(url, "/")]
	model := bedrockruntime.NewFromConfig(cfg, func(c *bedrockruntime.Options) { c.BaseEndpoint = &root })
	out, err := model.ConverseStream(ctx, &bedrockruntime.ConverseStreamInput{ModelId: aws.String("demo"),
		InferenceConfig: &types.InferenceConfiguration{MaxTokens: aws.Int32(int32(o.Tokens))},
		Messages: []types.Message{{Role: types.ConversationRoleUser,
			Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: prompt(tag, o)}}}}})
	if err != nil {
		return err
	}
	stream := out.GetStream()
	defer stream.Close()
	offset, stop := 0, ""
	post := func(f wire.Frame) error {
		_, err := posts.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &connection, Data: wire.EncodeFrame(f)})
		return err
	}
	for ev := range stream.Events() {
		switch ev := ev.(type) {
		case *types.ConverseStreamOutputMemberContentBlockDelta:
			d, ok := ev.Value.Delta.(*types.ContentBlockDeltaMemberText)
			if !ok {
				continue
			}
			if err := post(wire.Delta{Offset: offset, Text: d.Value}); err != nil {
				return fmt.Errorf("post token: %w", err)
			}
			offset += len([]rune(d.Value))
		case *types.ConverseStreamOutputMemberMessageStop:
			stop = string(ev.Value.StopReason)
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	return post(wire.End{Length: offset, Saved: true, Stop: stop})
}
