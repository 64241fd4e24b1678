package camera

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/stream"
)

const (
	usualReports   = 500 * time.Millisecond // between sender reports
	slowestReports = 2 * time.Second        // some viewers answer each report and say nothing else
	silence        = 5 * time.Second        // without RTCP: the viewer has gone
	replayWindow   = 64                     // reports, as in RFC 3711, 3.3.2
	headStart      = 150 * time.Millisecond // for a viewer to open its port after Start
)

var errSilent = errors.New("the viewer sends no reports")

// viewer is one controller that watches: from its SetupEndpoints to the end of its stream.
type viewer struct {
	peer   *hap.Peer
	setup  setup
	conn   *net.UDPConn
	to     netip.AddrPort
	ssrc   uint32
	ctx    context.Context
	end    context.CancelFunc
	source *stream.Source

	once    sync.Once
	started chan struct{}

	mu     sync.Mutex // guards what follows and the order of packets
	choice rtpChoice
	gate   chan struct{} // closed while the stream may run
	srtp   *srtp.Context
	buffer []byte
	last   *media.Unit
	sent   uint32
	octets uint32
}

func newViewer(ctx context.Context, c *Camera, p *hap.Peer, want setup, conn *net.UDPConn) *viewer {
	w := &viewer{
		peer: p, setup: want, conn: conn, ssrc: random32(), source: c.source,
		started: make(chan struct{}), gate: make(chan struct{}),
	}
	close(w.gate)
	w.ctx, w.end = context.WithCancel(ctx)
	return w
}

// obey does what a selection other than End asks for. A hap.Status is why not.
func (w *viewer) obey(s selection) error {
	if s.command == commandStart {
		if s.video.ssrc == w.ssrc { // one key serves both ways: equal numbers would repeat the key stream
			return hap.StatusInvalidValue
		}
		w.start(s.video)
		return nil
	}
	if !w.running() {
		return hap.StatusNotAllowed
	}
	switch s.command {
	case commandSuspend, commandResume:
		w.suspend(s.command == commandSuspend)
	case commandReconfigure:
		w.reconfigure(s.video)
	}
	return nil
}

// start begins the stream; a repeated Start changes nothing.
func (w *viewer) start(c rtpChoice) {
	w.once.Do(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.choice = c
		close(w.started)
	})
}

// running reports whether Start has come.
func (w *viewer) running() bool {
	select {
	case <-w.started:
		return true
	default:
		return false
	}
}

func (w *viewer) suspend(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.gate:
		if on {
			w.gate = make(chan struct{})
		}
	default:
		if !on {
			close(w.gate)
		}
	}
}

// reconfigure takes over what a viewer wants to be different.
func (w *viewer) reconfigure(c rtpChoice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.mtu != 0 {
		w.choice.mtu = c.mtu
	}
	w.choice.reports = c.reports // absent or 0 means the default
}

// wishes are what the viewer last asked for.
func (w *viewer) wishes() rtpChoice {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.choice
}

// send streams until the viewer or the source ends it.
func (w *viewer) send() error {
	out, err := w.cipher()
	if err != nil {
		return err
	}
	in, err := w.cipher(srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return err
	}
	w.srtp = out
	// The first number leaves room to the wrap, at which a receiver that misses packets could err.
	p := &packetizer{payloadType: w.wishes().payloadType, ssrc: w.ssrc, offset: random32(), sequence: uint16(random32()) >> 1}
	heard := make(chan struct{}, 1)
	ctx, cancel := context.WithCancelCause(w.ctx)
	var tasks sync.WaitGroup
	defer func() {
		cancel(nil)
		w.end() // closes the port, so that listen ends
		tasks.Wait()
	}()
	tasks.Go(func() { w.listen(in, heard) })
	ready := make(chan struct{})
	tasks.Go(func() { cancel(w.report(ctx, p, heard, ready)) })
	select {
	case <-ready:
	case <-time.After(headStart):
	case <-ctx.Done():
	}
	err = w.forward(ctx, p)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if w.ctx.Err() != nil {
		return nil
	}
	return err
}

// cipher makes one direction of the viewer's SRTP.
func (w *viewer) cipher(o ...srtp.ContextOption) (*srtp.Context, error) {
	c, err := srtp.CreateContext(w.setup.videoKey.master, w.setup.videoKey.salt, srtp.ProtectionProfileAes128CmHmacSha1_80, o...)
	if err != nil {
		return nil, fmt.Errorf("camera: srtp: %w", err)
	}
	return c, nil
}

// listen notes the viewer's reports. Only packets from its address with a valid tag count.
func (w *viewer) listen(in *srtp.Context, heard chan<- struct{}) {
	caller := bare(w.peer.Remote.Addr())
	buffer := make([]byte, 2048)
	for {
		n, from, err := w.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		const first, last = 200, 207 // RTCP packet types (RFC 3550, 12.1)
		if a := bare(from.Addr()); a != caller && a != w.setup.address {
			continue
		}
		if n < 8 || buffer[1] < first || buffer[1] > last {
			continue
		}
		if _, err := in.DecryptRTCP(nil, buffer[:n], nil); err != nil {
			continue
		}
		select {
		case heard <- struct{}{}:
		default:
		}
	}
}

// report sends sender reports and gives errSilent once the viewer has been silent too long. The first
// report of the viewer closes ready.
func (w *viewer) report(ctx context.Context, p *packetizer, heard <-chan struct{}, ready chan<- struct{}) error {
	tick := time.NewTimer(0) // the first answer to a report says that the port is open
	defer tick.Stop()
	gone := time.NewTimer(silence)
	defer gone.Stop()
	for first := true; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-gone.C:
			return errSilent
		case <-heard:
			gone.Reset(silence)
			if first {
				close(ready)
				first = false
			}
		case <-tick.C:
			if err := w.sendReport(p); err != nil {
				return err
			}
			every := w.wishes().reports
			if every < usualReports {
				every = usualReports
			}
			tick.Reset(every)
		}
	}
}

// sendReport also speaks before the first picture: a camera that is slow to answer must not look dead.
func (w *viewer) sendReport(p *packetizer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	r := rtcp.SenderReport{
		SSRC: w.ssrc, NTPTime: ntp(now), RTPTime: p.timestamp(0), PacketCount: w.sent, OctetCount: w.octets,
	}
	if w.last != nil {
		r.RTPTime = p.timestamp(w.last.PTS + now.Sub(w.last.At))
	}
	raw, err := r.Marshal()
	if err != nil {
		return fmt.Errorf("camera: report: %w", err)
	}
	sealed, err := w.srtp.EncryptRTCP(nil, raw, nil)
	if err != nil {
		return fmt.Errorf("camera: report: %w", err)
	}
	return w.write(sealed)
}

// ntp is a time as seconds since 1900 in 32.32 fixed point (RFC 5905).
func ntp(t time.Time) uint64 {
	const since1900 = 2_208_988_800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/1_000_000_000
}
