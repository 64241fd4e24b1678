package onvif_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/devicetest"
	"github.com/ingle-home/ingle/accessories/onvif"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
)

// drawer is where the hub keeps what a driver gives it.
type drawer struct {
	config  device.Config
	secrets map[string]device.Secret
	kept    int
	fail    int // which keep fails; 0 = none
}

func newDrawer(c *sim.Sim) *drawer {
	d := &drawer{config: config(c, "admin", "admin"), secrets: map[string]device.Secret{"password": device.NewSecret("admin")}}
	d.config.Secret = func(key string) device.Secret { return d.secrets[key] }
	return d
}

var errDrawer = errors.New("the drawer is jammed")

func (d *drawer) keep(k device.Keys) error {
	if d.kept++; d.kept == d.fail {
		return errDrawer
	}
	d.config.Fields = maps.Clone(d.config.Fields)
	for key, text := range k.Fields {
		d.config.Fields[key] = text
		if text == "" {
			delete(d.config.Fields, key)
		}
	}
	d.secrets = maps.Clone(d.secrets)
	d.config.Secret = func(secrets map[string]device.Secret) func(string) device.Secret {
		return func(key string) device.Secret { return secrets[key] }
	}(d.secrets)
	for key, secret := range k.Secrets {
		d.secrets[key] = secret
	}
	return nil
}

// reopen comes back as after a restart: with a new driver, and with what was kept.
func (d *drawer) reopen(t *testing.T) device.Session {
	t.Helper()
	d.config.Net = devicetest.NewWorld()
	s, err := onvif.New().Open(t.Context(), d.config)
	if err != nil {
		t.Fatalf("locked out: %v", err)
	}
	return s
}

func rekey(t *testing.T, s device.Session, d *drawer) error {
	t.Helper()
	return s.(device.Rekeyable).Rekey(t.Context(), d.keep)
}

// safe wants the camera to open with what was kept, to call its password its own, and to have
// forgotten the old one.
func (d *drawer) safe(t *testing.T, c *sim.Sim) {
	t.Helper()
	s := d.reopen(t)
	if answers(t, s)["own-password"] != device.Yes {
		t.Error("the label does not call it a password of its own")
	}
	if _, err := s.(device.Snapper).Snap(t.Context()); err != nil {
		t.Error(err)
	}
	old := config(c, "admin", "admin")
	if _, err := onvif.New().Open(t.Context(), old); !errors.Is(err, device.ErrRefused) {
		t.Errorf("with the old password: %v", err)
	}
	if !d.secrets["old-password"].Empty() || d.config.Fields["old-user"] != "" {
		t.Error("the old password is still kept")
	}
}

func TestRekey(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sim.Options{
		"token": {}, "MD5": {Digest: "MD5"}, "SHA-256": {Digest: "SHA-256"}, "a nonce once": {Digest: "MD5", Once: true}, "ten hours off": {Skew: 10 * time.Hour},
		"first user cannot change": {Fixed: true}, "one user": {Single: true}, "one user that denies": {Single: true, Denies: true},
		"lockout": {Lockout: time.Hour}, "no still pictures": {NoStill: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.User, o.Password = "admin", "admin"
			c := camera(t, o)
			d := newDrawer(c)
			s := d.reopen(t)
			if err := rekey(t, s, d); err != nil {
				t.Fatal(err)
			}
			watch(t, s, "main", false, 2) // the session goes on
			password := d.secrets["password"].Reveal()
			if !regexp.MustCompile(`^[A-Za-z0-9]{24}$`).MatchString(password) {
				t.Error("the password is not 24 letters and digits")
			}
			if users := state(c).Users; !o.Single && users[d.config.Fields["user"]] != "Operator" {
				t.Errorf("users: %v", users)
			}
			if o.NoStill {
				return // safe wants one
			}
			d.safe(t, c)
			watch(t, d.reopen(t), "main", false, 2)
			first := d.config.Fields["user"]
			if err := rekey(t, d.reopen(t), d); err != nil { // once more, with passwords that are its own
				t.Fatal(err)
			}
			d.safe(t, c)
			users := state(c).Users
			if _, still := users[first]; still != o.Single || len(users) > 3 {
				t.Errorf("the users are then %v", users)
			}
		})
	}
}

// Whatever is cut off, before the camera did it or after, the household gets in afterwards and the
// change can be finished.
func TestRekeyInterruptedAnywhere(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sim.Options{
		"token": {}, "digest": {Digest: "SHA-256"}, "one user": {Single: true}, "fixed": {Fixed: true},
	} {
		o.User, o.Password, o.Lockout = "admin", "admin", time.Hour
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s after=%v", name, after), func(t *testing.T) {
				t.Parallel()
				steps := 0
				for n := 1; ; n++ {
					if n > 60 {
						t.Fatal("there is no end to it")
					}
					c := camera(t, o)
					d := newDrawer(c)
					s := d.reopen(t)
					c.CutAt(n, after)
					err := rekey(t, s, d)
					c.CutAt(0, false)
					again := d.reopen(t) // or it is locked out
					if err == nil {
						steps = n
						d.safe(t, c)
						_ = c.Close()
						break
					}
					if err := rekey(t, again, d); err != nil {
						t.Fatalf("step %d: then it cannot be finished: %v", n, err)
					}
					d.safe(t, c)
					_ = c.Close()
				}
				if steps < 8 {
					t.Fatalf("only %d steps were cut", steps)
				}
				t.Logf("cut at each of %d steps", steps-1)
			})
		}
	}
}

// The way to the streams is cut at each request that goes there, in the first change of passwords and in
// a later one: what was kept opens the camera at every moment, and both accounts are the camera's in the end.
func TestRekeyCutOffAtTheStreams(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sim.Options{"token": {}, "one user": {Single: true}, "fixed": {Fixed: true}} {
		o.User, o.Password, o.Lockout = "admin", "admin", time.Hour
		for _, before := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d before", name, before), func(t *testing.T) {
				t.Parallel()
				n := 1
				for cutOffAt(t, o, n, before) {
					if n++; n > 40 {
						t.Fatal("there is no end to it")
					}
				}
				if n < 4 {
					t.Fatalf("only %d requests were cut", n-1)
				}
				t.Logf("cut at each of %d requests", n-1)
			})
		}
	}
}

// cutOffAt changes a camera's passwords, cuts the nth request to its streams and reports whether there was one.
func cutOffAt(t *testing.T, o sim.Options, n, before int) bool {
	t.Helper()
	c := camera(t, o)
	defer c.Close()
	d := newDrawer(c)
	for range before {
		if err := rekey(t, d.reopen(t), d); err != nil {
			t.Fatal(err)
		}
	}
	s := d.reopen(t)
	c.CutStreamAt(n)
	err := rekey(t, s, d)
	c.CutStreamAt(0)
	cut := state(c).Streams.Cut > 0
	again := d.reopen(t) // or it is locked out
	if err != nil {
		if err := rekey(t, again, d); err != nil {
			t.Fatalf("request %d: then it cannot be finished: %v", n, err)
		}
	}
	d.safe(t, c)
	watch(t, d.reopen(t), "main", false, 1)
	users := state(c).Users
	for _, field := range []string{"user", "admin"} {
		if name := d.config.Fields[field]; name != "" && users[name] == "" {
			t.Errorf("request %d: the camera does not know its %s: %v", n, field, users)
		}
	}
	if two := d.config.Fields["admin"] != ""; two == o.Single {
		t.Errorf("request %d: an administrator of its own: %v", n, two)
	}
	return cut
}

// The same session goes on after it was interrupted, and with the same plan.
func TestRekeyAgainInTheSameSession(t *testing.T) {
	c := camera(t, sim.Options{User: "admin", Password: "admin"})
	d := newDrawer(c)
	s := d.reopen(t)
	for n := 1; n < 12; n += 3 {
		c.CutAt(n, true)
		if err := rekey(t, s, d); err == nil {
			break
		}
	}
	c.CutAt(0, false)
	if err := rekey(t, s, d); err != nil {
		t.Fatal(err)
	}
	d.safe(t, c)
	if n := len(state(c).Users); n != 3 {
		t.Errorf("there are %d users: %v", n, state(c).Users)
	}
}

// Nothing is sent that was not kept.
func TestRekeyKeepsFirst(t *testing.T) {
	for name, o := range map[string]sim.Options{"two users": {}, "one user": {Single: true}} {
		for fail := 1; fail <= 3; fail++ {
			t.Run(fmt.Sprintf("%s, keep %d fails", name, fail), func(t *testing.T) {
				o.User, o.Password = "admin", "admin"
				c := camera(t, o)
				d := newDrawer(c)
				d.fail = fail
				err := rekey(t, d.reopen(t), d)
				if err != nil && !errors.Is(err, errDrawer) {
					t.Fatal(err)
				}
				if fail == 1 && len(state(c).Users) != 1 {
					t.Fatal("users were made though nothing could be kept")
				}
				d.fail = 0
				if s := d.reopen(t); err != nil {
					if err := rekey(t, s, d); err != nil {
						t.Fatal(err)
					}
				}
				d.safe(t, c)
			})
		}
	}
}

// A camera whose streams still take the old password, or never take the new one, is not called safe,
// and nobody is locked out.
func TestRekeyLooksAtEveryDoor(t *testing.T) {
	for name, o := range map[string]sim.Options{"streams of old": {Stale: true}, "streams of their own": {Split: true}} {
		t.Run(name, func(t *testing.T) {
			o.User, o.Password = "admin", "admin"
			c := camera(t, o)
			d := newDrawer(c)
			err := rekey(t, d.reopen(t), d)
			if !errors.Is(err, device.ErrRefused) {
				t.Fatalf("it says %v", err)
			}
			s := d.reopen(t)
			if answers(t, s)["own-password"] != device.No {
				t.Error("the label calls it a password of its own")
			}
			if err := rekey(t, s, d); !errors.Is(err, device.ErrRefused) {
				t.Fatalf("the second time it says %v", err)
			}
			d.reopen(t)
		})
	}
	if err := rekeyOf(t, camera(t, sim.Options{Open: true})); !errors.Is(err, device.ErrUnsupported) {
		t.Errorf("a camera that lets everybody in: %v", err)
	}
}

func rekeyOf(t *testing.T, c *sim.Sim) error {
	t.Helper()
	s, err := onvif.New().Open(t.Context(), config(c, "admin", "admin"))
	if err != nil {
		t.Fatal(err)
	}
	return s.(device.Rekeyable).Rekey(t.Context(), func(device.Keys) error { return nil })
}

// Somebody who is no administrator cannot change anything, and is told so.
func TestRekeyNeedsAnAdministrator(t *testing.T) {
	c := camera(t, sim.Options{User: "admin", Password: "admin"})
	d := newDrawer(c)
	if err := rekey(t, d.reopen(t), d); err != nil {
		t.Fatal(err)
	}
	plain := config(c, d.config.Fields["user"], d.secrets["password"].Reveal())
	s := open(t, plain)
	before := state(c).Users
	if err := s.(device.Rekeyable).Rekey(t.Context(), d.keep); !errors.Is(err, device.ErrRefused) {
		t.Errorf("an operator: %v", err)
	}
	if !maps.Equal(before, state(c).Users) {
		t.Error("users changed")
	}
	d.config = plain
	d.config.Secret = plain.Secret
}

// No password gets into the log or an error, whatever goes wrong.
func TestRekeyTellsNobody(t *testing.T) {
	for name, o := range map[string]sim.Options{"all well": {}, "streams of old": {Stale: true}, "one user": {Single: true, Denies: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.User, o.Password = "admin", "admin"
			c := camera(t, o)
			d := newDrawer(c)
			var log bytes.Buffer
			d.config.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			for _, n := range []int{3, 7, 11, 0} { // cut at, and at last not
				s := d.reopen(t)
				c.CutAt(n, true)
				err := rekey(t, s, d)
				c.CutAt(0, false)
				fmt.Fprint(&log, err)
				for key, secret := range d.secrets {
					if text := secret.Reveal(); len(text) > 5 && strings.Contains(log.String(), text) {
						t.Errorf("%s is told", key)
					}
				}
			}
			if d.kept == 0 || log.Len() == 0 {
				t.Error("nothing was kept, or nothing said")
			}
		})
	}
}
