package keeper

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestTrafficIsCountedByWhereItGoes(t *testing.T) {
	now := time.Date(2027, 3, 1, 23, 59, 0, 0, time.Local)
	m := newMeter(func() time.Time { return now })
	for to, n := range map[string]int{"127.0.0.1": 1, "::1": 2, "192.168.1.9": 4, "fd00::1": 8, "fe80::1": 16, "198.51.100.1": 32, "2001:db8::1": 64} {
		m.sent(netip.MustParseAddr(to), n)
	}
	if got, want := m.note(nil), (Traffic{Since: now, Machine: 3, Home: 28, Outside: 96}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	now = now.Add(2 * time.Minute)
	if got, want := m.note(nil), (Traffic{Since: time.Date(2027, 3, 2, 0, 0, 0, 0, time.Local)}); got != want {
		t.Errorf("after midnight %+v, want %+v", got, want)
	}
}

// TestWhatIsSentIsCounted sends through the dialer and through a door.
func TestWhatIsSentIsCounted(t *testing.T) {
	lan := NewLAN(map[string]string{"watch": "127.0.0.1:0"})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ln, err := lan.Listen(ctx, "watch")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		if c, err := ln.Accept(); err == nil {
			_, _ = c.Write([]byte("twelve bytes"))
			_ = c.Close()
		}
	}()
	c, err := lan.Dial(ctx, "tcp", net.JoinHostPort("localhost", ln.Addr().String()[len("127.0.0.1:"):]))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("five!")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(c); err != nil {
		t.Log(err) // a door that closes with bytes unread resets the connection
	}
	if got := lan.Traffic(); got.Machine != 17 || got.Home+got.Outside+got.Refused != 0 {
		t.Errorf("%+v, want 17 bytes to this machine", got)
	}
	if _, err := lan.Dial(ctx, "tcp", "198.51.100.1:80"); err == nil || lan.Traffic().Refused != 1 {
		t.Errorf("%v, %+v: want one refusal", err, lan.Traffic())
	}
}

func TestOnlyTheHomeIsBelievedAboutNames(t *testing.T) {
	answer := func(name, to string) []byte {
		m := new(dns.Msg)
		m.Response = true
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.ParseIP(to)}}
		raw, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, c := range []struct {
		raw  []byte
		want string
	}{
		{answer("Porch.local.", "192.168.1.20"), "192.168.1.20"},
		{answer("porch.local.", "198.51.100.1"), "invalid IP"},
		{answer("garden.local.", "192.168.1.20"), "invalid IP"},
		{[]byte("nonsense"), "invalid IP"},
	} {
		if got, _ := addressOf(c.raw, "porch.local."); got.String() != c.want {
			t.Errorf("%q: %v, want %s", c.raw, got, c.want)
		}
	}
}

func FuzzNames(f *testing.F) {
	q := new(dns.Msg)
	q.SetQuestion("porch.local.", dns.TypeA)
	raw, err := q.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if a, ok := addressOf(raw, "porch.local."); ok && !atHome(a) {
			t.Errorf("%v is not at home", a)
		}
	})
}
