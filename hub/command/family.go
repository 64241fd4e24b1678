package command

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

func (r *room) people() *cobra.Command {
	role := ""
	add := r.command("add NAME", cobra.ExactArgs(1), func(c *call, args []string) error {
		if err := among(role, wire.RoleGuest, wire.RoleMember, wire.RoleGuardian, wire.RoleOwner); err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		p, err := c.hub.AddPerson(ctx, wire.Person{Name: args[0], Role: role})
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(p)
		}
		return c.say("add.done", "name", p.Name, "id", p.ID)
	})
	add.Short = r.text.Text("command.people.add", nil)
	add.Flags().StringVar(&role, "role", "member", r.text.Text("flag.role", nil))
	list := r.command("list", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		people, err := c.hub.People(ctx)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(people)
		}
		w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
		for _, p := range people {
			fmt.Fprintf(w, "%s\t%s\t%s\n", p.Name, c.text.Text("apps.role."+p.Role, nil), p.ID)
		}
		return w.Flush()
	})
	list.Short = r.text.Text("command.people.list", nil)
	return r.group("people", add, list)
}

// among refuses what is none of the roles; an empty one among them is that none need be said.
func among(role string, roles ...string) error {
	if slices.Contains(roles, role) {
		return nil
	}
	return wire.Refuse(0, codeRole, "role", role, "known", strings.TrimPrefix(strings.Join(roles, ", "), ", "))
}

// language shows which language the home speaks, and takes another.
func (r *room) language() *cobra.Command {
	return r.command("language [LANGUAGE]", cobra.MaximumNArgs(1), func(c *call, args []string) error {
		now, err := c.spoken(args)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(now)
		}
		var others []string
		for _, l := range i18n.Languages() {
			if l != now.Language {
				others = append(others, called(l))
			}
		}
		err = c.say("language.now", "language", called(now.Language))
		if len(args) > 0 || err != nil {
			return err
		}
		return c.say("language.others", "others", strings.Join(others, ", "))
	})
}

// spoken is the language of the home, which is the one in args from now on if there is one.
func (c *call) spoken(args []string) (wire.Language, error) {
	ctx, cancel := c.brief()
	defer cancel()
	if len(args) > 0 {
		return c.hub.SetLanguage(ctx, args[0])
	}
	s, err := c.hub.Status(ctx)
	switch {
	case err != nil:
		return wire.Language{}, err
	case s.State == wire.Unclaimed:
		return wire.Language{}, wire.Refuse(0, wire.CodeUnclaimed)
	case s.State == wire.Locked:
		return wire.Language{}, wire.Refuse(0, wire.CodeLocked)
	}
	return wire.Language{Language: s.Language}, nil
}

// called is a language as it calls itself, and as a command takes it.
func called(lang string) string { return i18n.For(lang).Text("app.language", nil) + " (" + lang + ")" }

func (r *room) zones() *cobra.Command {
	var z wire.Zone
	add := r.command("add NAME", cobra.ExactArgs(1), func(c *call, args []string) error {
		if !onEarth(z) {
			return wire.Refuse(http.StatusUnprocessableEntity, codePosition)
		}
		ctx, cancel := c.brief()
		defer cancel()
		z.Name = args[0]
		made, err := c.hub.AddZone(ctx, z)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(made)
		}
		return c.say("add.done", "name", made.Name, "id", made.ID)
	})
	add.Short = r.text.Text("command.zones.add", nil)
	f := add.Flags()
	f.Float64Var(&z.Lat, "lat", 0, r.text.Text("flag.lat", nil))
	f.Float64Var(&z.Lon, "lon", 0, r.text.Text("flag.lon", nil))
	f.Float64Var(&z.Radius, "radius", 0, r.text.Text("flag.radius", nil))
	for _, name := range []string{"lat", "lon", "radius"} {
		_ = add.MarkFlagRequired(name) // the flag exists: it was made above
	}
	list := r.command("list", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		zones, err := c.hub.Zones(ctx)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(zones)
		}
		w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
		for _, z := range zones {
			fmt.Fprintf(w, "%s\t%.5f\t%.5f\t%.0f m\t%s\n", z.Name, z.Lat, z.Lon, z.Radius, z.ID)
		}
		return w.Flush()
	})
	list.Short = r.text.Text("command.zones.list", nil)
	return r.group("zones", add, list)
}

// codePosition is the hub's own word for a place that is none.
const codePosition = "home.position"

// onEarth refuses what cannot be sent, or what the API would call a request that it does not
// understand. NaN is not on earth. Which circles are sensible is for the hub to say.
func onEarth(z wire.Zone) bool {
	return z.Lat >= -90 && z.Lat <= 90 && z.Lon >= -180 && z.Lon <= 180 && z.Radius > 0 && z.Radius <= 100_000
}
