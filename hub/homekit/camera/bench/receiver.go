package main

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/ingle-home/ingle/accessories/rtsp/sim"
)

// receiver is where the packets of one stream arrive.
type receiver struct {
	conn    *net.UDPConn
	to      netip.AddrPort // where the stream comes from; reports go there
	ssrc    uint32
	in, out *srtp.Context
	done    sync.WaitGroup
	first   chan struct{} // closed at the first picture

	mu       sync.Mutex
	sequence uint16
	begun    bool
	stamp    time.Time // of the picture that is under way
	seen     seen
}

// seen is what arrived since it was last asked for.
type seen struct {
	pictures int
	lost     int // packets
	faults   int // packets that could not be read
	took     []time.Duration
}

func newReceiver() (*receiver, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(4 << 20) // what this program reads late is not the fault of who sent it
	return &receiver{conn: conn, first: make(chan struct{})}, nil
}

func (r *receiver) port() uint16 { return r.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

func (r *receiver) close() {
	_ = r.conn.Close()
	r.done.Wait()
}

// receive begins to read; the keys, with their salts, are those of either direction.
func (r *receiver) receive(from netip.AddrPort, ssrc uint32, theirs, own []byte) error {
	r.to, r.ssrc = from, ssrc
	for _, c := range []struct {
		context **srtp.Context
		key     []byte
	}{{&r.in, theirs}, {&r.out, own}} {
		if len(c.key) != 30 {
			return fmt.Errorf("a key of %d bytes", len(c.key))
		}
		var err error
		if *c.context, err = srtp.CreateContext(c.key[:16], c.key[16:], srtp.ProtectionProfileAes128CmHmacSha1_80); err != nil {
			return err
		}
	}
	r.done.Go(r.listen)
	return nil
}

func (r *receiver) listen() {
	buffer := make([]byte, 4096)
	for {
		n, _, err := r.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		if n >= 12 {
			r.take(buffer[:n], time.Now())
		}
	}
}

func (r *receiver) take(b []byte, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b[1] >= 200 && b[1] <= 207 {
		r.answer()
		return
	}
	plain, err := r.in.DecryptRTP(nil, b, nil)
	var p rtp.Packet
	if err != nil || p.Unmarshal(plain) != nil || p.PayloadType != payloadType || p.SSRC != r.ssrc || len(p.Payload) == 0 {
		r.seen.faults++
		return
	}
	if r.begun {
		r.seen.lost += int(p.SequenceNumber - r.sequence - 1)
	}
	r.begun, r.sequence = true, p.SequenceNumber
	if sent, ok := sim.Stamped(whole(p.Payload)); ok {
		r.stamp = sent
	}
	if p.Marker {
		r.picture(at)
	}
}

// whole gives the NAL units that are whole in a payload, which is where a stamp is.
func whole(payload []byte) [][]byte {
	const aggregate = 24 // RFC 6184, 5.7.1
	if payload[0]&0x1f != aggregate {
		return [][]byte{payload}
	}
	var nals [][]byte
	for rest := payload[1:]; len(rest) > 2; {
		n := int(rest[0])<<8 | int(rest[1])
		if rest = rest[2:]; n > len(rest) {
			break
		}
		nals, rest = append(nals, rest[:n]), rest[n:]
	}
	return nals
}

func (r *receiver) picture(at time.Time) {
	if r.seen.pictures++; !r.stamp.IsZero() {
		r.seen.took = append(r.seen.took, at.Sub(r.stamp))
	}
	r.stamp = time.Time{}
	select {
	case <-r.first:
	default:
		close(r.first)
	}
}

// answer reports that somebody is here.
func (r *receiver) answer() {
	raw, err := (&rtcp.ReceiverReport{SSRC: ownSSRC, Reports: []rtcp.ReceptionReport{{SSRC: r.ssrc}}}).Marshal()
	if err == nil {
		raw, err = r.out.EncryptRTCP(nil, raw, nil)
	}
	if err == nil {
		_, _ = r.conn.WriteToUDPAddrPort(raw, r.to) // one that gets lost is followed by another
	}
}

// since gives what arrived since the last call.
func (r *receiver) since() seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.seen
	r.seen = seen{}
	return s
}
