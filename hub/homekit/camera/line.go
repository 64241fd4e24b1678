package camera

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/ingle-home/ingle/hub/homekit/camera/datagram"
)

const (
	replayWindow = 64  // packets, as in RFC 3711, 3.3.2
	firstRTCP    = 200 // packet types (RFC 3550, 12.1)
	lastRTCP     = 207
)

// line is the way of one medium to and from a viewer: SRTP on a port of its own.
type line struct {
	conn *net.UDPConn
	to   netip.AddrPort
	ssrc uint32

	mu     sync.Mutex // guards what follows and the order of packets
	out    *srtp.Context
	sender datagram.Sender
	buffer []byte     // the packets of one send, one behind the other
	sizes  []int      // … of each
	head   rtp.Header // scratch
	sent   uint32
	octets uint32
}

// openLine opens a port on an address of ours.
func openLine(local netip.Addr, to netip.AddrPort, ssrc uint32) (*line, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return nil, err
	}
	return &line{conn: conn, to: to, ssrc: ssrc, sender: datagram.Sender{Conn: conn}}, nil
}

// end is what the viewer is told of a line.
func (l *line) end() end {
	return end{l.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port(), l.ssrc}
}

// arm makes the ciphers of both directions from the key that the viewer gave.
func (l *line) arm(k key) (in *srtp.Context, err error) {
	cipher := func(o ...srtp.ContextOption) *srtp.Context {
		c, e := srtp.CreateContext(k.master, k.salt, srtp.ProtectionProfileAes128CmHmacSha1_80, o...)
		if e != nil {
			err = fmt.Errorf("camera: srtp: %w", e)
		}
		return c
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = cipher()
	in = cipher(srtp.SRTCPReplayProtection(replayWindow), srtp.SRTPReplayProtection(replayWindow))
	return in, err
}

// send encrypts packets and sends them together.
func (l *line) send(packets ...*rtp.Packet) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buffer, l.sizes = l.buffer[:0], l.sizes[:0]
	for _, packet := range packets {
		if err := l.seal(packet); err != nil {
			return fmt.Errorf("camera: packet: %w", err)
		}
	}
	return l.write(l.buffer, l.sizes...)
}

// seal appends a packet to the buffer and encrypts it there. Callers hold mu.
func (l *line) seal(packet *rtp.Packet) error {
	from, n := len(l.buffer), packet.MarshalSize()
	l.buffer = slices.Grow(l.buffer, n+authTag)
	plain := l.buffer[from : from+n]
	if _, err := packet.MarshalTo(plain); err != nil {
		return err
	}
	sealed, err := l.out.EncryptRTP(plain[:0], plain, &l.head)
	if err != nil {
		return err
	}
	l.buffer, l.sizes = l.buffer[:from+len(sealed)], append(l.sizes, len(sealed))
	l.sent, l.octets = l.sent+1, l.octets+uint32(len(packet.Payload))
	return nil
}

// report tells the viewer which RTP time is now.
func (l *line) report(now time.Time, at uint32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := rtcp.SenderReport{SSRC: l.ssrc, NTPTime: ntp(now), RTPTime: at, PacketCount: l.sent, OctetCount: l.octets}
	raw, err := r.Marshal()
	if err != nil {
		return fmt.Errorf("camera: report: %w", err)
	}
	sealed, err := l.out.EncryptRTCP(nil, raw, nil)
	if err != nil {
		return fmt.Errorf("camera: report: %w", err)
	}
	return l.write(sealed, len(sealed))
}

// write sends datagrams of these sizes. A viewer that is not there yet, or no more, refuses them: its
// reports decide.
func (l *line) write(b []byte, sizes ...int) error {
	err := l.sender.Send(l.to, b, sizes)
	if err != nil && errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// listen gives what comes in until the port is closed: from where, and the bytes, which are valid until
// the next. Nothing about them is proved.
func (l *line) listen(take func(from netip.Addr, b []byte)) {
	buffer := make([]byte, 2048)
	for {
		n, from, err := l.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		const least = 8 // bytes of RTCP; RTP has more
		if n >= least {
			take(bare(from.Addr()), buffer[:n])
		}
	}
}

// isRTCP tells reports from media on one port (RFC 5761).
func isRTCP(b []byte) bool { return b[1] >= firstRTCP && b[1] <= lastRTCP }

// ntp is a time as seconds since 1900 in 32.32 fixed point (RFC 5905).
func ntp(t time.Time) uint64 {
	const since1900 = 2_208_988_800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/1_000_000_000
}
