// Command demo prints the demo model's whole text, so that a script can compare
// what arrived with what was said.
package main

import (
	"fmt"
	"os"
	"strings"

	"kaiwa/pkg/emu/converse"
)

func main() {
	k, err := converse.ParseKnobs(strings.Join(os.Args[1:], " "))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Print(converse.Text(k))
}
