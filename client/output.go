package main

import (
	"fmt"
	"os"
)

// output is standard output. Most of what is printed goes out piece by piece while
// a reply comes: the first write that failed, on a full disk say, is kept until the
// end of the program. (If nobody reads any more, SIGPIPE ends it.)
type output struct{ err error }

func (o *output) Write(p []byte) (int, error) {
	n, err := os.Stdout.Write(p)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("what was printed is not whole: %w", err)
	}
	return n, err
}
