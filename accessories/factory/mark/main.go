// Command mark prints the table's line for each "name password" that it reads from its input.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/ingle-home/ingle/accessories/factory"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		user, password, _ := strings.Cut(lines.Text(), " ")
		fmt.Println(factory.Mark(user, password))
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
