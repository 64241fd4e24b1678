package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
)

func (r *room) setup() *cobra.Command {
	return r.withPassword("setup", func(c *call, password string) error {
		ctx, cancel := c.brief()
		defer cancel()
		answer, err := c.hub.Setup(ctx, password)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(answer)
		}
		if err := c.say("setup.done", "code", answer.RecoveryCode); err != nil {
			return err
		}
		return HomeKit(c.out, c.text, answer.HomeKit)
	})
}

func (r *room) unlock() *cobra.Command {
	return r.withPassword("unlock", func(c *call, password string) error {
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.Unlock(ctx, password); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(struct {
				State wire.State `json:"state"`
			}{wire.Open})
		}
		return c.say("unlock.done")
	})
}

// withPassword makes a command that reads a password from standard input.
func (r *room) withPassword(use string, run func(c *call, password string) error) *cobra.Command {
	var fromStdin bool
	c := r.command(use, cobra.NoArgs, func(c *call, _ []string) error {
		if err := mustRead(fromStdin, "--password-stdin"); err != nil {
			return err
		}
		password, err := c.secret()
		if err != nil {
			return err
		}
		return run(c, password)
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
		for _, h := range s.HomeKit {
			if silent(h) {
				continue
			}
			if err := c.screen().line(h); err != nil {
				return err
			}
		}
		if s.State != wire.Open {
			return nil
		}
		return c.sayTroubles()
	})
}

func (c *call) sayTroubles() error {
	ctx, cancel := c.brief()
	defer cancel()
	troubles, err := c.hub.Troubles(ctx)
	if err != nil {
		return err
	}
	things, err := c.hub.Accessories(ctx)
	if err != nil {
		return err
	}
	for _, t := range troubles {
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
