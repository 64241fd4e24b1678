// Package stage lets a person direct a simulator that runs as a command of its own: each line of its
// input makes something happen, an event and its arguments as in a URL's query ("password to=other").
package stage

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// Actor is a simulator.
type Actor interface {
	Events() []string // that Do understands
	Do(ctx context.Context, event string, args url.Values) error
}

// Direct passes lines on until ctx ends, also when there are no more of them. "help" lists the events on
// says, where errors go too; done is called after each event that happened, nil = nobody wants to know.
// What reads the lines ends with the process: a read of a terminal cannot be broken off.
func Direct(ctx context.Context, lines io.Reader, a Actor, says io.Writer, done func()) {
	next := make(chan string)
	go read(ctx, lines, next)
	for {
		select {
		case <-ctx.Done():
			return
		case line := <-next:
			happened, err := act(ctx, a, line, says)
			if err != nil {
				fmt.Fprintln(says, err)
			}
			if happened && done != nil {
				done()
			}
		}
	}
}

// act makes happen what a line says.
func act(ctx context.Context, a Actor, line string, says io.Writer) (happened bool, err error) {
	event, query, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch event {
	case "":
		return false, nil
	case "help":
		fmt.Fprintln(says, strings.Join(a.Events(), ", "))
		return false, nil
	}
	args, err := url.ParseQuery(query)
	if err != nil {
		return false, err
	}
	err = a.Do(ctx, event, args)
	return err == nil, err
}

func read(ctx context.Context, r io.Reader, lines chan<- string) {
	for in := bufio.NewScanner(r); in.Scan(); {
		select {
		case lines <- in.Text():
		case <-ctx.Done():
			return
		}
	}
}
