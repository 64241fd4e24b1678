package command

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
)

func (r *room) add() *cobra.Command {
	var a wire.AddRequest
	var fromStdin bool
	var secretKey string
	c := r.command("add DRIVER", cobra.ExactArgs(1), func(c *call, args []string) error {
		a.Driver = args[0]
		takeSet(&a)
		if a.Name == "" {
			a.Name = args[0]
		}
		if fromStdin {
			secret, err := c.secret("ask.secret")
			if err != nil {
				return err
			}
			a.Secret = map[string]string{secretKey: secret}
		}
		ctx, cancel := c.brief()
		defer cancel()
		made, err := c.hub.Add(ctx, a)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(made)
		}
		return c.say("add.done", "name", made.Name, "id", made.ID)
	})
	f := c.Flags()
	f.StringVar(&a.Name, "name", "", r.text.Text("flag.name", nil))
	f.StringVar(&a.Address, "address", "", r.text.Text("flag.address", nil))
	f.StringToStringVar(&a.Fields, "set", nil, r.text.Text("flag.set", nil))
	f.BoolVar(&fromStdin, "secret-stdin", false, r.text.Text("flag.secret-stdin", nil))
	f.StringVar(&secretKey, "secret", "password", r.text.Text("flag.secret", nil))
	f.StringVar(&a.Person, "person", "", r.text.Text("flag.person", nil))
	f.StringVar(&a.Room, "room", "", r.text.Text("flag.room", nil))
	f.BoolVar(&a.Alone, "alone", false, r.text.Text("flag.alone", nil))
	f.BoolVar(&a.Private, "private", false, r.text.Text("flag.private", nil))
	return c
}

// takeSet lets --set also say what has a flag of its own: the driver's fields have other names.
func takeSet(a *wire.AddRequest) {
	for key, to := range map[string]*string{"address": &a.Address, "name": &a.Name, "person": &a.Person, "room": &a.Room} {
		if v, ok := a.Fields[key]; ok {
			*to = v
			delete(a.Fields, key)
		}
	}
}

func (r *room) list() *cobra.Command {
	return r.command("list", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		things, err := c.hub.Accessories(ctx)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(things)
		}
		w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
		for _, a := range things {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Name, c.text.Text("accessory.kind."+a.Kind, nil),
				c.text.Text("accessory.state."+a.Condition.State, nil), values(a), a.ID)
		}
		return w.Flush()
	})
}

// values shows what is known of a thing, as "speed 50, battery 71".
func values(a wire.Accessory) string {
	var list []string
	for _, v := range a.Traits {
		if len(v.Value) > 0 {
			list = append(list, v.Trait+" "+string(v.Value))
		}
	}
	return strings.Join(list, ", ")
}

func (r *room) remove() *cobra.Command {
	return r.command("remove NAME", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.Remove(ctx, args[0]); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(struct {
				Removed string `json:"removed"`
			}{args[0]})
		}
		return c.say("remove.done", "id", args[0])
	})
}

func (r *room) do() *cobra.Command {
	return r.command("do NAME TRAIT VALUE", cobra.ExactArgs(3), func(c *call, args []string) error {
		t, ok := trait.Lookup(args[1])
		if !ok {
			return wire.Refuse(http.StatusUnprocessableEntity, codeTrait, "trait", args[1], "known", knownTraits())
		}
		cmd, err := t.Parse(args[2])
		if err != nil {
			return wire.Refuse(http.StatusUnprocessableEntity, codeValue, "trait", args[1], "value", args[2])
		}
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.Do(ctx, args[0], wire.Do{Trait: t.ID(), Value: cmd.JSON()}); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(struct {
				Done bool `json:"done"`
			}{true})
		}
		return c.say("do.done", "id", args[0], "trait", args[1], "value", args[2])
	})
}

func knownTraits() string {
	names := map[string]bool{}
	for _, t := range trait.All() {
		names[t.ID()] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}

func (r *room) watch() *cobra.Command {
	return r.command("watch", cobra.NoArgs, func(c *call, _ []string) error {
		var state wire.Snapshot
		err := c.hub.Events(c.ctx, func(e wire.Event) error {
			if c.json {
				return c.printJSON(e)
			}
			if e.Snapshot != nil {
				state = e.Snapshot.Clone()
				return c.say("watch.start")
			}
			state.Apply(*e.Change)
			return c.sayChange(state, *e.Change)
		})
		if c.ctx.Err() != nil {
			return nil // the person ended it
		}
		return err
	})
}

func (c *call) sayChange(state wire.Snapshot, change wire.Change) error {
	switch {
	case change.Value != nil:
		return c.say("watch.value", "name", nameOf(state.Accessories, change.Value.Accessory), "trait", change.Value.Trait, "value", string(change.Value.Value.Value))
	case change.Condition != nil:
		return c.say("watch.condition", "name", nameOf(state.Accessories, change.Condition.Accessory), "state", c.text.Text("accessory.state."+change.Condition.State, nil))
	case change.Accessory != nil:
		return c.say("watch.accessory", "name", change.Accessory.Name)
	case change.Removed != "":
		return c.say("remove.done", "id", change.Removed)
	}
	return nil
}
