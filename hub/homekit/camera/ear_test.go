package camera_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	opus "github.com/pion/opus"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// The viewer's numbers for sound.
const (
	voiceSSRC = 0x01020304
	voiceType = 110
)

// ear is the viewer's end of the sound, on a port of its own.
type ear struct {
	t       *testing.T
	wish    wish
	conn    *net.UDPConn
	to      netip.AddrPort
	ssrc    uint32
	in, out *srtp.Context
	done    sync.WaitGroup
	number  uint16 // of the packet that is said next

	mu      sync.Mutex
	packets []rtp.Packet
	reports []report
	largest int
	faults  []string
}

func newEar(t *testing.T, w wish) *ear {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(w.address), 0)))
	if err != nil {
		t.Fatal(err)
	}
	e := &ear{t: t, wish: w, conn: conn}
	t.Cleanup(func() {
		_ = conn.Close()
		e.done.Wait()
	})
	return e
}

func port(conn *net.UDPConn) uint16 { return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

// accept takes the camera's answer to SetupEndpoints and begins to receive.
func (e *ear) accept(answer []byte) {
	e.t.Helper()
	where, key := haptest.Get(answer, 3), haptest.Get(answer, 5)
	if master, salt := haptest.Get(key, 2), haptest.Get(key, 3); !bytes.Equal(append(bytes.Clone(master), salt...), e.wish.audio) {
		e.t.Fatal("the keys are not those that were asked for")
	}
	e.to = netip.AddrPortFrom(netip.MustParseAddr(string(haptest.Get(where, 2))), binary.LittleEndian.Uint16(haptest.Get(where, 4)))
	if e.to.Port() == binary.LittleEndian.Uint16(haptest.Get(where, 3)) {
		e.t.Error("sound has no port of its own")
	}
	e.ssrc = binary.LittleEndian.Uint32(haptest.Get(answer, 7))
	e.in, e.out = cipherOf(e.t, e.wish.audio), cipherOf(e.t, e.wish.audio)
	e.done.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := e.conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			e.take(bytes.Clone(buffer[:n]), from)
		}
	})
}

func cipherOf(t *testing.T, secret []byte) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(secret[:16], secret[16:], srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (e *ear) take(b []byte, from netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.largest = max(e.largest, len(b))
	if from != e.to {
		e.faults = append(e.faults, "a packet from "+from.String())
	}
	if b[1] >= 200 && b[1] <= 207 {
		plain, err := e.in.DecryptRTCP(nil, b, nil)
		said := report{at: time.Now()}
		if err == nil {
			err = said.Unmarshal(plain)
		}
		if err != nil {
			e.faults = append(e.faults, err.Error())
		}
		if n := len(e.packets); n > 0 {
			said.newest = e.packets[n-1].Timestamp
		}
		e.reports = append(e.reports, said)
		return
	}
	plain, err := e.in.DecryptRTP(nil, b, nil)
	var p rtp.Packet
	if err == nil {
		err = p.Unmarshal(plain)
	}
	if err != nil {
		e.faults = append(e.faults, err.Error())
		return
	}
	if p.SSRC != e.ssrc || p.PayloadType != voiceType {
		e.faults = append(e.faults, "a packet of another stream")
	}
	p.Payload = bytes.Clone(p.Payload)
	e.packets = append(e.packets, p)
}

func (e *ear) heard() []rtp.Packet {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]rtp.Packet(nil), e.packets...)
}

// check judges packets: their numbers and steps, and that an independent decoder hears a tone of 440 Hz
// in every one.
func (e *ear) check(packets []rtp.Packet, rate, each int) {
	e.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.faults) > 0 {
		e.t.Errorf("%d faults: %s", len(e.faults), e.faults[0])
	}
	if e.largest > 1378 {
		e.t.Errorf("a datagram of %d bytes", e.largest)
	}
	step := uint32(rate * each / 1000)
	d, err := opus.NewDecoderWithOutput(rate, 1)
	if err != nil {
		e.t.Fatal(err)
	}
	var pcm []int16
	buffer := make([]int16, rate)
	for i, p := range packets {
		if i > 0 {
			before := packets[i-1]
			passed := p.Timestamp - before.Timestamp
			if p.SequenceNumber != before.SequenceNumber+1 || passed == 0 || passed%step != 0 || (passed > step) != p.Marker {
				e.t.Errorf("packet %d: number %d after %d, %d ticks of %d later, marked %v", i, p.SequenceNumber, before.SequenceNumber, passed, step, p.Marker)
			}
		}
		n, err := d.DecodeToInt16(p.Payload, buffer)
		if err != nil || n != int(step) {
			e.t.Fatalf("packet %d: %d samples, %v", i, n, err)
		}
		pcm = append(pcm, buffer[:n]...)
	}
	if db := loudness(pcm[rate/4:], rate); db < 10 {
		e.t.Errorf("the tone stands %.0f dB above the rest", db)
	}
}

// loudness is the energy of a tone of 440 Hz against all else in dB, by pieces of 20 ms: a tone whose
// phase jumps between packets is a tone.
func loudness(pcm []int16, rate int) float64 {
	var tone, all float64
	for n := rate / 50; len(pcm) >= n; pcm = pcm[n:] {
		var s, c float64
		for i, x := range pcm[:n] {
			sin, cos := math.Sincos(2 * math.Pi * 440 * float64(i) / float64(rate))
			s, c, all = s+float64(x)*sin, c+float64(x)*cos, all+float64(x)*float64(x)
		}
		tone += 2 * (s*s + c*c) / float64(n)
	}
	return 10 * math.Log10(tone/max(1, all-tone))
}

// say sends an Opus packet as the viewer, sealed with a key.
func (e *ear) say(from *net.UDPConn, seal *srtp.Context, ssrc uint32, payload []byte) []byte {
	e.t.Helper()
	e.number++
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: voiceType, SSRC: ssrc, SequenceNumber: e.number, Timestamp: uint32(e.number) * 320}, Payload: payload}
	raw, err := p.Marshal()
	if err == nil {
		raw, err = seal.EncryptRTP(nil, raw, nil)
	}
	if err == nil {
		_, err = from.WriteToUDPAddrPort(raw, e.to)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	return raw
}

// answers sends a receiver report on the sound's port.
func (e *ear) answers() {
	e.t.Helper()
	raw, err := (&rtcp.ReceiverReport{SSRC: voiceSSRC, Reports: []rtcp.ReceptionReport{{SSRC: e.ssrc}}}).Marshal()
	if err == nil {
		raw, err = e.out.EncryptRTCP(nil, raw, nil)
	}
	if err == nil {
		_, err = e.conn.WriteToUDPAddrPort(raw, e.to)
	}
	if err != nil {
		e.t.Fatal(err)
	}
}
