package sam_test

import (
	"slices"
	"strings"
	"testing"

	"kaiwa/pkg/emu/sam"
)

// What AWS would do otherwise, or would not do at all, is said.
func TestGatewayNotes(t *testing.T) {
	for _, tt := range []struct{ old, now, want string }{
		{"", "", "t.yaml:9: Stage: has neither AutoDeploy nor DeploymentId: on AWS nothing would be deployed to it"},
		{"StageName: dev", "StageName: dev, AutoDeploy: true", ""},
		{"StageName: dev", "StageName: dev, DeploymentId: d", ""},
		{"ProtocolType: WEBSOCKET", "ProtocolType: WEBSOCKET, DisableExecuteApiEndpoint: true",
			"t.yaml:8: Api: DisableExecuteApiEndpoint cannot be run here: there are no custom domains"},
		{"IntegrationType: AWS_PROXY", "IntegrationType: AWS_PROXY, ContentHandlingStrategy: CONVERT_TO_BINARY",
			"t.yaml:10: I: ContentHandlingStrategy CONVERT_TO_BINARY cannot run here: bodies stay as they are"},
	} {
		tmpl, err := sam.Parse("t.yaml", []byte(strings.Replace(socket, tt.old, tt.now, 1)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.want == "" && len(tmpl.Ignored()) > 0 || tt.want != "" && !slices.Contains(tmpl.Ignored(), tt.want) {
			t.Errorf("%s: %q, want %q", tt.now, tmpl.Ignored(), tt.want)
		}
	}
}
