package command

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
)

func (r *room) clips() *cobra.Command {
	return r.group("clips", r.clipsOn(), r.clipsOff(), r.clipsRecord(), r.clipsList(), r.clipsShow(), r.clipsExport(), r.clipsKeep(), r.clipsDelete())
}

// clip makes a command of the group; its short text has the key "command.clips.<name>".
func (r *room) clip(use string, args cobra.PositionalArgs, run func(c *call, args []string) error) *cobra.Command {
	c := r.command(use, args, run)
	name, _, _ := strings.Cut(use, " ")
	c.Short = r.text.Text("command.clips."+name, nil)
	return c
}

func (r *room) clipsOn() *cobra.Command {
	var rule wire.ClipRule
	giga := 0
	var on *cobra.Command
	on = r.clip("on CAMERA", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		next, err := c.hub.ClipRule(ctx, args[0])
		if err != nil {
			return err
		}
		next.On = true
		for flag, take := range map[string]func(){
			"days": func() { next.Days = rule.Days }, "gigabytes": func() { next.Bytes = int64(giga) * 1_000_000_000 },
			"sound": func() { next.Sound = rule.Sound }, "for": func() { next.People = rule.People },
		} {
			if on.Flags().Changed(flag) {
				take()
			}
		}
		if next, err = c.hub.SetClipRule(ctx, args[0], next); err != nil {
			return err
		}
		return c.sayRule(args[0], next)
	})
	f := on.Flags()
	f.IntVar(&rule.Days, "days", 0, r.text.Text("flag.clip-days", nil))
	f.IntVar(&giga, "gigabytes", 0, r.text.Text("flag.clip-gigabytes", nil))
	f.BoolVar(&rule.Sound, "sound", false, r.text.Text("flag.clip-sound", nil))
	f.StringSliceVar(&rule.People, "for", nil, r.text.Text("flag.clip-for", nil))
	return on
}

func (r *room) clipsOff() *cobra.Command {
	return r.clip("off CAMERA", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		rule, err := c.hub.ClipRule(ctx, args[0])
		if err != nil {
			return err
		}
		rule.On = false
		if rule, err = c.hub.SetClipRule(ctx, args[0], rule); err != nil {
			return err
		}
		return c.sayRule(args[0], rule)
	})
}

func (c *call) sayRule(camera string, rule wire.ClipRule) error {
	if c.json {
		return c.printJSON(rule)
	}
	if !rule.On {
		return c.say("clips.switched.off", "name", camera)
	}
	sound := "clips.silent"
	if rule.Sound {
		sound = "clips.sound"
	}
	return c.say("clips.switched.on", "name", camera, "days", strconv.Itoa(rule.Days), "size", c.text.Size(rule.Bytes), "sound", c.text.Text(sound, nil))
}

func (r *room) clipsRecord() *cobra.Command {
	return r.clip("record CAMERA", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.Record(ctx, args[0]); err != nil {
			return err
		}
		return c.done("clips.recording", struct {
			Recording bool `json:"recording"`
		}{true})
	})
}

func (r *room) clipsList() *cobra.Command {
	return r.clip("list [CAMERA]", cobra.MaximumNArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		list, err := c.hub.Clips(ctx, strings.Join(args, ""))
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(list)
		}
		if len(list) == 0 {
			return c.say("clips.none")
		}
		things, err := c.hub.Accessories(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
		for _, one := range list {
			fmt.Fprintln(w, c.clipLine(nameOf(things, one.Camera), one))
		}
		return w.Flush()
	})
}

// clip gives the ID of the one clip whose ID begins so; where there is none or another, the hub says so of
// what was typed.
func (c *call) clip(begins string) string {
	ctx, cancel := c.brief()
	defer cancel()
	list, err := c.hub.Clips(ctx, "")
	if err != nil || len(begins) < 4 {
		return begins
	}
	list = slices.DeleteFunc(list, func(one wire.Clip) bool { return !strings.HasPrefix(one.ID, begins) })
	if len(list) != 1 {
		return begins
	}
	return list[0].ID
}

// clipLine is a clip as a row of a table.
func (c *call) clipLine(camera string, one wire.Clip) string {
	state := c.text.Text("clips.state."+one.State, nil)
	if one.Kept {
		state += ", " + c.text.Text("clips.is-kept", nil)
	}
	lasts := one.Lasts()
	if one.State == "recording" {
		lasts = max(lasts, time.Since(one.At)) // how long it is gets known at its end
	}
	return strings.Join([]string{
		one.At.Local().Format("2006-01-02 15:04:05"), camera, c.text.Text("clips.why."+one.Why, nil),
		lasts.Round(time.Second).String(), c.text.Size(one.Size), state, one.ID,
	}, "\t")
}

func (r *room) clipsShow() *cobra.Command {
	return r.clip("show CLIP", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		one, err := c.hub.Clip(ctx, c.clip(args[0]))
		if err != nil {
			return err
		}
		return c.sayClip(one)
	})
}

func (c *call) sayClip(one wire.Clip) error {
	if c.json {
		return c.printJSON(one)
	}
	ctx, cancel := c.brief()
	defer cancel()
	things, err := c.hub.Accessories(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, strings.ReplaceAll(c.clipLine(nameOf(things, one.Camera), one), "\t", "  "))
	if err == nil && one.Gaps > 0 {
		err = c.say("clips.gaps", "count", strconv.Itoa(one.Gaps))
	}
	return err
}

func (r *room) clipsExport() *cobra.Command {
	export := r.withPassword("export CLIP PATH", cobra.ExactArgs(2), func(c *call, password string, args []string) error {
		path, err := filepath.Abs(args[1])
		if err != nil {
			return wire.Refuse(0, "backup.path", "path", args[1])
		}
		if !c.json {
			if err := c.say("clips.clear"); err != nil {
				return err
			}
		}
		made, err := c.hub.ExportClip(c.ctx, c.clip(args[0]), wire.ClipExportRequest{Password: password, Path: path})
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(made)
		}
		return c.say("clips.exported", "path", made.Path, "size", c.text.Size(made.Size))
	})
	export.Short = r.text.Text("command.clips.export", nil)
	export.Long = export.Short + ".\n\n" + r.text.Text("clips.clear", nil)
	return export
}

func (r *room) clipsKeep() *cobra.Command {
	not := false
	keep := r.clip("keep CLIP", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		one, err := c.hub.KeepClip(ctx, c.clip(args[0]), !not)
		if err != nil {
			return err
		}
		return c.sayClip(one)
	})
	keep.Flags().BoolVar(&not, "not", false, r.text.Text("flag.clip-not", nil))
	return keep
}

func (r *room) clipsDelete() *cobra.Command {
	return r.clip("delete CLIP", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		id := c.clip(args[0])
		if err := c.hub.DeleteClip(ctx, id); err != nil {
			return err
		}
		return c.done("clips.deleted", struct {
			Deleted string `json:"deleted"`
		}{id})
	})
}
