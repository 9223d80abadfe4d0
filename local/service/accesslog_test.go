package service_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// speechless are the variables of an access log that cannot hold what somebody said,
// nor a token (API Gateway developer guide, "Variables for access logging").
var speechless = []string{
	"$context.requestId", "$context.requestTime", "$context.routeKey", "$context.eventType", "$context.status", "$context.connectionId",
	"$context.identity.sourceIp", "$context.error.message", "$context.integrationErrorMessage",
}

// TestAccessLog: the API's own logs, which AWS writes, have no way to hold text or
// tokens: the access log names harmless variables only, and the execution log, which
// can hold whole messages, is off.
func TestAccessLog(t *testing.T) {
	template, err := sam.Load("../../template.yaml", &sam.Options{Parameters: map[string]string{"Auth": "none", "AccessLogs": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources(t, template, "AWS::ApiGatewayV2::Stage") {
		var stage struct {
			AccessLogSettings struct{ Format string }
		}
		decode(t, r, &stage)
		variables := regexp.MustCompile(`\$[\w.]+`).FindAllString(stage.AccessLogSettings.Format, -1)
		if len(variables) == 0 {
			t.Errorf("%s has no access log", r.ID)
		}
		for _, v := range variables {
			if !slices.Contains(speechless, v) {
				t.Errorf("%s logs %s: if it can hold neither text nor a token, add it to speechless in accesslog_test.go", r.ID, v)
			}
		}
		for _, setting := range []string{"DataTraceEnabled", "LoggingLevel"} {
			if strings.Contains(string(r.Properties), setting) {
				t.Errorf("%s sets %s: the execution log holds whole messages", r.ID, setting)
			}
		}
	}
}

// TestEdgeShowsNoTokens: WAF keeps samples of requests, with the headers that tokens
// and secrets travel in replaced.
func TestEdgeShowsNoTokens(t *testing.T) {
	template, err := sam.Load("../../template-edge.yaml", &sam.Options{Parameters: map[string]string{"ApiHost": "a.b", "EdgeSecret": edgeSecret}})
	if err != nil {
		t.Fatal(err)
	}
	acl := resources(t, template, "AWS::WAFv2::WebACL")
	if len(acl) != 1 {
		t.Fatalf("%d web ACLs", len(acl))
	}
	var p struct {
		DataProtectionConfig struct {
			DataProtections []struct {
				Action string
				Field  struct {
					FieldType string
					FieldKeys []string
				}
			}
		}
	}
	decode(t, acl[0], &p)
	var hidden []string
	for _, d := range p.DataProtectionConfig.DataProtections {
		if d.Action == "SUBSTITUTION" && d.Field.FieldType == "SINGLE_HEADER" {
			hidden = append(hidden, d.Field.FieldKeys...)
		}
	}
	for _, header := range []string{"authorization", "sec-websocket-protocol", "x-api-key", "cookie"} {
		if !slices.Contains(hidden, header) {
			t.Errorf("WAF shows %s", header)
		}
	}
}
