package command

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
)

func (r *room) password() *cobra.Command {
	both := func(c *call) (string, error) { return c.chosen("ask.present-password", "ask.new-password") }
	change := r.withTyped("change", cobra.NoArgs, both, func(c *call, typed string, _ []string) error {
		present, next, two := strings.Cut(typed, "\n")
		if !two {
			return wire.Refuse(0, codeTwoLines)
		}
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.ChangePassword(ctx, strings.TrimRight(present, "\r"), next); err != nil {
			return err
		}
		return c.done("password.done", struct{}{})
	})
	change.Short = r.text.Text("command.password.change", nil)
	language := ""
	suggest := r.command("suggest", cobra.NoArgs, func(c *call, _ []string) error {
		if language == "" {
			language = c.text.Lang()
		}
		ctx, cancel := c.brief()
		defer cancel()
		offer, err := c.hub.Suggest(ctx, language)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(offer)
		}
		_, err = c.out.Write([]byte(offer.Passphrase + "\n"))
		return err
	})
	suggest.Short = r.text.Text("command.password.suggest", nil)
	suggest.Flags().StringVar(&language, "language", "", r.text.Text("flag.language", nil))
	return r.group("password", change, suggest)
}

func (r *room) recoveryCode() *cobra.Command {
	kit := ""
	fresh := r.withPassword("new", cobra.NoArgs, func(c *call, password string, _ []string) error {
		sheet, err := openKit(kit)
		if err != nil {
			return err
		}
		defer sheet.abandon()
		ctx, cancel := c.brief()
		defer cancel()
		made, err := c.hub.NewRecoveryCode(ctx, password)
		if err != nil {
			return err
		}
		if err := sheet.write(c.text, made.RecoveryCode); err != nil {
			return err
		}
		if c.json {
			err = c.printJSON(made)
		} else {
			err = c.say("recovery.new", "code", made.RecoveryCode)
		}
		if err = errors.Join(err, sheet.tell(c)); err != nil {
			return err
		}
		return c.hub.ConfirmRecovery(ctx, made.RecoveryCode)
	})
	fresh.Short = r.text.Text("command.recovery-code.new", nil)
	fresh.Flags().StringVar(&kit, "kit", "", r.text.Text("flag.kit", nil))
	given := false
	confirm := r.command("confirm", cobra.NoArgs, func(c *call, _ []string) error {
		if err := c.mustRead(given, "--recovery-code-stdin"); err != nil {
			return err
		}
		code, err := c.secret("ask.code")
		if err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.ConfirmRecovery(ctx, code); err != nil {
			return err
		}
		return c.done("recovery.confirmed", struct{}{})
	})
	confirm.Short = r.text.Text("command.recovery-code.confirm", nil)
	confirm.Flags().BoolVar(&given, "recovery-code-stdin", false, r.text.Text("flag.recovery-code-stdin", nil))
	return r.group("recovery-code", fresh, confirm)
}

func (r *room) boot() *cobra.Command {
	way := func(use, how string, args cobra.PositionalArgs) *cobra.Command {
		c := r.withPassword(use, args, func(c *call, password string, args []string) error {
			q := wire.BootRequest{Password: password, How: how}
			if len(args) > 0 {
				q.Path = args[0]
			}
			ctx, cancel := c.brief()
			defer cancel()
			answer, err := c.hub.SetBoot(ctx, q)
			if err != nil {
				return err
			}
			return c.done("protection."+string(answer.Protection), answer)
		})
		c.Short = r.text.Text("command.boot."+how, nil)
		return c
	}
	boot := r.command("boot", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		s, err := c.hub.Status(ctx)
		switch {
		case err != nil:
			return err
		case s.Protection == "":
			return wire.Refuse(0, wire.CodeUnclaimed)
		case c.json:
			return c.printJSON(wire.BootAnswer{Protection: s.Protection})
		}
		return errors.Join(c.say("protection."+string(s.Protection)), c.say("boot.ways"))
	})
	boot.AddCommand(way("itself", wire.BootItself, cobra.NoArgs), way("locked", wire.BootLocked, cobra.NoArgs),
		way("key-file PATH", wire.BootKeyFile, cobra.ExactArgs(1)))
	return boot
}

// page shows and switches the plain page for browsers.
func (r *room) page() *cobra.Command {
	list := []*cobra.Command{
		r.command("show", cobra.NoArgs, func(c *call, _ []string) error {
			return c.showPage(func(ctx context.Context) (wire.Page, error) { return c.hub.Page(ctx) })
		}),
		r.command("on", cobra.NoArgs, func(c *call, _ []string) error {
			return c.showPage(func(ctx context.Context) (wire.Page, error) { return c.hub.SetPage(ctx, true) })
		}),
		r.command("off", cobra.NoArgs, func(c *call, _ []string) error {
			return c.showPage(func(ctx context.Context) (wire.Page, error) { return c.hub.SetPage(ctx, false) })
		}),
	}
	for _, c := range list {
		c.Short = r.text.Text("command.page."+c.Name(), nil)
	}
	return r.group("page", list...)
}

// showPage prints the address of the page, and what to compare when a browser opens it.
func (c *call) showPage(act func(context.Context) (wire.Page, error)) error {
	ctx, cancel := c.brief()
	defer cancel()
	p, err := act(ctx)
	switch {
	case err != nil:
		return err
	case c.json:
		return c.printJSON(p)
	case !p.On:
		return c.say("page.show.off")
	}
	return errors.Join(c.say("page.show.on", "address", p.Address), c.say("page.show.words", "words", p.Words),
		c.say("page.show.fingerprint"), c.say("page.show.hex", "fingerprint", p.Fingerprint), c.say("page.show.warn"))
}

// done says what happened, to a person or in JSON.
func (c *call) done(key string, answer any) error {
	if c.json {
		return c.printJSON(answer)
	}
	return c.say(key)
}
