package camera

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// startTime is how long an endpoint is held for a viewer that does not start.
const startTime = 30 * time.Second

// seat is one stream service: at most one viewer at a time, from its SetupEndpoints to the end of its
// stream.
type seat struct {
	camera *Camera
	ctx    context.Context // ends with the camera

	status, endpoints, selected *hap.Characteristic

	mu      sync.Mutex
	viewer  *viewer
	answers map[uint64]hap.Value // to SetupEndpoints, by connection
}

func newSeat(ctx context.Context, c *Camera) *seat {
	return &seat{camera: c, ctx: ctx, answers: map[uint64]hap.Value{}}
}

func (s *seat) service() *hap.Service {
	sizes := []size{{1920, 1080, 30}, {1280, 720, 30}, {640, 360, 30}, {320, 240, 15}}
	if w, h := s.camera.source.Size(); w > 0 {
		sizes = append([]size{{uint16(w), uint16(h), 30}}, sizes...)
	}
	s.status = tlvCharacteristic("120", hap.PermRead|hap.PermEvents, streamingStatus(available))
	s.endpoints = tlvCharacteristic("118", hap.PermRead|hap.PermWrite, tlv8.AppendUint8(nil, 2, setupError))
	s.endpoints.OnWrite, s.endpoints.OnRead = s.setUp, s.readSetUp
	s.selected = tlvCharacteristic("117", hap.PermRead|hap.PermWrite, nil)
	s.selected.OnWrite = s.choose
	return &hap.Service{Type: "110", Characteristics: []*hap.Characteristic{
		s.status,
		tlvCharacteristic("114", hap.PermRead, supportedVideo(sizes)),
		tlvCharacteristic("115", hap.PermRead, supportedAudio()),
		tlvCharacteristic("116", hap.PermRead, supportedRTP()),
		s.selected, s.endpoints,
	}}
}

func tlvCharacteristic(typ string, perms hap.Perms, value []byte) *hap.Characteristic {
	c := &hap.Characteristic{Type: typ, Format: hap.FormatTLV8, Perms: perms}
	_ = c.Set(hap.Bytes(value)) // bytes fit tlv8
	return c
}

// setUp reserves the seat for a viewer, or notes for it that the seat is taken. Either answer is read
// back from the same characteristic.
func (s *seat) setUp(_ context.Context, p *hap.Peer, v hap.Value) (hap.Value, error) {
	want, err := parseSetup(v.Bytes())
	if err != nil {
		return hap.Value{}, hap.StatusInvalidValue
	}
	if s.camera.source.Paused() {
		return hap.Value{}, hap.StatusNotAllowed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.viewer != nil && s.viewer.peer.Number != p.Number {
		s.answer(p, want.refuse(setupBusy))
		return hap.Value{}, nil
	}
	if s.viewer != nil { // the same viewer asks anew: its first wish is void
		s.viewer.end()
		s.viewer = nil
	}
	if s.ctx.Err() != nil {
		return hap.Value{}, hap.StatusNotAllowed
	}
	w, err := s.receive(p, want)
	if err != nil {
		s.camera.log.Warn("a camera stream has no port", "err", err)
		s.answer(p, want.refuse(setupError))
		return hap.Value{}, nil
	}
	s.viewer = w
	local := w.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	s.answer(p, want.answer(p.Local.Addr().Unmap().WithZone(""), local.Port(), w.ssrc, random32()))
	s.camera.streams.Go(func() { s.attend(w) })
	s.tell(inUse)
	return hap.Value{}, nil
}

// receive opens the port of a viewer's stream on the address that its controller reached.
func (s *seat) receive(p *hap.Peer, want setup) (*viewer, error) {
	local := net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.Local.Addr().Unmap(), 0))
	conn, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(s.ctx)
	return &viewer{
		peer: p, setup: want, conn: conn, ssrc: random32(), ctx: ctx, end: end,
		started: make(chan struct{}), source: s.camera.source, log: s.camera.log,
	}, nil
}

// answer keeps what a connection reads back until it ends.
func (s *seat) answer(p *hap.Peer, raw []byte) {
	if _, known := s.answers[p.Number]; !known {
		s.camera.streams.Go(func() {
			select {
			case <-p.Done():
			case <-s.ctx.Done():
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.answers, p.Number)
		})
	}
	s.answers[p.Number] = hap.Bytes(raw)
}

func (s *seat) readSetUp(_ context.Context, p *hap.Peer) (hap.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.answers[p.Number]; ok && !s.camera.source.Paused() {
		return v, nil
	}
	return hap.Bytes(tlv8.AppendUint8(nil, 2, setupError)), nil
}

// choose starts, pauses or ends the viewer's stream.
func (s *seat) choose(_ context.Context, _ *hap.Peer, v hap.Value) (hap.Value, error) {
	want, err := parseSelection(v.Bytes())
	if err != nil {
		return hap.Value{}, hap.StatusInvalidValue
	}
	if s.camera.source.Paused() {
		return hap.Value{}, hap.StatusNotAllowed
	}
	s.mu.Lock()
	w := s.viewer
	s.mu.Unlock()
	if w == nil || w.setup.id != want.id {
		return hap.Value{}, hap.StatusInvalidValue
	}
	switch want.command {
	case commandEnd:
		w.end()
	case commandStart:
		if want.video.ssrc == w.ssrc { // one key serves both ways: equal numbers would repeat the key stream
			return hap.Value{}, hap.StatusInvalidValue
		}
		w.start(want.video)
	case commandSuspend, commandResume:
		w.suspended.Store(want.command == commandSuspend)
	}
	return hap.Value{}, nil
}

// attend holds the seat for a viewer until its stream has ended.
func (s *seat) attend(w *viewer) {
	defer w.end()
	late := time.NewTimer(startTime)
	defer late.Stop()
	gone := context.AfterFunc(w.ctx, func() { _ = w.conn.Close() })
	defer gone()
	s.camera.streams.Go(func() {
		select {
		case <-w.peer.Done():
			w.end()
		case <-w.ctx.Done():
		}
	})
	select {
	case <-w.started:
		if err := w.send(); err != nil {
			s.camera.log.Info("a camera stream ended", "err", err)
		}
	case <-late.C:
	case <-w.ctx.Done():
	}
	w.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.viewer == w {
		s.viewer = nil
		s.tell(available)
	}
}

func (s *seat) tell(status byte) { _ = s.status.Set(hap.Bytes(streamingStatus(status))) }

func random32() uint32 {
	var b [4]byte
	rand.Read(b[:]) // crypto/rand ends the program rather than fail
	return binary.LittleEndian.Uint32(b[:])
}
