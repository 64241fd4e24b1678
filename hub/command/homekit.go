package command

import (
	"bytes"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/hap/setup"
)

// private is the kind of the server that shows private toys.
const private = "private"

// homekit shows how to bring the home into Apple Home, and holds the commands about it.
func (r *room) homekit() *cobra.Command {
	var force bool
	var file string
	c := r.command("homekit [SERVER]", cobra.MaximumNArgs(1), func(c *call, args []string) error {
		servers, err := c.servers(args)
		if err != nil {
			return err
		}
		if file != "" {
			if err := c.card(servers, file); err != nil || !c.json {
				return err
			}
		}
		if c.json {
			return c.printJSON(servers)
		}
		for _, s := range servers {
			if err := c.sayServer(s, force); err != nil {
				return err
			}
		}
		return nil
	})
	c.Flags().BoolVar(&force, "qr", false, r.text.Text("flag.qr", nil))
	c.Flags().StringVar(&file, "png", "", r.text.Text("flag.png", nil))
	c.AddCommand(r.newCode(), r.forget(), r.move(), r.arm(), r.disarm())
	return c
}

// servers are the HomeKit servers, or the one that is named.
func (c *call) servers(named []string) ([]wire.HomeKit, error) {
	ctx, cancel := c.brief()
	defer cancel()
	all, err := c.hub.HomeKit(ctx)
	if err != nil || len(named) == 0 {
		return all, err
	}
	exact := func(s wire.HomeKit) bool { return s.Name == named[0] }
	alike := func(s wire.HomeKit) bool {
		return s.ID == named[0] || strings.EqualFold(s.DeviceID, named[0]) || strings.EqualFold(s.Name, named[0])
	}
	for _, fits := range []func(wire.HomeKit) bool{exact, alike} {
		list := slices.DeleteFunc(slices.Clone(all), func(s wire.HomeKit) bool { return !fits(s) })
		switch {
		case len(list) == 1:
			return list, nil
		case len(list) > 1: // one's name is another's ID, say
			return nil, which(list)
		}
	}
	return nil, wire.Refuse(0, wire.CodeNoServer, "name", named[0])
}

// server is the one that is named, or the only one.
func (c *call) server(named []string) (wire.HomeKit, error) {
	list, err := c.servers(named)
	if err != nil {
		return wire.HomeKit{}, err
	}
	return only(list)
}

// only gives the one server that there is in a list, if it has been made.
func only(list []wire.HomeKit) (wire.HomeKit, error) {
	switch {
	case len(list) != 1:
		return wire.HomeKit{}, which(list)
	case list[0].DeviceID == "":
		return wire.HomeKit{}, wire.Refuse(0, "homekit.no-code", "name", list[0].Name)
	}
	return list[0], nil
}

func which(list []wire.HomeKit) *wire.Problem {
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return wire.Refuse(0, codeWhich, "known", strings.Join(names, ", "))
}

// private is the server of the private toys.
func (c *call) private() (wire.HomeKit, error) {
	list, err := c.servers(nil)
	if err != nil {
		return wire.HomeKit{}, err
	}
	at := slices.IndexFunc(list, func(s wire.HomeKit) bool { return s.Kind == private })
	if at < 0 {
		return wire.HomeKit{}, wire.Refuse(0, wire.CodeNoPrivate)
	}
	return list[at], nil
}

// card writes the picture to print.
func (c *call) card(list []wire.HomeKit, file string) error {
	const module = 12 // pixels: about 400 in all, and sharp when printed as large as a matchbox
	s, err := only(list)
	if err != nil {
		return err
	}
	var png bytes.Buffer
	if err := setup.PNG(&png, s.SetupURI, s.SetupCode, module); err != nil {
		return err
	}
	if err := writeSecret(file, png.Bytes()); err != nil {
		return wire.Refuse(0, "homekit.file", "file", file, "error", err.Error())
	}
	if c.json {
		return nil
	}
	return c.say("homekit.png", "name", s.Name, "file", file)
}

// writeSecret writes a file that nobody else may read, also where it was there before.
func writeSecret(file string, content []byte) error {
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
		if err := os.Chmod(file, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(file, content, 0o600)
}

// sayServer shows one server in full.
func (c *call) sayServer(s wire.HomeKit, force bool) error {
	key, kind := "homekit.server", c.text.Text("homekit.kind."+s.Kind, nil)
	if s.DeviceID == "" { // a private server is made when it is armed for the first time
		key = "homekit.unmade"
	}
	if err := c.say(key, "name", s.Name, "kind", kind, "port", strconv.Itoa(s.Port), "id", s.DeviceID); err != nil {
		return err
	}
	state := c.paired(s)
	if s.Kind == private {
		state += " " + c.armed(s)
	}
	if err := c.say("homekit.state", "state", state); err != nil || s.SetupCode == "" {
		return err
	}
	if err := c.say("homekit.code", "code", s.SetupCode, "uri", s.SetupURI); err != nil {
		return err
	}
	return c.screen().draw(s, force)
}

// paired says with how many.
func (c *call) paired(s wire.HomeKit) string {
	if !s.Paired {
		return c.text.Text("homekit.unpaired", nil)
	}
	return c.text.Count("homekit.controllers", max(s.Controllers, 1))
}

// armed says whether a private server answers.
func (c *call) armed(s wire.HomeKit) string {
	if s.ArmedUntil == nil {
		return c.text.Text("homekit.silent", nil)
	}
	return c.text.Text("homekit.armed", map[string]string{"time": s.ArmedUntil.Local().Format("15:04")})
}

func (r *room) newCode() *cobra.Command {
	c := r.command("new-code [SERVER]", cobra.MaximumNArgs(1), func(c *call, args []string) error {
		s, err := c.server(args)
		if err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		if s, err = c.hub.NewCode(ctx, s.ID); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(s)
		}
		if err := c.say("homekit.new-code", "name", s.Name, "code", s.SetupCode, "uri", s.SetupURI); err != nil {
			return err
		}
		return c.screen().draw(s, false)
	})
	c.Short = r.text.Text("command.homekit.new-code", nil)
	return c
}

func (r *room) forget() *cobra.Command {
	var yes bool
	c := r.command("forget [SERVER]", cobra.MaximumNArgs(1), func(c *call, args []string) error {
		s, err := c.server(args)
		if err != nil {
			return err
		}
		if err := c.warn(s, yes); err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.Unpair(ctx, s.ID); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(struct {
				Forgotten string `json:"forgotten"`
			}{s.ID})
		}
		return c.say("homekit.forgotten", "name", s.Name)
	})
	c.Short = r.text.Text("command.homekit.forget", nil)
	c.Flags().BoolVar(&yes, "yes", false, r.text.Text("flag.yes", nil))
	return c
}

// warn says what unpairing everybody costs, and refuses it without a yes; with nobody paired it costs nothing.
func (c *call) warn(s wire.HomeKit, yes bool) error {
	if s.Controllers == 0 {
		return nil
	}
	if !c.json {
		if err := c.say("homekit.forget", "name", s.Name, "paired", c.paired(s)); err != nil {
			return err
		}
	}
	if !yes {
		return wire.Refuse(0, codeYes)
	}
	return nil
}

func (r *room) arm() *cobra.Command {
	var d time.Duration
	c := r.command("arm", cobra.NoArgs, func(c *call, _ []string) error {
		if d < time.Second || d > 24*time.Hour {
			return wire.Refuse(0, codeFor, "time", d.String())
		}
		s, err := c.private()
		if err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		if s, err = c.hub.Arm(ctx, s.ID, d); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(s)
		}
		return c.sayServer(s, false)
	})
	c.Short = r.text.Text("command.homekit.arm", nil)
	c.Flags().DurationVar(&d, "for", 30*time.Minute, r.text.Text("flag.for", nil))
	return c
}

func (r *room) disarm() *cobra.Command {
	c := r.command("disarm", cobra.NoArgs, func(c *call, _ []string) error {
		s, err := c.private()
		if err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.Disarm(ctx, s.ID); err != nil {
			return err
		}
		if c.json {
			return c.printJSON(struct {
				Disarmed string `json:"disarmed"`
			}{s.ID})
		}
		return c.say("homekit.disarmed", "name", s.Name)
	})
	c.Short = r.text.Text("command.homekit.disarm", nil)
	return c
}

// codeWhere says that there is no such HomeKit server to move a thing to.
const codeWhere = "homekit.where"

// placement is where a thing is shown, by the word for it.
func placement(word string) (wire.Placement, error) {
	switch word {
	case "bridge":
		return wire.Placement{}, nil
	case "alone":
		return wire.Placement{Alone: true}, nil
	case private:
		return wire.Placement{Private: true}, nil
	}
	return wire.Placement{}, wire.Refuse(http.StatusUnprocessableEntity, codeWhere, "where", word)
}

func (r *room) move() *cobra.Command {
	c := r.command("move NAME bridge|alone|private", cobra.ExactArgs(2), func(c *call, args []string) error {
		where, err := placement(args[1])
		if err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		moved, err := c.hub.Place(ctx, args[0], where)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(moved)
		}
		return c.say("homekit.moved."+args[1], "name", moved.Name)
	})
	c.Short = r.text.Text("command.homekit.move", nil)
	return c
}
