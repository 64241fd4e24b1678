package holders_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/hub/privacy/holders"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

// The child process that forgets, and is killed at a step.
const (
	envDir  = "INGLE_FORGETS_IN"
	envStep = "INGLE_DIES_AT"

	canary      = "Vexillina"
	canarySteps = 7310900 // the least of them
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		if err := forgets(dir, os.Getenv(envStep)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(vaulttest.Main(m.Run))
}

// hub is the part of a hub that forgets, on a real store.
type hub struct {
	store *records.Store
	vault *vault.Vault
	blobs *blobs.Store
	home  *home.Home
	desk  *privacy.Desk
	rows  holders.Rows
	films holders.Films
	made  *holders.Choices
}

func (h *hub) close() error { return errors.Join(h.blobs.Close(), h.store.Close(), h.vault.Close()) }

// Epoch and Renew implement privacy.Sealer.
func (h *hub) Epoch() uint64                   { return h.vault.Epoch() }
func (h *hub) Renew(ctx context.Context) error { return h.store.Rotate(ctx, h.vault) }

// band is a watch that can be reset, and counts it in a file, as a real one would have it done.
type band struct {
	device.Session
	path string
}

func (b band) Holds(context.Context) ([]device.Holding, error) {
	if _, err := os.Stat(b.path); err == nil {
		return nil, nil
	}
	return []device.Holding{{What: "holding.positions", Class: trait.Personal}}, nil
}

func (b band) Reset(context.Context) error { return os.WriteFile(b.path, nil, 0o600) }

// openHub opens what a hub has in dir; more are holders besides.
func openHub(ctx context.Context, dir string, v *vault.Vault, reached func(string), more ...privacy.Holder) (*hub, error) {
	h := &hub{vault: v}
	var err error
	if h.store, err = records.Open(dir, v, archive.Personal()...); err != nil {
		return nil, err
	}
	if h.blobs, err = blobs.Open(ctx, dir, h.store, blobs.Options{Limits: archive.ClipLimits(0)}); err != nil {
		return nil, err
	}
	if h.home, err = home.Open(ctx, archive.Home{Store: h.store}); err != nil {
		return nil, err
	}
	if h.made, err = holders.OpenChoices(ctx, h.store); err != nil {
		return nil, err
	}
	clips := archive.Clips{Store: h.blobs}
	h.rows = holders.Rows{Store: h.store, Home: h.home}
	h.films = holders.Films{Clips: func() record.Clips { return record.Clips{Store: clips} }, Drop: clips.Forget}
	devices := &holders.OnDevices{Home: h.home.Contents, Session: func(string) device.Session { return band{path: dir + ".reset"} }}
	presence := archive.Document[map[string]time.Time]{Store: h.store, Name: "presence"}
	list := []privacy.Holder{h.rows, h.films, devices, holders.Things{Home: h.home, Waits: devices.Waits, Remove: func(ctx context.Context, id string) error {
		if err := clips.Forget(ctx, id); err != nil {
			return err
		}
		return h.home.RemoveAccessory(ctx, id)
	}}, holders.Names{Home: h.home}, holders.Papers{holders.Times("presence", presence, func(privacy.Scope) {}), holders.Choice(h.made)}}
	h.desk = privacy.New(privacy.Options{
		Holders: append(list, more...), Sealer: h, Log: slog.New(slog.DiscardHandler), Reached: reached,
		Journal: holders.Journal{Store: h.store, Choices: h.made, Older: func() ([][]byte, error) { return nil, nil }},
		Key:     func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) },
		Search: func(ctx context.Context, words []string) (int64, int, error) {
			return holders.Search(ctx, dir, words)
		},
		Emptied: func(epoch uint64) (bool, error) { return holders.Emptied(dir, epoch) },
	})
	return h, nil
}

// fill has two people live in a new hub.
func (h *hub) fill(ctx context.Context) error {
	readings := archive.Readings{Store: h.store}
	for _, name := range []string{canary, "Noor"} {
		p, err := h.home.AddPerson(ctx, name, home.Member)
		if err != nil {
			return err
		}
		a, err := h.home.AddAccessory(ctx, home.Accessory{Name: name + " Band", Kind: "watch", Person: p.ID}, map[string]string{"password": name})
		if err != nil {
			return err
		}
		z, err := h.home.AddZone(ctx, home.Zone{Name: name + "s Hof", Lat: 52, Lon: 5, Radius: 100})
		if err != nil {
			return err
		}
		for i := range 20 {
			r := trait.Steps.Of(canarySteps+i, time.Now().Add(-time.Duration(i)*time.Minute))
			if err := readings.Keep(ctx, a, r); err != nil {
				return err
			}
		}
		if err := readings.Keep(ctx, a, trait.SOS.Of(true, time.Now())); err != nil {
			return err
		}
		presence := archive.Document[map[string]time.Time]{Store: h.store, Name: "presence"}
		inside, err := presence.Load(ctx)
		if err != nil && !errors.Is(err, archive.ErrNone) {
			return err
		}
		if inside == nil {
			inside = map[string]time.Time{}
		}
		inside[home.PresenceID(p.ID, z.ID)] = time.Now()
		err = errors.Join(presence.Save(ctx, inside), h.made.Change(ctx, func(c *privacy.Choices) {
			c.Set(privacy.Rule{Category: privacy.Location, Person: p.ID, Days: 3})
			c.Note(privacy.Consent{Person: p.ID, What: "location"})
		}))
		if err != nil {
			return err
		}
	}
	return nil
}

// scope is all of the person with the canary's name.
func (h *hub) scope() (s privacy.Scope, err error) {
	has := h.home.Contents()
	p, err := has.Person(canary)
	if err != nil {
		return s, err
	}
	s = privacy.Scope{Person: p.ID}
	s.Zones, s.Naming = has.Naming(p)
	for _, a := range has.Accessories {
		if a.Person == p.ID {
			s.Devices = append(s.Devices, a.ID)
		}
	}
	return s, nil
}

// forgets is the child: it forgets the canary, and dies at a step.
func forgets(dir, step string) error {
	ctx := context.Background()
	v, err := vaulttest.Open(dir)
	if err != nil {
		return err
	}
	h, err := openHub(ctx, dir, v, func(now string) {
		if now == step {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	})
	if err != nil {
		return err
	}
	s, err := h.scope()
	if err != nil {
		return err
	}
	if _, err := h.desk.Forget(ctx, s, canary); err != nil {
		return err
	}
	return h.close()
}

// Killed at any step, a forgetting that was journalled is completed by the next start, with one receipt.
func TestKilledAtEachStep(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"journal", "rows", "films", "devices", "things", "names", "papers", "renewed", "receipt"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			killed(t, step)
		})
	}
}

func killed(t *testing.T, step string) {
	dir, ctx := t.TempDir(), t.Context()
	if err := vaulttest.Give(dir); err != nil {
		t.Fatal(err)
	}
	h := must(openHub(ctx, dir, must(vaulttest.Open(dir))(t), nil))(t)
	if err := errors.Join(h.fill(ctx), h.close()); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=none")
	child.Env = append(os.Environ(), envDir+"="+dir, envStep+"="+step)
	said, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the child was not killed at %s: %v %s", step, err, said)
	}
	h = must(openHub(ctx, dir, must(vaulttest.Open(dir))(t), nil))(t)
	defer h.close()
	for range 2 { // the second time there is nothing to do
		if waits, err := h.desk.Resume(ctx); err != nil || waits != 0 {
			t.Fatalf("%d wait: %v", waits, err)
		}
	}
	h.judge(t)
}

// judge wants the canary gone, the other there, and one receipt that is good.
func (h *hub) judge(t *testing.T) {
	t.Helper()
	all := must(h.desk.Journal.Receipts(t.Context()))(t)
	if len(all) != 1 {
		t.Fatalf("there are %d receipts", len(all))
	}
	r := must(receipt.Verify(all[0]))(t)
	if !r.Done || r.Scope != "person" || strings.Contains(string(all[0]), canary) {
		t.Errorf("the receipt says %s", all[0])
	}
	before := 0
	for _, c := range r.Counts {
		if before += c.Before; c.After != 0 {
			t.Errorf("of %s there is %d", c.Kind, c.After)
		}
	}
	if before < 20 {
		t.Errorf("the receipt counts %d things", before)
	}
	if left := must(h.desk.Journal.Entries(t.Context()))(t); len(left) != 0 {
		t.Errorf("the journal has %+v", left)
	}
	has := h.home.Contents()
	if len(has.People) != 1 || len(has.Zones) != 1 || len(has.Accessories) != 1 || has.People[0].Name != "Noor" {
		t.Errorf("left is %+v", has)
	}
	items := must(h.desk.Inventory(t.Context(), privacy.Scope{Person: has.People[0].ID, Devices: []string{has.Accessories[0].ID}}))(t)
	kinds := map[string]int{}
	for _, i := range items {
		kinds[i.Kind] += i.Count
	}
	for kind, n := range map[string]int{"person": 1, "activity": 20, "alarm": 1, "choice": 2, "presence": 1, "accessory": 1, "secrets": 1} {
		if kinds[kind] != n {
			t.Errorf("of the other there is %v", kinds)
		}
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
