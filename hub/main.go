// Command hub is Ingle's daemon and its commands. Serve and demo run a hub; every other command
// talks to the running one over the socket in its data folder, with the API that the app uses.
//
// This package wires the parts together and fixes the order in which they start and stop; what they
// do stands in the packages below.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/command"
	"github.com/ingle-home/ingle/i18n"
)

// The exit codes that scripts rely on.
const (
	exitFailed = 1
	exitUsage  = 2
	exitClosed = 3 // locked or unclaimed
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	text := i18n.For(i18n.Locale())
	root := &cobra.Command{
		Use:               "hub",
		Short:             text.Text("command.hub", nil),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(os.Stdout)
	usage := true // until a command has begun, errors are about how it was called
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		usage = c.ValidateRequiredFlags() != nil // cobra would find it out only after this
		return nil
	}
	root.AddCommand(serveCommand(text), demoCommand(text), simsCommand())
	root.AddCommand(command.All(text)...)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var p *wire.Problem
	switch {
	case errors.As(err, &p):
		fmt.Fprintln(os.Stderr, text.Advice(p.Code, p.Args))
		switch {
		case p.Code == wire.CodeLocked || p.Code == wire.CodeUnclaimed:
			return exitClosed
		case command.Misused(p):
			return exitUsage
		}
	case usage:
		fmt.Fprintln(os.Stderr, text.Text("command.usage", i18n.Args{"error": err.Error()}))
		return exitUsage
	default:
		fmt.Fprintln(os.Stderr, text.Text("command.failed", i18n.Args{"error": err.Error()}))
	}
	return exitFailed
}
