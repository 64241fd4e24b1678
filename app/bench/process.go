package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// patience is how long anything may take that a program is asked for.
const patience = 60 * time.Second

// process is a program that was started.
type process struct {
	cmd   *exec.Cmd
	said  bytes.Buffer // its log, to be read when it has ended
	ended chan struct{}
	first []byte // the line that it announced itself with
}

// launch starts a program. Where it is to announce itself, it gets a file that it inherits, which "FD" in
// the arguments stands for, and is waited for until it has written a line there.
func launch(ctx context.Context, env []string, announces bool, name string, args ...string) (*process, error) {
	p := &process{ended: make(chan struct{})}
	mine, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer mine.Close()
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "FD", "3")
	}
	p.cmd = exec.CommandContext(ctx, name, args...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.Env, p.cmd.Stderr, p.cmd.Stdout, p.cmd.ExtraFiles = append(os.Environ(), env...), &p.said, theirs, []*os.File{theirs}
	if err := errors.Join(p.cmd.Start(), theirs.Close()); err != nil {
		return nil, err
	}
	go func() { // stop waits for it
		defer close(p.ended)
		_ = p.cmd.Wait() // how a program ends is not measured
	}()
	if !announces {
		return p, nil
	}
	if err := mine.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	if p.first, err = bufio.NewReader(mine).ReadBytes('\n'); err != nil {
		_ = p.stop()
		return nil, fmt.Errorf("%s does not start: %w\n%s", name, err, &p.said)
	}
	return p, nil
}

// stop ends the program and waits for it.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end", p.cmd.Path)
	}
}

// desk is a display with a session bus, and the app before a demo home.
type desk struct {
	bench   *bench
	display *process
	bus     *process
	hub     *process
	home    wire.Status
	glass   *glass
}

// openDesk starts all but the app.
func (b *bench) openDesk(ctx context.Context) (d *desk, err error) {
	d = &desk{bench: b}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.display, err = launch(ctx, nil, true, "Xvfb", "-displayfd", "FD", "-fbdir", b.dir, "-screen", "0", "1100x780x24", "+extension", "GLX", "-nolisten", "tcp"); err != nil {
		return d, err
	}
	if d.glass, err = openGlass(b.dir); err != nil {
		return d, err
	}
	if d.bus, err = launch(ctx, nil, true, "dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog", "--print-address=FD"); err != nil {
		return d, err
	}
	if d.hub, err = launch(ctx, nil, true, b.hub, "demo", "--json", "--data", filepath.Join(b.dir, "hub")); err != nil {
		return d, err
	}
	return d, json.Unmarshal(d.hub.first, &d.home)
}

func (d *desk) close() (err error) {
	for _, p := range []*process{d.hub, d.bus, d.display} {
		if p != nil {
			err = errors.Join(err, p.stop())
		}
	}
	if d.glass != nil {
		err = errors.Join(err, d.glass.close())
	}
	return err
}

// screen is the display's name.
func (d *desk) screen() string { return "DISPLAY=:" + strings.TrimSpace(string(d.display.first)) }

// open starts the app. Its folders are kept from start to start, as a person's are.
func (d *desk) open(ctx context.Context) (*process, error) {
	home := filepath.Join(d.bench.dir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	env := []string{d.screen(), "WAYLAND_DISPLAY=", "DBUS_SESSION_BUS_ADDRESS=" + strings.TrimSpace(string(d.bus.first)), "HOME=" + home,
		"XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "XDG_RUNTIME_DIR=" + home, "LANG=en_US.UTF-8"}
	return launch(ctx, env, false, d.bench.app, "--hub", d.home.Socket)
}

// do has xdotool press keys or move the mouse.
func (d *desk) do(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "xdotool", args...)
	cmd.Env = append(os.Environ(), d.screen())
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("xdotool %s: %w\n%s", args[0], err, said)
	}
	return nil
}

// visit opens a page or a thing by its name, with the search.
func (d *desk) visit(ctx context.Context, name string) error {
	for _, step := range [][]string{{"key", "ctrl+k"}, {"type", "--delay", "30", name}, {"key", "Return"}} {
		if err := d.do(ctx, step...); err != nil {
			return err
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
