package announce_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/announce"
	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
)

const service = "_hap._tcp.local."

// identity makes a HomeKit device ID of a token.
func identity(token string) string {
	return "A1:B2:" + token[:2] + ":" + token[2:4] + ":" + token[4:6] + ":" + token[6:8]
}

func txt(token, number, unpaired string) map[string]string {
	return map[string]string{
		"id": identity(token), "c#": number, "s#": "1", "sf": unpaired, "ff": "0",
		"md": "Ingle", "pv": "1.1", "ci": "2", "sh": "QWgcIg==",
	}
}

// onLoopback returns an announcer that no other machine can hear.
func onLoopback(t *testing.T) *announce.Announcer {
	t.Helper()
	a := announce.New(announce.Options{Loopback: true})
	t.Cleanup(func() { a.Close() })
	return a
}

func set(t *testing.T, a *announce.Announcer, instance string, port int, txt map[string]string) {
	t.Helper()
	err := a.Set(instance, port, txt)
	if errors.Is(err, announce.ErrSilent) {
		t.Skipf("this machine's loopback takes no multicast: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// token makes the names of this run its own: another hub may be announced on this loopback too.
func token() string {
	return fmt.Sprintf("%08X", rand.Uint32())
}

// ask asks as plain DNS from an own port, again and again since a new name is probed for first, and
// returns the answer that names the token; nil when none comes within the patience.
func ask(t *testing.T, token, name string, kind uint16, patience time.Duration) *dns.Msg {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := ipv4.NewPacketConn(socket).SetMulticastInterface(loopback(t)); err != nil {
		t.Fatal(err)
	}
	query := new(dns.Msg).SetQuestion(name, kind)
	packet, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, err := socket.WriteTo(packet, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}); err != nil {
			t.Fatal(err)
		}
		socket.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if answer := answerTo(t, socket, query.Id, token); answer != nil {
			return answer
		}
	}
	return nil
}

func answerTo(t *testing.T, socket *net.UDPConn, id uint16, token string) *dns.Msg {
	t.Helper()
	buf := make([]byte, 9000)
	for {
		n, err := socket.Read(buf)
		if err != nil {
			return nil
		}
		answer := new(dns.Msg)
		if err := answer.Unpack(buf[:n]); err != nil {
			t.Fatalf("the answer is not DNS: %v", err)
		}
		if !strings.Contains(strings.ToUpper(answer.String()), token) {
			continue
		}
		if answer.Id != id {
			t.Errorf("the answer has ID %d, the question had %d", answer.Id, id)
		}
		return answer
	}
}

func loopback(t *testing.T) *net.Interface {
	t.Helper()
	for _, i := range interfaces(t) {
		if i.Flags&net.FlagLoopback != 0 {
			return &i
		}
	}
	t.Skip("this machine has no loopback")
	return nil
}

func interfaces(t *testing.T) []net.Interface {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func find[T dns.RR](m *dns.Msg) (out []T) {
	if m == nil {
		return nil
	}
	for _, rr := range slices.Concat(m.Answer, m.Extra) {
		if r, ok := rr.(T); ok {
			out = append(out, r)
		}
	}
	return out
}

func TestAnswersWhatAPhoneAsks(t *testing.T) {
	t.Parallel()
	a := onLoopback(t)
	id := token()
	set(t, a, "Ingle "+id, 51826, txt(id, "7", "1"))

	browse := ask(t, id, service, dns.TypePTR, 5*time.Second)
	ptr := find[*dns.PTR](browse)
	if len(ptr) != 1 || ptr[0].Ptr != `Ingle\ `+id+"."+service {
		t.Fatalf("browsing gives %v", browse)
	}
	if len(find[*dns.SRV](browse)) != 1 || len(find[*dns.TXT](browse)) != 1 || len(find[*dns.A](browse)) != 1 {
		t.Errorf("browsing does not bring everything at once: %v", browse)
	}
	srv := find[*dns.SRV](ask(t, id, ptr[0].Ptr, dns.TypeSRV, 5*time.Second))
	if len(srv) != 1 || srv[0].Port != 51826 || srv[0].Target != "ingle-"+strings.ToLower(id)+".local." {
		t.Fatalf("SRV is %v", srv)
	}
	if got := find[*dns.A](ask(t, id, srv[0].Target, dns.TypeA, 5*time.Second)); len(got) != 1 || !got[0].A.IsLoopback() {
		t.Errorf("the host's address is %v, want only loopback", got)
	}
	text := find[*dns.TXT](ask(t, id, ptr[0].Ptr, dns.TypeTXT, 5*time.Second))
	want := "c#=7 ci=2 ff=0 id=" + identity(id) + " md=Ingle pv=1.1 s#=1 sf=1 sh=QWgcIg=="
	if len(text) != 1 || strings.Join(text[0].Txt, " ") != want {
		t.Errorf("TXT is %v\nwant %s", text, want)
	}
	for _, rr := range browse.Answer {
		if rr.Header().Ttl > 10 || rr.Header().Class != dns.ClassINET {
			t.Errorf("plain DNS was given %v", rr)
		}
	}
}

func TestNamesSurviveDotsAndBackslashes(t *testing.T) {
	t.Parallel()
	a := onLoopback(t)
	id := token()
	instance := `Küche v1.2 \o/ ` + id
	set(t, a, instance, 51826, map[string]string{"md": `A\B.C`})
	ptr := find[*dns.PTR](ask(t, id, service, dns.TypePTR, 5*time.Second))
	if len(ptr) != 1 {
		t.Fatalf("browsing gives %v", ptr)
	}
	wire := make([]byte, 256)
	if _, err := dns.PackDomainName(ptr[0].Ptr, wire, 0, nil, false); err != nil {
		t.Fatal(err)
	}
	if got := string(wire[1 : 1+int(wire[0])]); got != instance {
		t.Errorf("the first label is %q, want %q", got, instance)
	}
	text := find[*dns.TXT](ask(t, id, ptr[0].Ptr, dns.TypeTXT, 5*time.Second))
	if len(text) != 1 || text[0].Txt[0] != `md=A\\B.C` { // as package dns writes one backslash
		t.Errorf("TXT is %v", text)
	}
}

func TestRecordsComeChangeAndGo(t *testing.T) {
	t.Parallel()
	a := onLoopback(t)
	id := token()
	set(t, a, "Ingle "+id, 51826, txt(id, "1", "1"))
	set(t, a, "Porch "+id, 51827, txt(token(), "1", "1"))
	eventually(t, "both servers are announced", func() bool {
		return len(find[*dns.PTR](ask(t, id, service, dns.TypePTR, 5*time.Second))) == 2
	})
	set(t, a, "Ingle "+id, 51826, txt(id, "2", "0"))
	text := find[*dns.TXT](ask(t, id, `Ingle\ `+id+"."+service, dns.TypeTXT, 5*time.Second))
	if len(text) != 1 || !slices.Contains(text[0].Txt, "c#=2") || !slices.Contains(text[0].Txt, "sf=0") {
		t.Errorf("after the change TXT is %v", text)
	}
	a.Remove("Porch " + id)
	a.Remove("never there")
	if ptr := find[*dns.PTR](ask(t, id, service, dns.TypePTR, 5*time.Second)); len(ptr) != 1 || !strings.HasPrefix(ptr[0].Ptr, "Ingle") {
		t.Errorf("after the removal %v is announced", ptr)
	}
	a.Close()
	if got := ask(t, id, service, dns.TypePTR, 300*time.Millisecond); got != nil {
		t.Errorf("a closed announcer answers %v", got)
	}
	if err := a.Set("Ingle 1A2B", 51826, nil); err == nil {
		t.Error("a closed announcer takes a record")
	}
}

func TestRefusesWhatCannotBeSaid(t *testing.T) {
	t.Parallel()
	a := onLoopback(t)
	for name, err := range map[string]error{
		"no name":      a.Set("", 1, nil),
		"a long name":  a.Set(strings.Repeat("x", 64), 1, nil),
		"not UTF-8":    a.Set("\xff", 1, nil),
		"no port":      a.Set("Ingle", 0, nil),
		"a high port":  a.Set("Ingle", 65536, nil),
		"a long value": a.Set("Ingle", 1, map[string]string{"md": strings.Repeat("x", 253)}),
		"a bad key":    a.Set("Ingle", 1, map[string]string{"a=b": "c"}),
	} {
		if err == nil || errors.Is(err, announce.ErrSilent) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestNoNetworkIsAnErrorToShow(t *testing.T) {
	t.Parallel()
	a := announce.New(announce.Options{Interfaces: []string{"no such interface"}})
	defer a.Close()
	if err := a.Set("Ingle 1A2B", 51826, nil); !errors.Is(err, announce.ErrSilent) {
		t.Errorf("error is %v, want ErrSilent", err)
	}
}

// Many hands at once: this is for the race detector, and for a Close in the middle of it.
func TestManyHandsAtOnce(t *testing.T) {
	t.Parallel()
	a := onLoopback(t)
	id := token()
	set(t, a, "Ingle "+id, 51826, nil)
	var all sync.WaitGroup
	for hand := range 4 {
		all.Go(func() {
			for n := range 50 {
				name := fmt.Sprintf("Ingle %s %d", id, hand)
				_ = a.Set(name, 51826, txt(id, fmt.Sprint(n), "1")) // closed half way
				if n%10 == 9 {
					a.Remove(name)
				}
				if hand == 3 && n == 40 {
					a.Close()
				}
			}
		})
	}
	ask(t, id, service, dns.TypePTR, 50*time.Millisecond)
	all.Wait()
}
