package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// securing is how long a camera may take to learn its passwords: some restart in between.
const securing = 3 * time.Minute

func (r *room) find() *cobra.Command {
	var seconds int
	c := r.command("find", cobra.NoArgs, func(c *call, _ []string) error {
		if !c.json {
			if err := c.say("find.begin"); err != nil {
				return err
			}
		}
		ctx, cancel := c.brief()
		defer cancel()
		list, err := c.hub.Find(ctx, time.Duration(min(20, max(1, seconds)))*time.Second)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(list)
		}
		return c.sayFound(list)
	})
	c.Flags().IntVar(&seconds, "seconds", 4, r.text.Text("flag.seconds", nil))
	return c
}

func (c *call) sayFound(list []wire.Found) error {
	if len(list) == 0 {
		return c.say("find.none")
	}
	w, fill := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0), false
	for _, f := range list {
		next := c.text.Text("find.known", nil)
		if f.Known == "" {
			fill = true
			next = c.text.Text("find.add", i18n.Args{"words": wordsToAdd(f)})
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Name, f.Model, f.Address, next)
	}
	if err := w.Flush(); err != nil || !fill {
		return err
	}
	return c.say("find.fill")
}

// wordsToAdd are the words of the command that adds what was found; the person fills in what is in
// capitals.
func wordsToAdd(f wire.Found) string {
	words := []string{f.Driver, "--address", Quoted(f.Address)}
	if f.Name != "" {
		words = append(words, "--name", Quoted(f.Name))
	}
	for _, key := range slices.Sorted(maps.Keys(f.Fields)) {
		words = append(words, "--set", Quoted(key+"="+f.Fields[key]))
	}
	secret := false
	for _, q := range f.Ask {
		switch {
		case q.Secret && !secret:
			secret = true
		case !q.Secret && (!q.Optional || q.Key == "user"):
			words = append(words, "--set", q.Key+"="+strings.ToUpper(q.Key))
		}
	}
	if secret {
		words = append(words, "--secret-stdin")
	}
	return strings.Join(words, " ")
}

func (r *room) secure() *cobra.Command {
	var yes bool
	c := r.command("secure NAME", cobra.ExactArgs(1), func(c *call, args []string) error {
		a, err := c.thing(args[0])
		if err != nil {
			return err
		}
		if !c.json {
			if err := c.say(map[bool]string{true: "secure.working", false: "secure.begin"}[yes], "name", a.Name); err != nil {
				return err
			}
		}
		if !yes {
			return wire.Refuse(0, codeYes)
		}
		ctx, cancel := context.WithTimeout(c.ctx, securing)
		defer cancel()
		if err := c.hub.Secure(ctx, args[0]); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(struct {
				Secured string `json:"secured"`
			}{args[0]})
		}
		return c.say("secure.done", "name", a.Name)
	})
	c.Flags().BoolVar(&yes, "yes", false, r.text.Text("flag.yes", nil))
	return c
}

func (r *room) camera() *cobra.Command {
	var sound, motion string
	c := r.command("camera NAME", cobra.ExactArgs(1), func(c *call, args []string) (err error) {
		var q wire.CameraRequest
		if q.Sound, err = onOff(sound); err != nil {
			return err
		}
		if q.Motion, err = onOff(motion); err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		a, err := c.hub.SetCamera(ctx, args[0], q)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(a)
		}
		words := map[bool]string{true: c.text.Text("word.on", nil), false: c.text.Text("word.off", nil)}
		return c.say("camera.set", "name", a.Name, "sound", words[a.Camera.Sound], "motion", words[a.Camera.Motion])
	})
	c.Flags().StringVar(&sound, "sound", "", r.text.Text("flag.sound", nil))
	c.Flags().StringVar(&motion, "motion", "", r.text.Text("flag.motion", nil))
	return c
}

// onOff reads a switch; nil where nothing is said.
func onOff(word string) (*bool, error) {
	on := word == "on"
	switch word {
	case "":
		return nil, nil
	case "on", "off":
		return &on, nil
	}
	return nil, wire.Refuse(0, codeOnOff, "value", word)
}
