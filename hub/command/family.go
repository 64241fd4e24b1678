package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/client"
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

// ledger tells the family who looked at what.
func (r *room) ledger() *cobra.Command {
	var q wire.LedgerQuery
	var since string
	c := r.command("ledger", cobra.NoArgs, func(c *call, _ []string) (err error) {
		if q.Since, err = begins(since, time.Now()); err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		list, err := c.hub.Ledger(ctx, q)
		switch {
		case err != nil:
			return err
		case c.json:
			return c.printJSON(list)
		case len(list) == 0:
			return c.say("ledger.none")
		}
		w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
		for _, l := range list {
			fmt.Fprintln(w, c.looked(l))
		}
		return w.Flush()
	})
	f := c.Flags()
	f.StringVar(&since, "since", "", r.text.Text("flag.since", nil))
	f.StringVar(&q.Device, "device", "", r.text.Text("flag.ledger-device", nil))
	f.StringVar(&q.Person, "person", "", r.text.Text("flag.ledger-person", nil))
	c.AddCommand(r.verify("command.ledger.verify", (*client.Client).VerifyLedger))
	return c
}

// begins reads a day, or how long ago; "" is always.
func begins(since string, now time.Time) (time.Time, error) {
	if since == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(since); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	day, err := time.ParseInLocation(time.DateOnly, since, time.Local)
	if err != nil {
		return day, wire.Refuse(http.StatusUnprocessableEntity, codeSince, "since", since)
	}
	return day, nil
}

// toMinutes is how lists show a time.
const toMinutes = "2006-01-02 15:04"

// looked is one look in one line: when, how long, who, by which way, what, and of what.
func (c *call) looked(l wire.Viewing) string {
	who, thing := cmp.Or(l.Who, l.App), cmp.Or(l.Thing, l.Device)
	if slices.Contains(l.Unknown, "who") {
		who = c.text.Text("ledger.forgotten", nil)
	}
	if slices.Contains(l.Unknown, "what") {
		thing = c.text.Text("ledger.forgotten", nil)
	}
	lasted, via := "", ""
	switch {
	case l.End == nil:
		lasted = "…"
	case l.End.Sub(l.Begin) >= time.Second:
		lasted = l.End.Sub(l.Begin).Round(time.Second).String()
	}
	if l.Via != "" {
		via = c.text.Text("ledger.via."+l.Via, nil)
	}
	return strings.Join([]string{l.Begin.Local().Format(toMinutes), lasted, who, via, c.text.Text("ledger.act."+l.Act, nil), thing, l.Clip}, "\t")
}

// verify says whether a record is as it was written, and where not.
func (r *room) verify(key string, look func(*client.Client, context.Context) (wire.ChainCheck, error)) *cobra.Command {
	v := r.command("verify", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		check, err := look(c.hub, ctx)
		if err == nil && c.json {
			err = c.printJSON(check)
		} else if err == nil {
			err = c.sayCheck(check)
		}
		if err == nil && !check.Whole {
			err = wire.Refuse(0, "chain.broken")
		}
		return err
	})
	v.Short = r.text.Text(key, nil)
	return v
}

func (c *call) sayCheck(check wire.ChainCheck) error {
	if check.Whole {
		return c.say("chain.whole", "count", strconv.Itoa(check.Entries), "forgotten", strconv.Itoa(check.Forgotten))
	}
	for _, f := range check.Flaws {
		if err := c.say("chain.flaw."+f.What, "entry", strconv.FormatUint(f.Entry, 10)); err != nil {
			return err
		}
	}
	return nil
}

// security tells what people should see to, and what happened to the hub's security.
func (r *room) security() *cobra.Command {
	c := r.command("security", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		s, err := c.hub.Security(ctx)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(s)
		}
		for _, a := range s.Alerts {
			if a.Acknowledged == nil {
				err = errors.Join(err, c.say("security.alert", "id", a.ID, "what", c.text.Text("security.kind."+a.Rule, nil), "name", cmp.Or(a.Name, a.Subject), "when", a.Last.Local().Format(toMinutes)))
			}
		}
		w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
		for _, e := range s.Events {
			times := ""
			if e.Times > 1 {
				times = strconv.Itoa(e.Times) + "×"
			}
			fmt.Fprintln(w, strings.Join([]string{e.At.Local().Format(toMinutes), times, c.text.Text("security.kind."+e.Kind, nil), cmp.Or(e.Name, e.Subject), e.From}, "\t"))
		}
		return errors.Join(err, w.Flush())
	})
	seen := r.command("seen ALERT", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		return c.hub.AcknowledgeAlert(ctx, args[0])
	})
	seen.Short = r.text.Text("command.security.seen", nil)
	c.AddCommand(r.verify("command.security.verify", (*client.Client).VerifySecurity), seen)
	return c
}
