// Package command holds the commands that talk to a running hub: over the socket in its data folder,
// with the API that the app uses. Each prints what a person reads, or JSON with --json; what goes
// wrong is an error whose code has a text in every language.
package command

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/command/typed"
	"github.com/ingle-home/ingle/i18n"
)

// patience is how long a command waits for the hub; adding a thing takes up to 15 s.
const patience = 30 * time.Second

// All gives the commands.
func All(text *i18n.Texts) []*cobra.Command {
	r := &room{text: text}
	list := []*cobra.Command{
		r.setup(), r.unlock(), r.status(), r.add(), r.change(), r.list(), r.remove(), r.do(), r.watch(), r.people(), r.zones(), r.ledger(), r.security(),
		r.homekit(), r.find(), r.secure(), r.camera(), r.password(), r.recoveryCode(), r.boot(), r.privacy(), r.backup(), r.export(), r.clips(), r.claimCode(), r.pairApp(),
		r.apps(), r.label(), r.tokens(), r.page(), r.language(), r.version(),
	}
	for _, c := range list {
		c.PersistentFlags().StringVar(&r.dir, "data", client.DefaultDir(), text.Text("flag.data", nil))
		c.PersistentFlags().BoolVar(&r.json, "json", false, text.Text("flag.json", nil))
	}
	return list
}

// room is what the commands share.
type room struct {
	text *i18n.Texts
	dir  string
	json bool
}

// call is one run of a command against the hub.
type call struct {
	text *i18n.Texts
	json bool
	ctx  context.Context
	hub  *client.Client
	in   io.Reader
	out  io.Writer
	ask  io.Writer // where a person is asked: what is printed may go to a file
}

// command makes a command from its usage line; its short text has the key "command.<name>".
func (r *room) command(use string, args cobra.PositionalArgs, run func(c *call, args []string) error) *cobra.Command {
	name, _, _ := strings.Cut(use, " ")
	if name == "do" {
		name = "act" // "command.do" would be read as the next step of "command"
	}
	return &cobra.Command{
		Use: use, Short: r.text.Text("command."+name, nil), Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			hub := client.Dial(client.Socket(r.dir))
			defer hub.Close()
			c := &call{text: At(r.text, r.dir), json: r.json, ctx: cmd.Context(), hub: hub, in: cmd.InOrStdin(), out: cmd.OutOrStdout(), ask: cmd.ErrOrStderr()}
			return run(c, args)
		},
	}
}

// brief bounds a call that is not a stream.
func (c *call) brief() (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.ctx, patience)
}

func (c *call) printJSON(v any) error { return json.NewEncoder(c.out).Encode(v) }

// say prints a text with its places filled: names and values in turn.
func (c *call) say(key string, pairs ...string) error {
	args := i18n.Args{}
	for i := 0; i+1 < len(pairs); i += 2 {
		args[pairs[i]] = pairs[i+1]
	}
	_, err := io.WriteString(c.out, c.text.Text(key, args)+"\n")
	return err
}

// secret reads from standard input what is piped in, or asks in a terminal for what keys name.
func (c *call) secret(keys ...string) (string, error) {
	var questions []string
	for _, key := range keys {
		questions = append(questions, c.text.Text(key, nil))
	}
	answer, err := typed.Read(c.ctx, c.in, c.ask, questions...)
	if err != nil {
		return "", wire.Refuse(0, "command.stdin", "error", err.Error())
	}
	return answer, nil
}

// chosen is secret for a new password, the last of keys: one that is typed does not show, so it is
// asked for twice.
func (c *call) chosen(keys ...string) (string, error) {
	if !typed.Terminal(c.in) {
		return c.secret(keys...)
	}
	all, err := c.secret(append(keys, "ask.again")...)
	if err != nil {
		return "", err
	}
	lines := strings.Split(all, "\n")
	last := len(lines) - 1
	if lines[last] != lines[last-1] {
		return "", wire.Refuse(0, codeUnlike)
	}
	return strings.Join(lines[:last], "\n"), nil
}

// The codes of commands that were called wrongly.
const (
	codeSecret = "command.secret"

	codeTwoLines = "command.two-lines"
	codeEvery    = "command.every"
	codeUnlike   = "command.unlike"
	codeTrait    = "command.trait"
	codeValue    = "command.value"
	codeRole     = "command.role"
	codeWhich    = "command.which"
	codeYes      = "command.yes"
	codeClips    = "remove.clips"
	codeFor      = "command.for"
	codeOnOff    = "command.on-off"
	codeSince    = "command.since"
)

// misused reports whether a refusal is about how a command was called, not about what the hub did.
func misused(p *wire.Problem) bool {
	return slices.Contains([]string{codeSecret, codeTrait, codeValue, codeRole, codeWhich, codeYes, codeClips, codeFor, codeOnOff, codeSince, codeTwoLines, codeUnlike, codeEvery, codeTime, wire.CodeScope}, p.Code)
}

// group is a command that only holds others.
func (r *room) group(name string, list ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: name, Short: r.text.Text("command."+name, nil),
		Args: cobra.NoArgs, // an unknown one is wrong usage, not a wish for help
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(list...)
	return c
}

// mustRead refuses a command that has nobody to ask for a password and was not told to read one:
// they come from standard input, never from an argument that others on the machine could read.
func (c *call) mustRead(given bool, flag string) error {
	if !given && !typed.Terminal(c.in) {
		return wire.Refuse(0, codeSecret, "flag", flag)
	}
	return nil
}
