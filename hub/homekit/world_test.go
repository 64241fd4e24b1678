package homekit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

// paper keeps a register as it would lie on a disk.
type paper struct {
	mu    sync.Mutex
	text  []byte
	fails error
}

func (p *paper) Load(context.Context) (homekit.Register, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var r homekit.Register
	if p.text == nil {
		return r, nil
	}
	err := json.Unmarshal(p.text, &r)
	return r, err
}

func (p *paper) Save(_ context.Context, r homekit.Register) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails != nil {
		return p.fails
	}
	var err error
	p.text, err = json.Marshal(r)
	return err
}

// world is a house with a bus and things that obey, or do what obey says.
type world struct {
	t       *testing.T
	bus     *bus.Bus
	paper   *paper
	house   *homekit.House
	servers []homekit.Server

	mu     sync.Mutex
	done   []string // commands
	fitted []string // cameras made and closed
	obey   func(ctx context.Context, accessory string, cmd trait.Command) error
}

func newWorld(t *testing.T, p *paper) *world {
	w := &world{t: t, bus: bus.New(), paper: p}
	house, err := homekit.Open(t.Context(), homekit.Options{Bus: w.bus, Do: w.do, Camera: w.camera, IDs: p})
	if err != nil {
		t.Fatal(err)
	}
	w.house = house
	return w
}

// run starts the house for as long as the test lasts.
func (w *world) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.house.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Run ended with %v", err)
		}
	})
}

func (w *world) do(ctx context.Context, accessory string, cmd trait.Command) error {
	w.mu.Lock()
	w.done = append(w.done, fmt.Sprintf("%s %s %s", accessory, cmd.Trait.ID(), cmd.JSON()))
	obey := w.obey
	w.mu.Unlock()
	if obey == nil {
		return nil
	}
	return obey(ctx, accessory, cmd)
}

// did gives what was commanded since the last call.
func (w *world) did() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := strings.Join(w.done, ", ")
	w.done = nil
	return all
}

func (w *world) show(c home.Contents, offers map[string]homekit.Offer) {
	w.t.Helper()
	servers, err := w.house.Show(w.t.Context(), c, offers)
	if err != nil {
		w.t.Fatal(err)
	}
	w.servers = servers
}

func (w *world) says(accessory string, r trait.Reading) {
	w.bus.Publish(bus.Change{Accessory: accessory, Reading: r})
	synctest.Wait()
}

// named finds an accessory by its name on any server.
func (w *world) named(name string) *hap.Accessory {
	w.t.Helper()
	for _, s := range w.servers {
		for _, a := range s.Accessories {
			if nameOf(a) == name {
				return a
			}
		}
	}
	w.t.Fatalf("nothing is called %q", name)
	return nil
}

// of finds a characteristic by "name/service type/characteristic type".
func (w *world) of(path string) *hap.Characteristic {
	w.t.Helper()
	parts := strings.Split(path, "/")
	s := w.named(parts[0]).Service(parts[1])
	if s == nil || s.Characteristic(parts[2]) == nil {
		w.t.Fatalf("there is no %s", path)
	}
	return s.Characteristic(parts[2])
}

// reads checks a value and a status.
func (w *world) reads(path, value string, status hap.Status) {
	w.t.Helper()
	if v, s := w.of(path).Value(); v.String() != value || s != status {
		w.t.Errorf("%s is %s with status %d, want %s with %d", path, v, s, value, status)
	}
}

// write writes as a controller does, but for what the server adds.
func (w *world) write(path string, v hap.Value) error {
	w.t.Helper()
	_, err := w.of(path).OnWrite(w.t.Context(), &hap.Peer{}, v)
	return err
}

func nameOf(a *hap.Accessory) string {
	v, _ := a.Service("3E").Characteristic("23").Value()
	return v.Text()
}

// camera stands where the stream sender is plugged in: real characteristics, as a camera has them.
func (w *world) camera(a home.Accessory, _ bool) (homekit.Camera, error) {
	if a.Address == "broken" {
		return homekit.Camera{}, fmt.Errorf("%s is broken", a.ID)
	}
	note := func(what string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.fitted = append(w.fitted, what+" "+a.ID)
	}
	note("made")
	stream := func() *hap.Service {
		return &hap.Service{Type: "110", Characteristics: []*hap.Characteristic{
			{Type: "114", Format: hap.FormatTLV8, Perms: hap.PermRead},
			{Type: "120", Format: hap.FormatTLV8, Perms: hap.PermRead | hap.PermEvents},
		}}
	}
	return homekit.Camera{
		Services: []*hap.Service{stream(), stream()},
		Snapshot: func(_ context.Context, width, height int) ([]byte, error) {
			return fmt.Appendf(nil, "%s %dx%d", a.ID, width, height), nil
		},
		Close: func() { note("closed") },
	}, nil
}

// family is the demo home.
func family() home.Contents {
	return home.Contents{
		People: []home.Person{{ID: "p-mia", Name: "Mia", Role: home.Member}, {ID: "p-sam", Name: "Sam", Role: home.Owner}},
		Zones:  []home.Zone{{ID: "z-home", Name: "Home"}, {ID: "z-school", Name: "School"}},
		Accessories: []home.Accessory{
			{ID: "a-porch", Name: "Porch", Kind: "camera", Alone: true},
			{ID: "a-garden", Name: "Garden", Kind: "camera"},
			{ID: "a-watch", Name: "Mia's watch", Kind: "watch", Person: "p-mia"},
			{ID: "a-rocket", Name: "Rocket", Kind: "toy"},
		},
	}
}

func offers() map[string]homekit.Offer {
	return map[string]homekit.Offer{
		"a-rocket": {Model: "Rocket 3", Steps: 20, Traits: []string{"speed", "battery"}},
		"a-watch":  {Maker: "SeTracker", Model: "G", Firmware: "G33_V1.02 2019", Traits: []string{"find", "battery"}},
	}
}

func without(c home.Contents, accessory string) home.Contents {
	c.Accessories = slices.DeleteFunc(slices.Clone(c.Accessories), func(a home.Accessory) bool { return a.ID == accessory })
	return c
}

func now() time.Time { return time.Now() }
