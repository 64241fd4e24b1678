package command

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
)

func (r *room) setup() *cobra.Command {
	var q wire.SetupRequest
	var file string
	var fromStdin, suggest bool
	setup := r.command("setup", cobra.NoArgs, func(c *call, _ []string) (err error) {
		sheet, err := openKit(file)
		if err != nil {
			return err
		}
		defer sheet.abandon()
		ctx, cancel := c.brief()
		defer cancel()
		if suggest {
			var offer wire.Passphrase
			offer, err = c.hub.Suggest(ctx, c.text.Lang())
			q.Password = offer.Passphrase
		} else if err = c.mustRead(fromStdin, "--password-stdin"); err == nil {
			q.Password, err = c.chosen("ask.new-password")
		}
		if err != nil {
			return err
		}
		answer, err := c.hub.Claim(ctx, q)
		if err != nil {
			return err
		}
		if err := sheet.write(c.text, answer.RecoveryCode); err != nil {
			return err
		}
		offered := ""
		if suggest {
			offered = q.Password
		}
		if err := errors.Join(c.claimed(answer, offered), sheet.tell(c)); err != nil {
			return err
		}
		return c.hub.ConfirmRecovery(ctx, answer.RecoveryCode)
	})
	f := setup.Flags()
	f.BoolVar(&fromStdin, "password-stdin", false, r.text.Text("flag.password-stdin", nil))
	f.BoolVar(&suggest, "suggest", false, r.text.Text("flag.suggest", nil))
	f.BoolVar(&q.StartLocked, "start-locked", false, r.text.Text("flag.start-locked", nil))
	f.StringVar(&file, "kit", "", r.text.Text("flag.kit", nil))
	return setup
}

// claimed shows what is shown only once; password is one that the hub offered.
func (c *call) claimed(answer wire.SetupAnswer, password string) error {
	if c.json {
		return c.printJSON(struct {
			Password string `json:"password,omitempty"`
			wire.SetupAnswer
		}{password, answer})
	}
	if password != "" {
		if err := c.say("setup.password", "password", password); err != nil {
			return err
		}
	}
	if err := c.say("setup.done", "code", answer.RecoveryCode); err != nil {
		return err
	}
	if err := c.say("protection." + string(answer.Protection)); err != nil {
		return err
	}
	return HomeKit(c.out, c.text, answer.HomeKit)
}

func (r *room) unlock() *cobra.Command {
	return r.withPassword("unlock", cobra.NoArgs, func(c *call, password string, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.Unlock(ctx, password); err != nil {
			return err
		}
		return c.done("unlock.done", struct {
			State wire.State `json:"state"`
		}{wire.Open})
	})
}

// withPassword makes a command that takes the password from standard input.
func (r *room) withPassword(use string, args cobra.PositionalArgs, run func(c *call, password string, args []string) error) *cobra.Command {
	return r.withTyped(use, args, func(c *call) (string, error) { return c.secret("ask.password") }, run)
}

// withTyped makes a command that takes what read reads from standard input.
func (r *room) withTyped(use string, args cobra.PositionalArgs, read func(*call) (string, error), run func(c *call, typed string, args []string) error) *cobra.Command {
	var fromStdin bool
	c := r.command(use, args, func(c *call, args []string) error {
		if err := c.mustRead(fromStdin, "--password-stdin"); err != nil {
			return err
		}
		typed, err := read(c)
		if err != nil {
			return err
		}
		return run(c, typed, args)
	})
	c.Flags().BoolVar(&fromStdin, "password-stdin", false, r.text.Text("flag.password-stdin", nil))
	return c
}

func (r *room) status() *cobra.Command {
	return r.command("status", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		s, err := c.hub.Status(ctx)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(s)
		}
		if err := c.say("status."+string(s.State), "version", s.Version, "api", s.API); err != nil {
			return err
		}
		if s.Protection != "" {
			if err := c.say("protection." + string(s.Protection)); err != nil {
				return err
			}
		}
		for _, h := range s.HomeKit {
			if silent(h) {
				continue
			}
			if err := c.screen().line(h); err != nil {
				return err
			}
		}
		if s.Shut != nil {
			_, err := io.WriteString(c.out, "! "+c.text.Advice(s.Shut.Code, s.Shut.Args)+"\n")
			return err
		}
		if s.State != wire.Open {
			return nil
		}
		things, err := c.hub.Accessories(ctx)
		if err != nil {
			return err
		}
		return c.sayTroubles(things, func(wire.Trouble) bool { return true })
	})
}

// sayTroubles says what is wrong, and what to do about it.
func (c *call) sayTroubles(things []wire.Accessory, about func(wire.Trouble) bool) error {
	ctx, cancel := c.brief()
	defer cancel()
	troubles, err := c.hub.Troubles(ctx)
	if err != nil {
		return err
	}
	for _, t := range troubles {
		if !about(t) {
			continue
		}
		args := map[string]string{"name": nameOf(things, t.Subject)}
		for k, v := range t.Args {
			args[k] = v
		}
		line := c.text.Advice("health."+t.Code, args)
		if _, err := c.out.Write([]byte("! " + strings.TrimSpace(line) + "\n")); err != nil {
			return err
		}
	}
	return nil
}

func nameOf(things []wire.Accessory, id string) string {
	for _, a := range things {
		if a.ID == id {
			return a.Name
		}
	}
	return id
}
