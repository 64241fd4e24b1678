package servers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
	"github.com/ingle-home/ingle/hub/homekit/servers"
)

const patience = 30 * time.Second

// disk is what outlives a restart: as text, so that nothing is shared with what runs.
type disk struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (d *disk) names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.files))
}

func (d *disk) all() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for name, text := range d.files {
		fmt.Fprintf(&b, "%s %s\n", name, text)
	}
	return b.String()
}

// file is one document on a disk.
type file[T any] struct {
	disk *disk
	name string
	none error
}

func (f file[T]) Load(context.Context) (T, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	var v T
	text, ok := f.disk.files[f.name]
	if !ok {
		return v, f.none
	}
	return v, json.Unmarshal(text, &v)
}

func (f file[T]) Save(_ context.Context, v T) error {
	text, err := json.Marshal(v)
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.files[f.name] = text
	return err
}

// voice keeps what the network would be told.
type voice struct {
	mu   sync.Mutex
	said map[string]map[string]string
}

func (v *voice) Set(instance string, _ int, txt map[string]string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said[instance] = maps.Clone(txt)
	return nil
}

func (v *voice) Remove(instance string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.said, instance)
}

// txt is what is announced for a server, nil where it is not.
func (v *voice) txt(deviceID string) map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, txt := range v.said {
		if txt["id"] == deviceID {
			return maps.Clone(txt)
		}
	}
	return nil
}

func (v *voice) all() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return fmt.Sprint(v.said)
}

// world is a house with real servers on loopback, on a disk that outlives it.
type world struct {
	*testing.T
	disk    *disk
	voice   *voice
	bus     *bus.Bus
	health  *health.List
	house   *homekit.House
	servers *servers.Servers
	end     func()

	mu     sync.Mutex
	done   []string // commands
	camera func(a home.Accessory) (homekit.Camera, error)
	obey   func(ctx context.Context, accessory string, cmd trait.Command) error
	listen func(key string) string
	log    notes
}

// start starts a house on a disk; it ends with the test or with w.end.
func start(t *testing.T, d *disk) *world {
	t.Helper()
	w := &world{T: t, disk: d, voice: &voice{said: map[string]map[string]string{}}, bus: bus.New(), health: health.New(time.Now, nil)}
	house, err := homekit.Open(t.Context(), homekit.Options{
		Bus: w.bus, Do: w.do, IDs: file[homekit.Register]{d, "numbers", nil}, Log: w.log.logger(), Faults: w.health,
		Camera: func(a home.Accessory, _ bool) (homekit.Camera, error) {
			if w.camera == nil {
				return homekit.Camera{}, fmt.Errorf("%s has no pictures", a.ID)
			}
			return w.camera(a)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.house = house
	w.servers = servers.New(servers.Options{
		House: house, Voice: w.voice, Faults: w.health, Log: w.log.logger(),
		Memory: func(key string) hap.Memory { return file[hap.State]{d, "server " + key, hap.ErrNoState} },
		Address: func(key string) string {
			if w.listen != nil {
				return w.listen(key)
			}
			return "127.0.0.1:0"
		},
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ran := make(chan error, 1)
	go func() { ran <- house.Run(ctx) }()
	w.end = sync.OnceFunc(func() {
		w.servers.Close()
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("the house ended with %v", err)
		}
		w.bus.Close()
	})
	t.Cleanup(w.end)
	return w
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
	w.Helper()
	if err := w.servers.Show(w.Context(), c, offers); err != nil {
		w.Fatal(err)
	}
}

func (w *world) says(accessory string, r trait.Reading) {
	w.bus.Publish(bus.Change{Accessory: accessory, Reading: r})
}

func (w *world) status(key string) servers.Status {
	w.Helper()
	s, err := w.servers.Find(key)
	if err != nil {
		w.Fatalf("%s: %v", key, err)
	}
	return s
}

func (w *world) address(key string) string {
	w.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(w.status(key).Port))
}

// pair pairs with a server by the code that its owner sees.
func (w *world) pair(key string) haptest.Credentials {
	w.Helper()
	creds, err := haptest.Pair(w.Context(), w.address(key), w.status(key).Setup.Code, haptest.Options{})
	if err != nil {
		w.Fatalf("%s: %v", key, err)
	}
	return creds
}

// troubles lists what people are told.
func (w *world) troubles() string {
	var list []string
	for _, t := range w.health.All() {
		list = append(list, strings.TrimSpace(t.Code+" "+t.Subject))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// soon asks until it is true.
func (w *world) soon(what string, is func() bool) {
	w.Helper()
	end := time.NewTimer(patience)
	defer end.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-end.C:
			w.Fatalf("in vain: %s", what)
		}
	}
}

// settle returns when everything that was said before has arrived: the bus keeps the order, and a toy
// that says what cannot be shows in the troubles.
func (w *world) settle(toy string) {
	w.Helper()
	trouble := homekit.CodeMisfit + " " + toy
	w.says(toy, trait.Speed.Of(101, time.Now()))
	w.soon("a trouble", func() bool { return strings.Contains(w.troubles(), trouble) })
	w.says(toy, trait.Speed.Of(0, time.Now()))
	w.soon("its end", func() bool { return !strings.Contains(w.troubles(), trouble) })
}

// toys are many of them, called "Toy 1" and so on.
func toys(from, to int) []home.Accessory {
	var all []home.Accessory
	for i := from; i <= to; i++ {
		all = append(all, home.Accessory{ID: fmt.Sprintf("a-%d", i), Name: fmt.Sprintf("Toy %d", i), Kind: "toy"})
	}
	return all
}
