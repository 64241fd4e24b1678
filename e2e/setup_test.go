package e2e

import (
	"crypto/ed25519"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
	"github.com/AlexxIT/go2rtc/pkg/hap/chacha20poly1305"
)

// The errors of pairing messages (HAP, table 5-5).
const (
	faultUnknown        = 1
	faultAuthentication = 2
	faultMaxTries       = 5
	faultUnavailable    = 6
	faultBusy           = 7
)

// wrongCode differs from the right one and is not among those that clients refuse to send.
func wrongCode(right string) string {
	if right == "135-79-246" {
		return "135-79-247"
	}
	return "135-79-246"
}

// tryPair pairs with go2rtc, which strips leading zeros from its SRP values.
func tryPair(h bridge, code string) (*hap.Client, error) {
	c, err := hap.Pair(fmt.Sprintf("homekit://%s?device_id=%s&pin=%s", h.address(), h.DeviceID, code))
	if c != nil && c.Conn != nil {
		_ = c.Close()
	}
	return c, err
}

// leave removes a controller's own pairing.
func leave(t *testing.T, h bridge, paired *hap.Client) {
	t.Helper()
	state, fault, _ := session(t, h, paired).pairings(t, item{kindState, []byte{1}}, item{kindMethod, []byte{4}}, item{kindID, []byte(paired.ClientID)})
	if state != 2 || fault != 0 {
		t.Fatalf("leaving: state %d, error %d", state, fault)
	}
}

// TestCheck01EveryRightCodePairs pairs again and again with a client that pads its SRP values and with
// one that strips them.
func TestCheck01EveryRightCodePairs(t *testing.T) {
	n := times(30, 350)
	b := startBench(t, 3, "")
	t.Run("padding", func(t *testing.T) {
		all := startPeers(t)
		for i := range n {
			p := all.phone(t, b.bridge, nil)
			who := p.pair(t, i%2)
			p.must(t, nil, "removePairing", map[string]string{"hex": who.ID})
		}
	})
	t.Run("stripping", func(t *testing.T) {
		for i := range n {
			paired, err := tryPair(b.bridge, b.SetupCode)
			if err != nil {
				t.Fatalf("pair-setup %d: %v", i, err)
			}
			leave(t, b.bridge, paired)
		}
	})
}

// TestCheck02StepsOutOfOrderPairNobody plays a thief who does not know the code.
func TestCheck02StepsOutOfOrderPairNobody(t *testing.T) {
	b := startBench(t, 3, "")
	zero := sealedM5(t, make([]byte, 32))
	m1 := []item{{kindState, []byte{1}}, {kindMethod, []byte{0}}}
	m3 := []item{{kindState, []byte{3}}, {kindPublic, make([]byte, 384)}, {kindProof, make([]byte, 64)}}
	m3[1].value[383] = 2
	m5 := []item{{kindState, []byte{5}}, {kindSealed, zero}}
	for name, steps := range map[string][][]item{
		"M5 first": {m5}, "M3 first": {m3}, "M5 after M1": {m1, m5}, "M3 twice": {m1, m3, m3}, "M5 after a wrong M3": {m1, m3, m5},
	} {
		t.Run(name, func(t *testing.T) {
			s := strange(t, b.bridge)
			var fault int
			for _, step := range steps {
				_, fault, _ = s.exchange(t, hap.PathPairSetup, step...)
			}
			if fault == 0 {
				t.Error("the last step was not refused")
			}
			_ = s.Close()
			if status, _, err := strange(t, b.bridge).send(http.MethodPost, "/identify", nil); err != nil || status != http.StatusNoContent {
				t.Errorf("afterwards identify gives %d, %v: is somebody paired?", status, err)
			}
		})
	}
	if _, err := tryPair(b.bridge, b.SetupCode); err != nil {
		t.Errorf("afterwards the right code: %v", err)
	}
}

// sealedM5 is a controller's introduction under a key that a thief can guess.
func sealedM5(t *testing.T, key []byte) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signed := hap.Append(make([]byte, 32), "thief", []byte(public))
	plain := pack(item{kindID, []byte("thief")}, item{kindPublic, public}, item{kindSignature, ed25519.Sign(private, signed)})
	sealed, err := chacha20poly1305.Encrypt(key, "PS-Msg05", plain)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// TestCheck03WrongCodesAreCounted fails a hundred times: then not even the right code is heard, also
// after a power cut.
func TestCheck03WrongCodesAreCounted(t *testing.T) {
	b := startBench(t, 3, t.TempDir())
	p := startPeers(t).phone(t, b.bridge, nil)
	wrong := wrongCode(b.SetupCode)
	if r := p.try(t, "pairSetup", wrong, 0); r.Status != faultAuthentication {
		t.Fatalf("a wrong code gives hap-controller %d, %q", r.Status, r.Error)
	}
	fail(t, b.bridge, wrong, 99)
	locked := func(when string) {
		if r := p.try(t, "pairSetup", b.SetupCode, 0); r.Status != faultMaxTries {
			t.Errorf("%s the right code gives hap-controller %d, %q; want %d", when, r.Status, r.Error, faultMaxTries)
		}
		if _, err := tryPair(b.bridge, b.SetupCode); err == nil || !strings.Contains(err.Error(), "maximum number") {
			t.Errorf("%s the right code gives go2rtc %v", when, err)
		}
	}
	locked("after 100 failures")
	b.kill()
	b.start(t)
	p = startPeers(t).phone(t, b.bridge, nil)
	locked("after a power cut")
}

// fail offers a wrong code n times.
func fail(t *testing.T, h bridge, wrong string, n int) {
	t.Helper()
	for i := range n {
		if _, err := tryPair(h, wrong); err == nil || !strings.Contains(err.Error(), "Setup code or signature verification failed") {
			t.Fatalf("wrong code %d gives go2rtc %v", i+1, err)
		}
	}
}

// TestCheck03TheConsoleForgives locks the hub's bridge, and its owner opens it again.
func TestCheck03TheConsoleForgives(t *testing.T) {
	d := startDemo(t, t.TempDir())
	h := d.server(t, "bridge")
	fail(t, h, wrongCode(h.SetupCode), 100)
	if _, err := tryPair(h, h.SetupCode); err == nil || !strings.Contains(err.Error(), "maximum number") {
		t.Fatalf("after 100 failures the right code gives %v", err)
	}
	d.run(t, d.Password+"\n", "unlock", "--password-stdin")
	if _, err := tryPair(h, h.SetupCode); err != nil {
		t.Errorf("after the owner's word the right code gives %v", err)
	}
}

// TestCheck04OneSetupAtATime begins a setup and lets somebody else come.
func TestCheck04OneSetupAtATime(t *testing.T) {
	b := startBench(t, 3, "")
	strange(t, b.bridge).exchange(t, hap.PathPairVerify, item{kindState, []byte{1}}, item{kindPublic, append(make([]byte, 31), 9)})
	all := startPeers(t)
	first, second := all.phone(t, b.bridge, nil), all.phone(t, b.bridge, nil)
	first.must(t, nil, "startPairing", 0)
	if r := second.try(t, "pairSetup", b.SetupCode, 0); r.Error != "" && r.Status != faultBusy {
		t.Errorf("a second controller hears %d, %q; want busy or success", r.Status, r.Error)
	}
	first.must(t, nil, "close") // the socket closes: the setup is free at once
	until(t, 10*time.Second, "the abandoned setup is free", func() bool {
		r := second.try(t, "pairSetup", b.SetupCode, 0)
		return r.Error == "" || r.Status == faultUnavailable // it took over the first time
	})
}

// TestCheck04ManyAtOnce lets eight controllers with the right code race: one wins, and it is the one that
// the bridge then lets in.
func TestCheck04ManyAtOnce(t *testing.T) {
	const racers = 8
	b := startBench(t, 3, "")
	for round := range times(5, 50) {
		type end struct {
			who *hap.Client
			err error
		}
		ends := make(chan end, racers)
		for i := range racers {
			who := newcomer(t, fmt.Sprintf("racer %d.%d", round, i), nil)
			go func() {
				_, err := pairAs(b.bridge, who)
				ends <- end{who, err}
			}()
		}
		var winner *hap.Client
		for range racers {
			e := <-ends
			in := lets(t, b.bridge, e.who)
			if in != (e.err == nil) {
				t.Errorf("round %d: %s ended with %v, and is let in: %v", round, e.who.ClientID, e.err, in)
			}
			if e.err == nil && winner != nil {
				t.Errorf("round %d: %s and %s both paired", round, winner.ClientID, e.who.ClientID)
			}
			if e.err == nil {
				winner = e.who
			}
		}
		if winner == nil {
			t.Fatalf("round %d: nobody paired", round)
		}
		leave(t, b.bridge, winner)
	}
}

// TestCheck04AnAbandonedSetupIsFree leaves a setup open and silent.
func TestCheck04AnAbandonedSetupIsFree(t *testing.T) {
	if !soak() {
		t.Skip("it waits for half a minute: set INGLE_SOAK=1")
	}
	t.Parallel()
	b := startBench(t, 3, "")
	s := strange(t, b.bridge)
	if _, fault, _ := s.exchange(t, hap.PathPairSetup, item{kindState, []byte{1}}, item{kindMethod, []byte{0}}); fault != 0 {
		t.Fatalf("M1 gives error %d", fault)
	}
	took := until(t, 33*time.Second, "the abandoned setup is free", func() bool {
		_, err := tryPair(b.bridge, b.SetupCode)
		return err == nil
	})
	t.Logf("free after %v", took)
}

// TestCheck05GarbledMessages sends what a careless or hostile controller may send.
func TestCheck05GarbledMessages(t *testing.T) {
	b := startBench(t, 3, "")
	m1 := pack(item{kindState, []byte{1}}, item{kindMethod, []byte{0}})
	proof := item{kindProof, make([]byte, 64)}
	third := func(a ...byte) []byte { return pack(item{kindState, []byte{3}}, item{kindPublic, a}, proof) }
	paired, err := tryPair(b.bridge, b.SetupCode)
	if err != nil {
		t.Fatal(err)
	}
	verifyM1 := pack(item{kindState, []byte{1}}, item{kindPublic, append(make([]byte, 31), 9)})
	for name, c := range map[string]struct {
		path   string
		bodies [][]byte
	}{
		"verify with a key of five bytes": {hap.PathPairVerify, [][]byte{pack(item{kindState, []byte{1}}, item{kindPublic, []byte{1, 2, 3, 4, 5}})}},
		"verify with a key of zeros":      {hap.PathPairVerify, [][]byte{pack(item{kindState, []byte{1}}, item{kindPublic, make([]byte, 32)})}},
		"verify, three sealed bytes":      {hap.PathPairVerify, [][]byte{verifyM1, pack(item{kindState, []byte{3}}, item{kindSealed, []byte{1, 2, 3}})}},
		"verify, M3 first":                {hap.PathPairVerify, [][]byte{pack(item{kindState, []byte{3}}, item{kindSealed, make([]byte, 40)})}},
		"verify with nothing":             {hap.PathPairVerify, [][]byte{nil}},
		"verify in the middle":            {hap.PathPairVerify, [][]byte{verifyM1[:9]}},
	} {
		t.Run(name, func(t *testing.T) { refused(t, b.bridge, c.path, c.bodies) })
	}
	leave(t, b.bridge, paired)
	n := make([]byte, 384)
	for name, bodies := range map[string][][]byte{
		"A is zero": {m1, third(n...)}, "A is empty": {m1, third()}, "A is too long": {m1, third(make([]byte, 400)...)},
		"no proof": {m1, pack(item{kindState, []byte{3}}, item{kindPublic, []byte{2}})}, "half an item": {m1, {6, 1}}, "nothing": {nil},
		"state 9": {pack(item{kindState, []byte{9}})}, "method 7": {pack(item{kindState, []byte{1}}, item{kindMethod, []byte{7}})},
		"sealed bytes at once": {m1, pack(item{kindState, []byte{5}}, item{kindSealed, []byte{1, 2, 3}})},
	} {
		t.Run(name, func(t *testing.T) { refused(t, b.bridge, hap.PathPairSetup, bodies) })
	}
	if _, err := tryPair(b.bridge, b.SetupCode); err != nil {
		t.Errorf("afterwards the right code: %v", err)
	}
	if said, err := os.ReadFile(b.log); err != nil || len(said) > 16<<10 {
		t.Errorf("the log is %d bytes long, %v", len(said), err)
	}
}

// refused sends messages on one connection and wants the last one answered by an error message.
func refused(t *testing.T, h bridge, path string, bodies [][]byte) {
	t.Helper()
	s := strange(t, h)
	defer s.Close()
	var status int
	var raw []byte
	for _, body := range bodies {
		var err error
		if status, raw, err = s.send(http.MethodPost, path, body); err != nil {
			t.Fatal(err)
		}
	}
	if _, fault, _ := readAnswer(t, raw); fault == 0 || status != http.StatusOK && status != http.StatusBadRequest {
		t.Errorf("answered by %d, % x", status, raw)
	}
}

// TestCheck06BeforeAndAfterPairing identifies an unpaired bridge, and knocks without a session.
func TestCheck06BeforeAndAfterPairing(t *testing.T) {
	b := startBench(t, 3, "")
	p := startPeers(t).phone(t, b.bridge, nil)
	p.must(t, nil, "identify")
	knock := func(when string) {
		for path, method := range map[string]string{
			"/accessories": "GET", "/characteristics?id=1.2": "GET", "/characteristics": "PUT", "/prepare": "PUT", "/resource": "POST", "/pairings": "POST",
		} {
			status, body, err := strange(t, b.bridge).send(method, path, nil)
			if err != nil || status != 470 || !strings.Contains(string(body), "-70401") {
				t.Errorf("%s a stranger's %s %s gives %d %s %v; want 470 and -70401", when, method, path, status, body, err)
			}
		}
	}
	knock("before pairing")
	p.pair(t, 1)
	if r := p.try(t, "identify"); r.Status != http.StatusBadRequest || !strings.Contains(string(r.Body), "-70401") {
		t.Errorf("identify when paired gives %d %s; want 400 and -70401", r.Status, r.Body)
	}
	knock("after pairing")
	if _, err := tryPair(b.bridge, b.SetupCode); err == nil || !strings.Contains(err.Error(), "unavailable") {
		t.Errorf("pairing a paired bridge gives %v; want unavailable", err)
	}
}
