package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// With -data the tables outlast a run that is killed; no second run shares them,
// and a template that says otherwise is told apart.
func TestData(t *testing.T) {
	folder := t.TempDir()
	data := filepath.Join(folder, "data")
	template := func(key string) string {
		path := filepath.Join(folder, "template.yaml")
		table := "  Table:\n    Type: AWS::DynamoDB::Table\n    Properties:\n      BillingMode: PAY_PER_REQUEST\n" +
			"      AttributeDefinitions: [{AttributeName: " + key + ", AttributeType: S}]\n" +
			"      KeySchema: [{AttributeName: " + key + ", KeyType: HASH}]\n"
		if err := os.WriteFile(path, []byte(mock+table), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	args := []string{"-serve", "-addr", "127.0.0.1:0", "-data", data, "-template", template("pk")}

	r := serve(t, args...)
	if _, err := table(r).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("local-Table"), Item: item("a")}); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := ends(t, args...)
	stderr = afterBuilding(stderr)
	if code != 1 || !strings.HasPrefix(stderr, "local: tables in "+data+": another process (") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("the second run: exit %d, %q", code, stderr)
	}
	r.Process.Kill()
	<-r.rest
	r.Wait()

	r = serve(t, args...)
	out, err := table(r).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("local-Table"), Key: item("a")})
	if err != nil || len(out.Item) == 0 {
		t.Errorf("after a kill: %v, %v", out, err)
	}
	if code := r.signalled(t, os.Interrupt); code != 0 {
		t.Errorf("exit %d", code)
	}

	template("id")
	code, _, stderr = ends(t, args...)
	stderr = afterBuilding(stderr)
	want := "local: " + filepath.Join(folder, "template.yaml") + ":10: Table: table local-Table in " + data + " is not as the template says: it has the keys pk S, not id S: remove the folder to begin anew, or name another one\n"
	if code != 1 || stderr != want {
		t.Errorf("another schema: exit %d, %q, want %q", code, stderr, want)
	}
}

// afterBuilding leaves out the line that tells of building, if there is one.
func afterBuilding(stderr string) string {
	if first, rest, _ := strings.Cut(stderr, "\n"); strings.HasPrefix(first, "building ") {
		return rest
	}
	return stderr
}

// table is the DynamoDB of a run.
func table(r *running) *dynamodb.Client {
	here := "http://" + strings.TrimSuffix(strings.TrimPrefix(r.url, "ws://"), "/dev")
	return dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &here, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
}

func item(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: key}}
}
