package apigw

import (
	"time"
)

// event is what an AWS_PROXY function receives. Fields that do not apply are
// absent, never null (aws-facts §2).
type event struct {
	Headers                         map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders,omitempty"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters,omitempty"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters,omitempty"`
	StageVariables                  map[string]string   `json:"stageVariables,omitempty"`
	RequestContext                  requestContext      `json:"requestContext"`
	Body                            *string             `json:"body,omitempty"`
	IsBase64Encoded                 bool                `json:"isBase64Encoded"`
}

// authorizerEvent is what a REQUEST authorizer of a WebSocket API receives. Its
// maps are empty rather than absent, as in AWS's example.
type authorizerEvent struct {
	Type                            string              `json:"type"`
	MethodARN                       string              `json:"methodArn"`
	Headers                         map[string]string   `json:"headers"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`
	StageVariables                  map[string]string   `json:"stageVariables"`
	RequestContext                  requestContext      `json:"requestContext"`
}

type requestContext struct {
	RouteKey             string         `json:"routeKey"`
	Authorizer           map[string]any `json:"authorizer,omitempty"`
	MessageID            string         `json:"messageId,omitempty"`
	DisconnectStatusCode int            `json:"disconnectStatusCode,omitempty"`
	EventType            string         `json:"eventType"`
	ExtendedRequestID    string         `json:"extendedRequestId"`
	RequestTime          string         `json:"requestTime"`
	MessageDirection     string         `json:"messageDirection"`
	DisconnectReason     *string        `json:"disconnectReason,omitempty"`
	Stage                string         `json:"stage"`
	ConnectedAt          int64          `json:"connectedAt"`
	RequestTimeEpoch     int64          `json:"requestTimeEpoch"`
	Identity             identity       `json:"identity"`
	RequestID            string         `json:"requestId"`
	DomainName           string         `json:"domainName"`
	ConnectionID         string         `json:"connectionId"`
	APIID                string         `json:"apiId"`
}

// identity is requestContext.identity: address and agent, and the fields that
// only API keys and AWS_IAM fill.
type identity struct {
	UserAgent string `json:"userAgent,omitempty"`
	SourceIP  string `json:"sourceIp"`

	APIKey   string `json:"apiKey,omitempty"`
	APIKeyID string `json:"apiKeyId,omitempty"`

	AccountID                     string `json:"accountId,omitempty"`
	Caller                        string `json:"caller,omitempty"`
	User                          string `json:"user,omitempty"`
	UserARN                       string `json:"userArn,omitempty"`
	CognitoIdentityID             string `json:"cognitoIdentityId,omitempty"`
	CognitoIdentityPoolID         string `json:"cognitoIdentityPoolId,omitempty"`
	CognitoAuthenticationType     string `json:"cognitoAuthenticationType,omitempty"`
	CognitoAuthenticationProvider string `json:"cognitoAuthenticationProvider,omitempty"`
}

// session is what stays the same from $connect to $disconnect.
type session struct {
	id          string
	tail        idTail
	connectedAt time.Time
	identity    identity
	authorizer  map[string]any
}

// requestContext fills what every event of s has; at is the request's time.
func (g *Gateway) requestContext(s *session, eventType, routeKey string, at time.Time) requestContext {
	id := g.ids.next(at, newTail(requestKind))
	return requestContext{
		RouteKey:          routeKey,
		Authorizer:        s.authorizer,
		EventType:         eventType,
		ExtendedRequestID: id,
		RequestTime:       at.UTC().Format("02/Jan/2006:15:04:05 -0700"),
		MessageDirection:  "IN",
		Stage:             g.api.Stage.Name,
		ConnectedAt:       s.connectedAt.UnixMilli(),
		RequestTimeEpoch:  at.UnixMilli(),
		Identity:          s.identity,
		RequestID:         id,
		DomainName:        g.opt.DomainName,
		ConnectionID:      s.id,
		APIID:             g.api.ID,
	}
}

func (g *Gateway) messageEvent(s *session, routeKey, body string) event {
	now := g.opt.Now()
	rc := g.requestContext(s, "MESSAGE", routeKey, now)
	rc.MessageID = g.ids.next(now, s.tail)
	return event{StageVariables: g.api.Stage.Variables, RequestContext: rc, Body: &body}
}

func (g *Gateway) disconnectEvent(s *session, code int, reason string) event {
	rc := g.requestContext(s, "DISCONNECT", disconnectRoute, g.opt.Now())
	rc.DisconnectStatusCode, rc.DisconnectReason = code, &reason
	e := event{StageVariables: g.api.Stage.Variables, RequestContext: rc}
	e.Headers = map[string]string{
		"Host": g.opt.DomainName, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": "",
	}
	e.MultiValueHeaders = map[string][]string{}
	for name, value := range e.Headers {
		e.MultiValueHeaders[name] = []string{value}
	}
	return e
}

// scope lets templates see e.
func (g *Gateway) scope(e *event) *scope {
	s := &scope{context: &e.RequestContext, stageVariables: e.StageVariables}
	if e.Body != nil {
		s.body = *e.Body
	}
	return s
}
