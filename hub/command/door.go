package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

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
		q.Language = c.text.Lang()
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
		if err := c.sayTraffic(s); err != nil {
			return err
		}
		if s.ClaimTried {
			if err := c.say("status.claim-tried"); err != nil {
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

func (r *room) claimCode() *cobra.Command {
	return r.command("claim-code", cobra.NoArgs, func(c *call, _ []string) error {
		return c.code(func(ctx context.Context) (wire.ClaimCode, error) { return c.hub.ClaimCode(ctx) })
	})
}

func (r *room) pairApp() *cobra.Command {
	var i wire.Invitation
	pair := r.command("pair-app", cobra.NoArgs, func(c *call, _ []string) error {
		if err := among(i.Role, "", wire.RoleGuest, wire.RoleMember, wire.RoleGuardian, wire.RoleOwner); err != nil {
			return err
		}
		return c.code(func(ctx context.Context) (wire.ClaimCode, error) { return c.hub.Invite(ctx, i) })
	})
	pair.Flags().StringVar(&i.Role, "role", "", r.text.Text("flag.app-role", nil))
	pair.Flags().StringVar(&i.Person, "person", "", r.text.Text("flag.app-person", nil))
	return pair
}

// code shows a code that an app is to be told, on this screen and nowhere else.
func (c *call) code(draw func(context.Context) (wire.ClaimCode, error)) error {
	ctx, cancel := c.brief()
	defer cancel()
	code, err := draw(ctx)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(code)
	}
	return c.say("claim.code", "code", code.Code, "until", code.Until.Local().Format("15:04"), "address", strings.TrimPrefix(code.API, "https://"))
}

func (r *room) apps() *cobra.Command {
	list := r.command("list", cobra.NoArgs, func(c *call, _ []string) error { return c.listApps() })
	list.Short = r.text.Text("command.apps.list", nil)
	rename := r.command("rename APP NAME", cobra.ExactArgs(2), func(c *call, args []string) error {
		return c.withApp(args[0], func(ctx context.Context, app wire.App) error {
			changed, err := c.hub.RenameApp(ctx, app.ID, args[1])
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(changed)
			}
			return c.say("apps.renamed", "name", changed.Name)
		})
	})
	rename.Short = r.text.Text("command.apps.rename", nil)
	revoke := r.command("revoke APP", cobra.ExactArgs(1), func(c *call, args []string) error {
		return c.withApp(args[0], func(ctx context.Context, app wire.App) error {
			if err := c.hub.RevokeApp(ctx, app.ID); err != nil {
				return err
			}
			if c.json {
				return c.printJSON(app)
			}
			return c.say("apps.revoked", "name", c.nameOf(app))
		})
	})
	revoke.Short = r.text.Text("command.apps.revoke", nil)
	return r.group("apps", list, rename, revoke)
}

func (c *call) listApps() error {
	ctx, cancel := c.brief()
	defer cancel()
	list, err := c.hub.Apps(ctx)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(list)
	}
	if len(list) == 0 {
		return c.say("apps.none")
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	for _, a := range list {
		seen := c.text.Text("apps.never", nil)
		if !a.Seen.IsZero() {
			seen = c.text.Text("apps.seen", map[string]string{"when": a.Seen.Local().Format(time.DateTime)})
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.nameOf(a), c.text.Text("apps.role."+a.Role, nil), seen, a.ID)
	}
	return w.Flush()
}

func (c *call) nameOf(a wire.App) string {
	if a.Name == "" {
		return c.text.Text("app.default", nil)
	}
	return a.Name
}

// withApp finds a paired app by its ID or its name.
func (c *call) withApp(named string, do func(context.Context, wire.App) error) error {
	ctx, cancel := c.brief()
	defer cancel()
	all, err := c.hub.Apps(ctx)
	if err != nil {
		return err
	}
	fits := func(a wire.App) bool { return a.ID == named || strings.EqualFold(a.Name, named) }
	i := slices.IndexFunc(all, fits)
	if i < 0 {
		return wire.Refuse(0, wire.CodeUnknown)
	}
	if slices.ContainsFunc(all[i+1:], fits) {
		var ids []string
		for _, a := range all {
			if fits(a) {
				ids = append(ids, a.ID)
			}
		}
		return wire.Refuse(0, codeWhich, "known", strings.Join(ids, ", "))
	}
	return do(ctx, all[i])
}

func (r *room) tokens() *cobra.Command {
	var q wire.TokenRequest
	add := r.command("add NAME", cobra.ExactArgs(1), func(c *call, args []string) error {
		if err := among(q.Role, wire.RoleGuest, wire.RoleMember, wire.RoleGuardian); err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		q.Name = args[0]
		made, err := c.hub.MakeToken(ctx, q)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(made)
		}
		return c.say("tokens.made", "name", made.Name, "secret", made.Secret, "until", made.Until.Local().Format(time.DateOnly), "api", made.API, "pin", made.Pin)
	})
	add.Short = r.text.Text("command.tokens.add", nil)
	add.Flags().StringVar(&q.Role, "role", wire.RoleMember, r.text.Text("flag.token-role", nil))
	add.Flags().IntVar(&q.Days, "days", 365, r.text.Text("flag.token-days", nil))
	list := r.command("list", cobra.NoArgs, func(c *call, _ []string) error { return c.listTokens() })
	list.Short = r.text.Text("command.tokens.list", nil)
	revoke := r.command("revoke TOKEN", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.RevokeToken(ctx, args[0]); err != nil {
			return err
		}
		return c.say("apps.revoked", "name", args[0])
	})
	revoke.Short = r.text.Text("command.tokens.revoke", nil)
	return r.group("tokens", add, list, revoke)
}

func (c *call) listTokens() error {
	ctx, cancel := c.brief()
	defer cancel()
	list, err := c.hub.Tokens(ctx)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(list)
	}
	if len(list) == 0 {
		return c.say("tokens.none")
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	for _, t := range list {
		seen := c.text.Text("apps.never", nil)
		if !t.Seen.IsZero() {
			seen = c.text.Text("apps.seen", map[string]string{"when": t.Seen.Local().Format(time.DateTime)})
		}
		until := c.text.Text("tokens.until", map[string]string{"day": t.Until.Local().Format(time.DateOnly)})
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Name, c.text.Text("apps.role."+t.Role, nil), until, seen, t.ID)
	}
	return w.Flush()
}
