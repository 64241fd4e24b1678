package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/i18n"
)

func demoCommand(text *i18n.Texts) *cobra.Command {
	s := settings{api: "127.0.0.1:0", page: "127.0.0.1:0", loopback: true}
	lan := false
	c := &cobra.Command{
		Use:   "demo",
		Short: text.Text("command.demo", nil),
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if lan {
				s.api, s.page, s.loopback = "0.0.0.0:0", "0.0.0.0:0", false
			}
			return demo(c.Context(), s, c.OutOrStdout(), text)
		},
	}
	f := c.Flags()
	f.StringVar(&s.dir, "data", "", text.Text("flag.demo-data", nil))
	f.BoolVar(&s.json, "json", false, text.Text("flag.json", nil))
	f.BoolVar(&lan, "lan", false, text.Text("flag.lan", nil))
	return c
}

// demo runs a hub with simulated things and a family. Without a data folder it uses one that is gone
// afterwards.
func demo(ctx context.Context, s settings, out io.Writer, text *i18n.Texts) error {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "ingle-demo-")
		if err != nil {
			return wire.Refuse(0, "serve.folder", "dir", os.TempDir(), "error", err.Error())
		}
		defer os.RemoveAll(dir)
		s.dir = dir
	}
	actors, end, err := hire(ctx)
	if err != nil {
		return err
	}
	defer end()
	return serve(ctx, s, out, text, func(ctx context.Context, d *daemon) (wire.Status, error) {
		return stage(ctx, d, actors)
	})
}

// hire starts the process of the simulated things.
func hire(ctx context.Context) (cast, func(), error) {
	self, err := os.Executable()
	if err != nil {
		return cast{}, nil, fmt.Errorf("demo: %w", err)
	}
	cmd := exec.Command(self, "sims")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl+C ends the hub first, while its things still obey
	hold, err := cmd.StdinPipe()
	if err != nil {
		return cast{}, nil, fmt.Errorf("demo: %w", err)
	}
	line, err := cmd.StdoutPipe()
	if err != nil {
		return cast{}, nil, fmt.Errorf("demo: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return cast{}, nil, fmt.Errorf("demo: %w", err)
	}
	end := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have gone already
		_ = hold.Close()
		_ = cmd.Wait()
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	var c cast
	first, err := bufio.NewReader(line).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(first, &c)
	}
	if err != nil {
		end()
		return cast{}, nil, wire.Refuse(0, "demo.sims", "error", err.Error())
	}
	return c, end, nil
}

// stage makes the demo home: at once in a new folder, and in one that an earlier demo left as soon as
// somebody unlocks it.
func stage(ctx context.Context, d *daemon, actors cast) (wire.Status, error) {
	password := ""
	if d.Status(ctx).State == wire.Unclaimed {
		password = rand.Text()
		if err := settle(ctx, d, password); err != nil {
			return wire.Status{}, err
		}
		if err := furnish(ctx, d, actors); err != nil {
			return wire.Status{}, err
		}
	} else {
		go func() {
			select {
			case <-d.whenOpen():
				if err := furnish(ctx, d, actors); err != nil {
					d.log.Error("the demo home is not complete", "err", err)
				}
			case <-ctx.Done():
			}
		}()
	}
	status := d.Status(ctx)
	status.DemoPassword, status.Simulators, status.Control = password, actors.Simulators, actors.Control
	return status, nil
}

// settle claims the demo hub. It stays locked after a restart, because its password was on a screen;
// its recovery code is thrown away, and nobody needs to be told that they have none.
func settle(ctx context.Context, d *daemon, password string) error {
	answer, err := d.Setup(ctx, wire.SetupRequest{Password: password, StartLocked: true})
	if err != nil {
		return err
	}
	return d.ConfirmRecovery(keys.From(ctx, keys.Console), wire.RecoveryCode{RecoveryCode: answer.RecoveryCode})
}

// furnish brings the family, its zones and its things in, or tells things that are there already
// where their simulators are now.
func furnish(ctx context.Context, d *daemon, actors cast) error {
	has := d.inside().home.Contents()
	if len(has.People) == 0 {
		if err := moveIn(ctx, d); err != nil {
			return err
		}
	}
	camera := map[string]string{"password": actors.Password}
	user := map[string]string{"user": "ingle"}
	for _, r := range []wire.AddRequest{
		{Name: "Porch", Driver: "onvif", Address: actors.Simulators["porch"], Fields: user, Secret: camera, Room: "Entrance", Alone: true},
		{Name: "Garden", Driver: "onvif", Address: actors.Simulators["garden"], Fields: user, Secret: camera, Room: "Garden"},
		{Name: "Mia's Watch", Driver: "setracker", Address: actors.Simulators["watch"], Person: "Mia"},
		{Name: "Rocket", Driver: "buttplug", Address: actors.Simulators["rocket"], Room: "Playroom"},
	} {
		if err := d.place(ctx, has, r); err != nil {
			return fmt.Errorf("demo: %s: %w", r.Name, err)
		}
	}
	return wear(ctx, d, actors)
}

func moveIn(ctx context.Context, d *daemon) error {
	for _, p := range []wire.Person{{Name: "Sam", Role: "owner"}, {Name: "Noor", Role: "guardian"}, {Name: "Mia", Role: "member"}} {
		if _, err := d.AddPerson(ctx, p); err != nil {
			return err
		}
	}
	for _, z := range []wire.Zone{{Name: "Home", Lat: 52.1, Lon: 5.2, Radius: 100}, {Name: "School", Lat: 52.11, Lon: 5.22, Radius: 150}} {
		if _, err := d.AddZone(ctx, z); err != nil {
			return err
		}
	}
	return nil
}

// place adds a thing, or moves the one that has its name to its new address.
func (d *daemon) place(ctx context.Context, has home.Contents, r wire.AddRequest) error {
	known, err := has.Accessory(r.Name)
	if err == nil && known.Driver != r.Driver { // an older demo spoke to it in another way
		if err := d.Remove(ctx, known.ID); err != nil {
			return err
		}
	}
	if err != nil || known.Driver != r.Driver {
		_, err = d.Add(ctx, r)
		return err
	}
	h := d.inside()
	h.leave(known.ID)
	if _, err := h.admit(nil, func() (home.Accessory, error) {
		return h.home.MoveAccessory(ctx, known.ID, r.Address, r.Secret)
	}); err != nil {
		return err
	}
	h.bridges.shown.Renew(known.ID) // its pictures have a new source
	h.show()
	return nil
}

// wear tells the watch where its hub listens, waits until it has called, as a real one does, and has
// it say where Mia is.
func wear(ctx context.Context, d *daemon, actors cast) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	door, err := d.inside().lan.Door(ctx, "watch")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if _, err := actors.ask(ctx, http.MethodPost, "/sim/watch/hub?address="+door.String()); err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var state struct {
			Connected bool `json:"connected"`
		}
		raw, err := actors.ask(ctx, http.MethodGet, "/sim/watch")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &state); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		if state.Connected {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("demo: the watch did not call: %w", ctx.Err())
		case <-tick.C:
		}
	}
	_, err = actors.ask(ctx, http.MethodPost, "/sim/watch/place?lat=52.1&lon=5.2")
	return err
}

// ask sends a request to the control endpoint of the simulated things.
func (c cast) ask(ctx context.Context, method, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Control+path, nil)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return raw, nil
}
