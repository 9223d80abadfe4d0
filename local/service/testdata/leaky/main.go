// Leaky logs every event it gets: what no function of kaiwa may do. It shows that
// the search for canaries finds them.
package main

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(event json.RawMessage) (map[string]int, error) {
		fmt.Printf("got %s\n", event)
		return map[string]int{"statusCode": 200}, nil
	})
}
