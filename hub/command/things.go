package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// firstPicture is how long adding a camera waits for its first picture.
const firstPicture = 10 * time.Second

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
		if err := c.say("add.done", "name", made.Name, "id", made.ID); err != nil || made.Kind != "camera" {
			return err
		}
		return c.sayFirst(made)
	})
	c.Long = c.Short + ".\n\n" + r.text.Text("add.help", nil)
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
	f.BoolVar(&a.Check, "check", false, r.text.Text("flag.check", nil))
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

// change gives a thing another name, room, address or login; with nothing new it is tried again.
func (r *room) change() *cobra.Command {
	var q wire.ChangeRequest
	var fromStdin bool
	var secretKey string
	c := r.command("change NAME", cobra.ExactArgs(1), func(c *call, args []string) error {
		if fromStdin {
			secret, err := c.secret("ask.secret")
			if err != nil {
				return err
			}
			q.Secret = map[string]string{secretKey: secret}
		}
		ctx, cancel := c.brief()
		defer cancel()
		a, err := c.hub.Change(ctx, args[0], q)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(a)
		}
		if q.Name+q.Room+q.Address == "" && len(q.Fields)+len(q.Secret) == 0 {
			return c.say("change.done.again", "name", a.Name)
		}
		return c.say("change.done", "name", a.Name)
	})
	c.Long = c.Short + ".\n\n" + r.text.Text("change.help", nil)
	f := c.Flags()
	f.StringVar(&q.Name, "name", "", r.text.Text("flag.name", nil))
	f.StringVar(&q.Address, "address", "", r.text.Text("flag.address", nil))
	f.StringVar(&q.Room, "room", "", r.text.Text("flag.room", nil))
	f.StringToStringVar(&q.Fields, "set", nil, r.text.Text("flag.set", nil))
	f.BoolVar(&fromStdin, "secret-stdin", false, r.text.Text("flag.secret-stdin", nil))
	f.StringVar(&secretKey, "secret", "password", r.text.Text("flag.secret", nil))
	return c
}

// thing finds a thing by its name or ID.
func (c *call) thing(which string) (wire.Accessory, error) {
	ctx, cancel := c.brief()
	defer cancel()
	things, err := c.hub.Accessories(ctx)
	if err != nil {
		return wire.Accessory{}, err
	}
	i := slices.IndexFunc(things, func(a wire.Accessory) bool { return a.ID == which || strings.EqualFold(a.Name, which) })
	if i < 0 {
		return wire.Accessory{}, wire.Refuse(0, "home.unknown", "id", which)
	}
	return things[i], nil
}

// sayFirst waits for the first picture of a camera that was just added, and says why there is none. One
// that is only slow is looked for in the list later.
func (c *call) sayFirst(a wire.Accessory) error {
	ctx, cancel := context.WithTimeout(c.ctx, firstPicture)
	defer cancel()
	_, err := c.hub.Still(ctx, a.ID, 640, 360)
	var p *wire.Problem
	switch {
	case err == nil:
		return c.say("add.next", "name", a.Name)
	case errors.As(err, &p) && p.Code != wire.CodeNoPicture && p.Code != wire.CodeInterrupted:
		_, err := fmt.Fprintln(c.out, "! "+c.text.Advice(p.Code, p.Args))
		return err
	}
	return c.say("add.dark", "name", a.Name)
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
		slices.SortStableFunc(things, byName)
		w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
		for _, a := range things {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Name, c.text.Text("accessory.kind."+a.Kind, nil),
				c.state(a), values(a), a.ID)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		return c.sayTroubles(things, func(t wire.Trouble) bool {
			return slices.ContainsFunc(things, func(a wire.Accessory) bool { return a.ID == t.Subject })
		})
	})
}

// byName sorts things, and leaves what the hub derives from them behind, as it is.
func byName(a, b wire.Accessory) int {
	switch {
	case a.Driver != "" && b.Driver != "":
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	case a.Driver != "":
		return -1
	case b.Driver != "":
		return 1
	}
	return 0
}

// state is how a thing is, in a word or two. Of a camera that is off the line may well be open.
func (c *call) state(a wire.Accessory) string {
	v, _ := a.Value(trait.Active.ID())
	if on, known := wire.Read(v, trait.Active); known && !on && a.Condition.State == "open" {
		return c.text.Text("accessory.state.off", nil)
	}
	return c.text.Text("accessory.state."+a.Condition.State, nil)
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
	var yes bool
	remove := r.command("remove NAME", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		// What has no clips, or cannot say so, is nobody's loss here; Remove itself says what else is wrong.
		if clips, err := c.hub.Clips(ctx, args[0]); err == nil && len(clips) > 0 && !yes {
			return wire.Refuse(0, codeClips, "name", args[0], "count", strconv.Itoa(len(clips)))
		}
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
	remove.Flags().BoolVar(&yes, "yes", false, r.text.Text("flag.remove-yes", nil))
	return remove
}

func (r *room) do() *cobra.Command {
	return r.command("do NAME TRAIT VALUE", cobra.ExactArgs(3), func(c *call, args []string) error {
		t, ok := trait.Lookup(args[1])
		if !ok {
			return wire.Refuse(http.StatusUnprocessableEntity, codeTrait, "trait", args[1], "known", knownTraits())
		}
		cmd, err := t.Parse(args[2])
		if err != nil || beyond(cmd) {
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
		if on, switched := isOn(cmd); switched {
			return c.say("do.switched", "name", args[0], "value", c.text.Text("word."+on, nil))
		}
		return c.say("do.done", "id", args[0], "trait", args[1], "value", args[2])
	})
}

// beyond says whether a percentage is none: the hub would hold it to 0 to 100, and do other than what was said.
func beyond(cmd trait.Command) bool {
	percent, err := strconv.ParseFloat(string(cmd.JSON()), 64)
	return err == nil && cmd.Trait.Unit() == trait.Percent && !(percent >= 0 && percent <= 100)
}

// isOn says whether a thing as a whole is on or off now, for a command that switches it.
func isOn(cmd trait.Command) (word string, switched bool) {
	for _, t := range []trait.Trait[bool]{trait.Active, trait.Privacy, trait.StopAll, trait.QuietTime} {
		if on, ok := t.Want(cmd); ok {
			return map[bool]string{true: "on", false: "off"}[on], true
		}
	}
	return "", false
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
