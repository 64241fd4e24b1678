package find_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/hub/find"
	"github.com/ingle-home/ingle/hub/home"
)

// eager is a driver that sees something at once, and again.
type eager struct {
	id   string
	sees []device.Candidate
	err  error
}

func (e eager) About() device.About { return device.About{ID: e.id} }

func (e eager) Discover(ctx context.Context, _ device.Net, found func(device.Candidate)) error {
	for range 3 {
		for _, c := range e.sees {
			found(c)
		}
	}
	if e.err != nil {
		return e.err
	}
	<-ctx.Done()
	return nil
}

func (eager) Open(context.Context, device.Config) (device.Session, error) {
	panic("a search opens nothing")
}

// network answers DNS-SD as cameras do.
type network struct {
	mu      sync.Mutex
	asked   [][]byte
	answers map[string][]byte // by where they come from
}

func (*network) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, device.ErrUnreachable
}
func (*network) Listen(context.Context, string) (net.Listener, error) { return nil, device.ErrRefused }

func (n *network) Multicast(ctx context.Context, group string, datagram []byte, heard func(string, []byte)) error {
	n.mu.Lock()
	n.asked = append(n.asked, datagram)
	n.mu.Unlock()
	if group != "224.0.0.251:5353" {
		return device.ErrRefused
	}
	for from, answer := range n.answers {
		heard(from, answer)
	}
	<-ctx.Done()
	return nil
}

func answer(t testing.TB, instance, path string, port uint16) []byte {
	t.Helper()
	name := instance + "._rtsp._tcp.local."
	m := new(dns.Msg)
	m.Response = true
	m.Answer = []dns.RR{&dns.PTR{Hdr: dns.RR_Header{Name: "_rtsp._tcp.local.", Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: 120}, Ptr: name}}
	m.Extra = []dns.RR{
		&dns.SRV{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeSRV, Class: dns.ClassINET, Ttl: 120}, Port: port, Target: "elsewhere.example."},
		&dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 120}, Txt: []string{"v=1", "path=" + path}},
	}
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestASearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		n := &network{answers: map[string][]byte{
			"192.168.1.8": answer(t, `Yard\ Cam`, "live/main", 8554),
			"192.168.1.9": answer(t, "Porch", "live", 554), // ONVIF knows it better
			"192.168.1.7": []byte("no DNS"),
		}}
		has := []home.Accessory{
			{ID: "a-1", Kind: "camera", Driver: "onvif", Address: "192.168.1.5"},
			{ID: "a-2", Kind: "camera", Driver: "rtsp", Address: "rtsp://192.168.1.8:8554/live/main"},
		}
		got := find.Search(ctx, find.Options{Net: n, Home: has, Drivers: []device.Driver{
			eager{"onvif", []device.Candidate{
				{Driver: "onvif", Name: "Porch", Model: "X1", Address: "192.168.1.9"},
				{Driver: "onvif", Name: "Garden", Address: "http://192.168.1.5/onvif/device_service"},
			}, nil},
			eager{"deaf", nil, device.ErrUnsupported}, eager{"broken", nil, device.ErrUnreachable},
		}})
		var said []string
		for _, f := range got {
			said = append(said, f.Driver+" "+f.Name+" "+f.Address+" "+f.Known)
		}
		want := []string{
			"onvif Garden http://192.168.1.5/onvif/device_service a-1", "onvif Porch 192.168.1.9 ",
			"rtsp Yard Cam rtsp://192.168.1.8:8554/live/main a-2",
		}
		if !slices.Equal(said, want) {
			t.Errorf("found %q", said)
		}
		q := new(dns.Msg)
		if len(n.asked) != 1 || q.Unpack(n.asked[0]) != nil || q.Response || q.Question[0].Name != "_rtsp._tcp.local." {
			t.Errorf("asked %v", q)
		}
	})
}
