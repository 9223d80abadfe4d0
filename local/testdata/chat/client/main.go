// Client stands in for a chat client: it tells what it was given and obeys lines.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	go func() {
		for range interrupts {
			fmt.Println("client interrupted")
		}
	}()
	fmt.Println("client of", os.Args[1:])
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "leave":
			os.Exit(0)
		case "fail":
			os.Exit(3)
		}
		fmt.Println("client heard", lines.Text())
	}
}
