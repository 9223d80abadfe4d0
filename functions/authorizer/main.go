// Command authorizer is the Lambda REQUEST authorizer of $connect for Auth=jwt.
package main

import (
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"kaiwa/pkg/handler"
	"kaiwa/pkg/identity"
)

func main() {
	env := handler.NewEnv(os.Getenv)
	verifier := identity.New(env.Must("JWT_ISSUER"), env.Must("JWT_AUDIENCE"),
		&identity.Options{TopicClaim: env.String("TOPIC_CLAIM", "")})
	if err := env.Err(); err != nil {
		log.Fatal(err)
	}
	h := &handler.Authorize{Verifier: verifier, Logger: handler.NewLogger()}
	lambda.Start(h.Handle)
}
