package camera

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/stream"
)

const (
	reportEvery = 500 * time.Millisecond // sender reports
	silence     = 5 * time.Second        // without RTCP: the viewer has gone
	headStart   = 150 * time.Millisecond // for a viewer to open its port after Start
	burst       = 20_000_000             // bits a second at most, while an old picture is caught up
	slack       = 2 * time.Millisecond
)

var errSilent = errors.New("the viewer sends no reports")

// viewer is one controller that watches: from its SetupEndpoints to the end of its stream.
type viewer struct {
	peer   *hap.Peer
	setup  setup
	conn   *net.UDPConn
	ssrc   uint32
	ctx    context.Context
	end    context.CancelFunc
	source *stream.Source
	log    *slog.Logger

	once      sync.Once
	started   chan struct{}
	choice    rtpChoice // set before started is closed
	suspended atomic.Bool

	mu     sync.Mutex // guards what follows and the order of packets
	srtp   *srtp.Context
	buffer []byte
	last   *media.Unit
	sent   uint32
	octets uint32
}

// start begins the stream; a repeated Start changes nothing.
func (w *viewer) start(c rtpChoice) {
	w.once.Do(func() {
		w.choice = c
		close(w.started)
	})
}

// send streams until the viewer or the source ends it.
func (w *viewer) send() error {
	out, err := srtp.CreateContext(w.setup.videoKey.master, w.setup.videoKey.salt, srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		return fmt.Errorf("camera: srtp: %w", err)
	}
	w.srtp = out
	p := newPacketizer(w.choice, w.setup.address.Is6(), w.ssrc, random32(), uint16(random32()))
	heard := make(chan struct{}, 1)
	ctx, cancel := context.WithCancelCause(w.ctx)
	var tasks sync.WaitGroup
	defer func() {
		cancel(nil)
		w.end() // closes the port, so that listen ends
		tasks.Wait()
	}()
	tasks.Go(func() { w.listen(heard) })
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

// listen notes the viewer's reports. Only packets from its address with a valid tag count.
func (w *viewer) listen(heard chan<- struct{}) {
	in, err := srtp.CreateContext(w.setup.videoKey.master, w.setup.videoKey.salt, srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		return
	}
	buffer := make([]byte, 2048)
	for {
		n, from, err := w.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		const first, last = 200, 207 // RTCP packet types (RFC 3550, 12.1)
		if from.Addr().Unmap() != w.peer.Remote.Addr().Unmap() || n < 8 || buffer[1] < first || buffer[1] > last {
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
	tick := time.NewTicker(reportEvery)
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
		}
	}
}

func (w *viewer) sendReport(p *packetizer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		return nil
	}
	now := time.Now()
	r := rtcp.SenderReport{
		SSRC: w.ssrc, NTPTime: ntp(now), RTPTime: p.timestamp(w.last.PTS + now.Sub(w.last.At)),
		PacketCount: w.sent, OctetCount: w.octets,
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

// forward sends the cached picture, paced, and then what comes.
func (w *viewer) forward(ctx context.Context, p *packetizer) error {
	view := w.source.View(ctx)
	defer view.Close()
	free := time.Now() // when the line is free again
	waiting := true    // for a key unit
	for {
		u, err := view.Next(ctx)
		if err != nil {
			return err
		}
		if w.suspended.Load() {
			waiting = true
			continue
		}
		if waiting && !u.Key {
			continue
		}
		waiting = false
		for _, packet := range p.packets(u) {
			if free, err = w.pace(ctx, free, len(packet.Payload)); err != nil {
				return err
			}
			if err := w.sendPacket(u, packet); err != nil {
				return err
			}
		}
	}
}

// pace waits until the line is free and says when it will be free after n more bytes.
func (w *viewer) pace(ctx context.Context, free time.Time, n int) (time.Time, error) {
	now := time.Now()
	if free.Before(now) {
		free = now
	}
	if ahead := free.Sub(now); ahead > slack {
		select {
		case <-time.After(ahead):
		case <-ctx.Done():
			return free, ctx.Err()
		}
	}
	return free.Add(time.Duration(n) * 8 * time.Second / burst), nil
}

func (w *viewer) sendPacket(u *media.Unit, packet *rtp.Packet) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	raw, err := packet.Marshal()
	if err != nil {
		return fmt.Errorf("camera: packet: %w", err)
	}
	if w.buffer, err = w.srtp.EncryptRTP(w.buffer[:0], raw, nil); err != nil {
		return fmt.Errorf("camera: packet: %w", err)
	}
	w.last, w.sent, w.octets = u, w.sent+1, w.octets+uint32(len(packet.Payload))
	return w.write(w.buffer)
}

// write sends a datagram. A viewer that is not there yet, or no more, refuses it: its reports decide.
func (w *viewer) write(b []byte) error {
	_, err := w.conn.WriteToUDPAddrPort(b, netip.AddrPortFrom(w.setup.address, w.setup.video))
	if err != nil && errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
