package camera_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

const ownSSRC = 0x0a0b0c0d

// receiver is the viewer's end of one stream: it decrypts, puts pictures together and answers.
type receiver struct {
	t       *testing.T
	wish    wish
	conn    *net.UDPConn
	to      netip.AddrPort
	ssrc    uint32
	in, out *srtp.Context
	done    sync.WaitGroup
	hush    chan struct{} // closed: no more reports

	mu       sync.Mutex
	first    time.Time // arrival of the first whole picture
	newest   time.Time // arrival of the newest packet
	largest  int
	sequence uint16
	packets  int
	lost     int
	reports  []report
	faults   []string
	open     [][]byte
	pictures []picture
}

type picture struct {
	timestamp uint32
	nals      [][]byte
	at        time.Time
}

type report struct {
	rtcp.SenderReport
	at     time.Time
	newest uint32 // timestamp of the newest picture
}

func newReceiver(t *testing.T, host string, id byte) *receiver {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadBuffer(4 << 20) // a busy machine reads late
	r := &receiver{t: t, wish: newWish(id), conn: conn, hush: make(chan struct{})}
	r.wish.address = host
	t.Cleanup(r.close)
	return r
}

func (r *receiver) close() {
	_ = r.conn.Close()
	r.done.Wait()
}

func (r *receiver) port() uint16 { return r.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

// accept takes the camera's answer to SetupEndpoints and begins to receive.
func (r *receiver) accept(answer []byte) {
	r.t.Helper()
	where, key := haptest.Get(answer, 3), haptest.Get(answer, 4)
	if string(haptest.Get(answer, 1)) != r.wish.id || haptest.Code(answer, 2) != ok || len(where) == 0 {
		r.t.Fatalf("SetupEndpoints reads % x", answer)
	}
	if master, salt := haptest.Get(key, 2), haptest.Get(key, 3); !bytes.Equal(append(bytes.Clone(master), salt...), r.wish.video) {
		r.t.Fatal("the keys are not those that were asked for")
	}
	address, err := netip.ParseAddr(string(haptest.Get(where, 2)))
	if err != nil {
		r.t.Fatal(err)
	}
	r.to = netip.AddrPortFrom(address, binary.LittleEndian.Uint16(haptest.Get(where, 3)))
	r.ssrc = binary.LittleEndian.Uint32(haptest.Get(answer, 6))
	for _, c := range []**srtp.Context{&r.in, &r.out} {
		if *c, err = srtp.CreateContext(r.wish.video[:16], r.wish.video[16:], srtp.ProtectionProfileAes128CmHmacSha1_80); err != nil {
			r.t.Fatal(err)
		}
	}
	r.done.Go(r.receive)
}

// receive also answers every report with one, as controllers do, until it is told to hush.
func (r *receiver) receive() {
	buffer := make([]byte, 4096)
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		r.take(bytes.Clone(buffer[:n]), from)
	}
}

func (r *receiver) take(b []byte, from netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.largest, r.newest = max(r.largest, len(b)), time.Now()
	if from != r.to {
		r.fault("a packet from " + from.String())
	}
	if len(b) > 1 && b[1] >= 200 && b[1] <= 207 {
		r.takeReport(b)
		return
	}
	plain, err := r.in.DecryptRTP(nil, b, nil)
	if err != nil {
		r.fault(err.Error())
		return
	}
	var p rtp.Packet
	if err := p.Unmarshal(plain); err != nil {
		r.fault(err.Error())
		return
	}
	if p.SSRC != r.ssrc || p.PayloadType != 99 {
		r.fault("a packet of another stream")
	}
	if r.packets > 0 && p.SequenceNumber != r.sequence+1 {
		r.lost += int(p.SequenceNumber - r.sequence - 1)
	}
	r.packets, r.sequence = r.packets+1, p.SequenceNumber
	r.assemble(&p)
}

// assemble is RFC 6184, 5.6 and 5.8.
func (r *receiver) assemble(p *rtp.Packet) {
	const fragment = 28
	payload := bytes.Clone(p.Payload)
	switch {
	case payload[0]&0x1f != fragment:
		r.open = append(r.open, payload)
	case payload[1]&0x80 != 0:
		r.open = append(r.open, append([]byte{payload[0]&0xe0 | payload[1]&0x1f}, payload[2:]...))
	case len(r.open) == 0:
		r.fault("a fragment without a start")
	default:
		r.open[len(r.open)-1] = append(r.open[len(r.open)-1], payload[2:]...)
	}
	if !p.Marker {
		return
	}
	now := time.Now()
	if r.first.IsZero() {
		r.first = now
	}
	r.pictures = append(r.pictures, picture{p.Timestamp, r.open, now})
	r.open = nil
}

func (r *receiver) takeReport(b []byte) {
	plain, err := r.in.DecryptRTCP(nil, b, nil)
	if err != nil {
		r.fault(err.Error())
		return
	}
	said := report{at: time.Now()}
	if err := said.Unmarshal(plain); err != nil {
		r.fault(err.Error())
		return
	}
	if n := len(r.pictures); n > 0 {
		said.newest = r.pictures[n-1].timestamp
	}
	r.reports = append(r.reports, said)
	select {
	case <-r.hush:
		return
	default:
	}
	raw, err := (&rtcp.ReceiverReport{SSRC: ownSSRC, Reports: []rtcp.ReceptionReport{{SSRC: r.ssrc}}}).Marshal()
	if err == nil {
		raw, err = r.out.EncryptRTCP(nil, raw, nil)
	}
	if err != nil {
		r.fault(err.Error())
		return
	}
	_, _ = r.conn.WriteToUDPAddrPort(raw, r.to)
}

func (r *receiver) fault(text string) { r.faults = append(r.faults, text) }

// seen is the number of pictures so far.
func (r *receiver) seen() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.pictures)
}

func (r *receiver) firstPicture() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// look gives what came from picture number n on.
func (r *receiver) look(n int) []picture {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]picture(nil), r.pictures[n:]...)
}

func (p picture) has(kind byte) int {
	for i, nal := range p.nals {
		if nal[0]&0x1f == kind {
			return i
		}
	}
	return -1
}

// check judges a whole stretch of 30 pictures a second.
func (r *receiver) check(pictures []picture) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.faults) > 0 {
		r.t.Errorf("%d faults: %s", len(r.faults), r.faults[0])
	}
	if pictures[0].has(5) < 0 {
		r.t.Error("the first picture is no key frame")
	}
	for i, p := range pictures {
		if at := p.has(5); at >= 0 && (p.has(7) < 0 || p.has(8) < 0 || p.has(7) > at || p.has(8) > at) {
			r.t.Errorf("picture %d: no parameter sets before the key frame", i)
		}
	}
	span := pictures[len(pictures)-1].timestamp - pictures[0].timestamp
	made := float64(span)/3000 + 1
	if share := float64(len(pictures)) / made; share < 0.95 || share > 1.05 {
		r.t.Errorf("%d of %.0f pictures", len(pictures), made)
	}
	if r.lost > 0 {
		r.t.Errorf("the sequence has gaps: %d packets are missing", r.lost)
	}
	r.t.Logf("%d of %.0f pictures, %d packets, %d lost, largest %d bytes", len(pictures), made, r.packets, r.lost, r.largest)
}

// checkReports compares the clocks: wall time with our own, and RTP time with the pictures'.
func (r *receiver) checkReports() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.reports) < 3 {
		r.t.Errorf("%d sender reports", len(r.reports))
	}
	const since1900 = 2_208_988_800
	var before time.Time
	least, late := time.Hour, 0
	for i, s := range r.reports {
		said := time.Unix(int64(s.NTPTime>>32)-since1900, int64(s.NTPTime&0xffffffff)*1e9>>32)
		if i > 0 && said.Sub(before) > time.Second {
			late++
		}
		before, least = said, min(least, s.at.Sub(said).Abs())
		if off := s.at.Sub(said); off < -time.Second || off > 5*time.Second || s.SSRC != r.ssrc {
			r.t.Errorf("report %d is %v old, of %x", i, off, s.SSRC)
		}
		if ahead := int32(s.RTPTime - s.newest); s.PacketCount > 0 && s.newest != 0 && (ahead < -90_000*5 || ahead > 90_000*5) {
			r.t.Errorf("report %d: RTP time is %d ticks from the newest picture", i, ahead)
		}
	}
	if least > 50*time.Millisecond { // the others may have waited for a processor
		r.t.Errorf("the clock of the reports is %v off", least)
	}
	if late > 1 { // a machine that stands still may be late once
		r.t.Errorf("%d of %d reports come more than a second after the one before", late, len(r.reports))
	}
}

// decode lets ffmpeg judge the pictures: it complains of missing references.
func (r *receiver) decode(pictures []picture) {
	r.t.Helper()
	var film []byte
	for _, p := range pictures {
		for _, nal := range p.nals {
			film = append(append(film, 0, 0, 0, 1), nal...)
		}
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "warning", "-f", "h264", "-i", "pipe:0", "-f", "null", "-")
	cmd.Stdin = bytes.NewReader(film)
	said, err := cmd.CombinedOutput()
	if err != nil || bytes.Contains(said, []byte("error")) || bytes.Contains(said, []byte("missing")) || bytes.Contains(said, []byte("conceal")) {
		r.t.Errorf("ffmpeg: %v %s", err, said)
	}
}

// most is the size of the largest datagram.
func (r *receiver) most() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.largest
}

// quiet reports whether nothing has come for a while.
func (r *receiver) quiet(since time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest.Before(since)
}
