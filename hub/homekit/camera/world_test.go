package camera_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/homekit/camera"
	"github.com/ingle-home/ingle/hub/stream"
)

// TestMain lets more tests run at once than there are processors: they mostly wait for pictures.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// until waits for something that happens soon, or some time on a busy machine.
func until(t *testing.T, what string, is func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("%s: not after %v", what, time.Since(begin))
		}
		<-tick.C
	}
	return time.Since(begin)
}

// Where servers and receivers are.
const v4, v6 = "127.0.0.1", "::1"

// wish is what a controller asks for.
type wish struct {
	id      string
	address string
	video   []byte // key and salt
	audio   []byte
}

func newWish(id byte) wish {
	return wish{
		id: string(bytes.Repeat([]byte{id}, 16)), address: v4,
		video: bytes.Repeat([]byte{id ^ 0x55}, 30), audio: bytes.Repeat([]byte{id ^ 0xAA}, 30),
	}
}

func keyFields(secret []byte) []byte {
	return haptest.Pack(haptest.Field{Type: 1, Value: []byte{0}}, haptest.Field{Type: 2, Value: secret[:16]}, haptest.Field{Type: 3, Value: secret[16:]})
}

func two(n uint16) []byte { return []byte{byte(n), byte(n >> 8)} }

func four(n uint32) []byte { return append(two(uint16(n)), two(uint16(n>>16))...) }

// setup is SetupEndpoints as a controller writes it.
func (w wish) setup(port uint16) []byte { return w.setupBoth(port, port) }

func (w wish) setupBoth(video, audio uint16) []byte {
	version := byte(0)
	if w.address == v6 {
		version = 1
	}
	where := haptest.Pack(haptest.Field{Type: 1, Value: []byte{version}}, haptest.Field{Type: 2, Value: []byte(w.address)},
		haptest.Field{Type: 3, Value: two(video)}, haptest.Field{Type: 4, Value: two(audio)})
	return haptest.Pack(haptest.Field{Type: 1, Value: []byte(w.id)}, haptest.Field{Type: 3, Value: where},
		haptest.Field{Type: 4, Value: keyFields(w.video)}, haptest.Field{Type: 5, Value: keyFields(w.audio)})
}

// selection is SelectedRTPStreamConfiguration; Reconfigure asks for datagrams of 800 bytes.
func (w wish) selection(command byte, ssrc uint32) []byte {
	control := haptest.Field{Type: 1, Value: haptest.Pack(haptest.Field{Type: 1, Value: []byte(w.id)}, haptest.Field{Type: 2, Value: []byte{command}})}
	var packets []byte
	switch command {
	case start:
		packets = haptest.Pack(haptest.Field{Type: 1, Value: []byte{99}}, haptest.Field{Type: 2, Value: four(ssrc)},
			haptest.Field{Type: 3, Value: two(4096)}, haptest.Field{Type: 4, Value: []byte{0, 0, 0, 0x3f}}, haptest.Field{Type: 5, Value: two(1378)})
	case reconfigure:
		packets = haptest.Pack(haptest.Field{Type: 3, Value: two(300)}, haptest.Field{Type: 4, Value: four(0)}, haptest.Field{Type: 5, Value: two(800)})
	default:
		return haptest.Pack(control)
	}
	return haptest.Pack(control, haptest.Field{Type: 2, Value: haptest.Pack(haptest.Field{Type: 1, Value: []byte{0}}, haptest.Field{Type: 4, Value: packets})})
}

type loopback struct{}

func (loopback) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (loopback) Listen(context.Context, string) (net.Listener, error) { return nil, device.ErrRefused }

// porch is a simulated camera behind the real driver, source and HomeKit server.
type porch struct {
	t        *testing.T
	host     string
	sim      *sim.Sim
	source   *stream.Source
	camera   *camera.Camera
	services []*hap.Service
	address  string
	creds    haptest.Credentials
}

func newPorch(t *testing.T, host string) *porch {
	t.Helper()
	return newPorchWith(t, host, stream.Options{})
}

func newPorchWith(t *testing.T, host string, o stream.Options) *porch {
	t.Helper()
	return newPorchOf(t, host, o, "")
}

// newPorchOf has a microphone that gives a codec; "" is none.
func newPorchOf(t *testing.T, host string, o stream.Options, sound media.Codec) *porch {
	t.Helper()
	box, err := sim.Start(sim.Options{Width: 640, Height: 360, FPS: 30, GOP: 1, Sound: sound, Dir: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	session, err := rtsp.New().Open(t.Context(), device.Config{
		Address: box.Address(), Fields: map[string]string{rtsp.FieldUser: "hub"},
		Secret: func(string) device.Secret { return device.NewSecret("porch-light") },
		Net:    loopback{}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &porch{t: t, host: host, sim: box, source: stream.New(func(ctx context.Context, out func(*media.Unit)) error {
		return session.(device.Viewable).Watch(ctx, "main", sound != "", out)
	}, o)}
	t.Cleanup(func() { _ = p.source.Close() })
	p.camera = camera.New(camera.Options{Source: p.source, Sound: always})
	t.Cleanup(p.camera.Close)
	p.services = p.camera.Services()
	p.serve()
	return p
}

func (p *porch) serve() {
	p.t.Helper()
	server, err := hap.New(p.t.Context(), hap.Options{
		Name: "Porch", Model: "Test", Category: 17, Memory: &hap.Fleeting{},
		Snapshot: func(ctx context.Context, want hap.Picture) ([]byte, error) {
			return p.camera.Snapshot(ctx, want.Width, want.Height)
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	a := &hap.Accessory{AID: 1, Services: append([]*hap.Service{information(p.t), protocol(p.t)}, p.services...)}
	iid := uint64(1)
	for _, s := range a.Services {
		s.IID, iid = iid, iid+1
		for _, c := range s.Characteristics {
			c.IID, iid = iid, iid+1
		}
	}
	if err := server.Publish(p.t.Context(), a); err != nil {
		p.t.Fatal(err)
	}
	l, err := server.Listen(p.t.Context(), net.JoinHostPort(p.host, "0"))
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, l) }()
	p.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			p.t.Errorf("Serve ended with %v", err)
		}
	})
	p.address = l.Addr().String()
	if p.creds, err = haptest.Pair(p.t.Context(), p.address, server.Setup().Code, haptest.Options{}); err != nil {
		p.t.Fatal(err)
	}
}

func information(t *testing.T) *hap.Service {
	t.Helper()
	s := &hap.Service{Type: "3E", Characteristics: []*hap.Characteristic{{Type: "14", Format: hap.FormatBool, Perms: hap.PermWrite}}}
	for _, typ := range []string{"20", "21", "23", "30", "52", "E3"} {
		s.Characteristics = append(s.Characteristics, version(t, typ))
	}
	return s
}

func protocol(t *testing.T) *hap.Service {
	t.Helper()
	return &hap.Service{Type: "A2", Characteristics: []*hap.Characteristic{version(t, "37")}}
}

// version is a text that may stand for any of what an accessory says about itself.
func version(t *testing.T, typ string) *hap.Characteristic {
	t.Helper()
	c := &hap.Characteristic{Type: typ, Format: hap.FormatString, Perms: hap.PermRead}
	if err := c.Set(hap.String("1.0")); err != nil {
		t.Fatal(err)
	}
	return c
}

// phone is a controller with a session of its own.
type phone struct {
	*porch
	client *haptest.Client
}

func (p *porch) phone() *phone {
	p.t.Helper()
	c, err := haptest.Open(p.t.Context(), p.address, p.creds)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	return &phone{p, c}
}

func (p *phone) do(method, path, body string, want int) []byte {
	p.t.Helper()
	var sent []byte
	if body != "" {
		sent = []byte(body)
	}
	status, answer, err := p.client.Do(method, path, sent)
	if err != nil || status != want {
		p.t.Fatalf("%s %s: %d %s %v, want %d", method, path, status, answer, err, want)
	}
	return answer
}

// write writes one TLV of a seat.
func (p *phone) write(seat int, typ string, value []byte, want int) []byte {
	p.t.Helper()
	body := fmt.Sprintf(`{"characteristics":[{"aid":1,"iid":%d,"value":"%s"}]}`,
		p.services[seat].Characteristic(typ).IID, base64.StdEncoding.EncodeToString(value))
	return p.do("PUT", "/characteristics", body, want)
}

// read reads one TLV of a seat.
func (p *phone) read(seat int, typ string) []byte {
	p.t.Helper()
	answer := p.do("GET", fmt.Sprintf("/characteristics?id=1.%d", p.services[seat].Characteristic(typ).IID), "", 200)
	var list struct {
		Characteristics []struct{ Value []byte }
	}
	if err := json.Unmarshal(answer, &list); err != nil || len(list.Characteristics) != 1 {
		p.t.Fatalf("read %s, %v", answer, err)
	}
	return list.Characteristics[0].Value
}

// hears waits for an event that a seat has a status.
func (p *phone) hears(seat int, status byte) time.Duration {
	p.t.Helper()
	want := fmt.Sprintf(`"iid":%d,"value":"%s"`, p.services[seat].Characteristic("120").IID,
		base64.StdEncoding.EncodeToString([]byte{1, 1, status}))
	begin := time.Now()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for {
		select {
		case e, open := <-p.client.Events():
			if !open {
				p.t.Fatal("the session ended")
			}
			if bytes.Contains(e.Body, []byte(want)) {
				return time.Since(begin)
			}
		case <-deadline.C:
			p.t.Fatalf("no event %s", want)
		}
	}
}

func (p *porch) state() sim.State { return p.sim.State().(sim.State) }

func (p *porch) status(seat int) int {
	v, _ := p.services[seat].Characteristic("120").Value()
	return haptest.Code(v.Bytes(), 1)
}
