// Command hub is Ingle's daemon and its commands. Serve and demo run a hub; every other command
// talks to the running one over the socket in its data folder, with the API that the app uses.
//
// This package wires the parts together and fixes the order in which they start and stop; what they
// do stands in the packages below.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/backups"
	"github.com/ingle-home/ingle/hub/command"
	"github.com/ingle-home/ingle/hub/hap/setup"
	"github.com/ingle-home/ingle/i18n"
	"github.com/ingle-home/ingle/storage/ram"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	name := command.Name(os.Args[0])
	text := i18n.For(i18n.Locale()).With(i18n.Args{"hub": name})
	if !setup.TerminalOf(os.Getenv).UTF8 {
		text = text.Typed()
	}
	if err := ram.Seclude(); err != nil { // before there is any key or password
		fmt.Fprintln(os.Stderr, text.Text("command.failed", i18n.Args{"error": err.Error()}))
		return 1
	}
	program := &cobra.Command{
		Use: "hub", Short: text.Text("command.hub", nil),
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: name},
	}
	program.SetOut(os.Stdout)
	program.AddCommand(serveCommand(text), demoCommand(text), simsCommand(), backups.RestoreCommand(text))
	return command.Run(ctx, text, program)
}
