package camera

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/stream"
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
	answers map[uint64]answer // to SetupEndpoints, by connection
}

// answer is what a connection reads back from SetupEndpoints. It holds keys unless of is nil, and is
// wiped when they are of no more use.
type answer struct {
	of  *viewer
	raw []byte
}

func newSeat(ctx context.Context, c *Camera) *seat {
	return &seat{camera: c, ctx: ctx, answers: map[uint64]answer{}}
}

func (s *seat) service() *hap.Service {
	s.status = tlvCharacteristic("120", hap.PermRead|hap.PermEvents, streamingStatus(available))
	s.endpoints = tlvCharacteristic("118", hap.PermRead|hap.PermWrite, noSetup())
	s.endpoints.OnWrite, s.endpoints.OnRead = s.setUp, s.readSetUp
	s.selected = tlvCharacteristic("117", hap.PermRead|hap.PermWrite, noSelection())
	s.selected.OnWrite = s.choose
	return &hap.Service{Type: "110", Characteristics: []*hap.Characteristic{
		s.status,
		tlvCharacteristic("114", hap.PermRead, supportedVideo(offered(s.camera.source.Size()))),
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
	if err != nil || !inHome(want.address, p) {
		return hap.Value{}, hap.StatusInvalidValue
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	barred := s.camera.source.Barred()
	if s.ctx.Err() != nil || errors.Is(barred, stream.ErrPaused) {
		return hap.Value{}, hap.StatusNotAllowed
	}
	// Else the server would keep what was written, keys and all, and show it to every controller.
	_ = s.endpoints.Set(hap.Bytes(noSetup()))
	switch {
	case barred != nil:
		s.answer(p, nil, want.refuse(setupError))
	case s.viewer != nil && (s.viewer.peer.Number != p.Number || s.viewer.running()):
		s.answer(p, nil, want.refuse(setupBusy))
	default:
		s.reserve(p, want)
	}
	return hap.Value{}, nil
}

// reserve gives the seat to a viewer. Callers hold mu.
func (s *seat) reserve(p *hap.Peer, want setup) {
	if s.viewer != nil { // the same controller asks anew before Start: its first wish is void
		s.viewer.end()
		s.viewer = nil
	}
	w := newViewer(s.ctx, s.camera, p, want)
	local, err := localFor(p, netip.AddrPortFrom(want.address, want.video))
	if err == nil {
		err = w.connect(local)
	}
	if err != nil {
		w.end()
		w.disconnect()
		s.camera.log.Warn("a camera stream has no port", "err", err)
		s.answer(p, nil, want.refuse(setupError))
		return
	}
	s.viewer = w
	audio := end{w.video.end().port, random32()}
	if w.sound != nil {
		audio = w.sound.end()
	}
	s.answer(p, w, want.answer(local, w.video.end(), audio))
	s.camera.streams.Go(func() { s.attend(w) })
	s.tell()
}

// answer keeps what a connection reads back until it ends. Callers hold mu.
func (s *seat) answer(p *hap.Peer, of *viewer, raw []byte) {
	if _, known := s.answers[p.Number]; !known {
		s.camera.streams.Go(func() {
			select {
			case <-p.Done():
			case <-s.ctx.Done():
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			clear(s.answers[p.Number].raw)
			delete(s.answers, p.Number)
		})
	}
	clear(s.answers[p.Number].raw)
	s.answers[p.Number] = answer{of, raw}
}

func (s *seat) readSetUp(_ context.Context, p *hap.Peer) (hap.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.answers[p.Number]; ok && s.camera.source.Barred() == nil {
		return hap.Bytes(a.raw), nil
	}
	return hap.Bytes(noSetup()), nil
}

// choose starts, pauses, changes or ends the viewer's stream.
func (s *seat) choose(_ context.Context, p *hap.Peer, v hap.Value) (hap.Value, error) {
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
	if w == nil || w.peer.Number != p.Number || w.setup.id != want.id {
		return hap.Value{}, hap.StatusInvalidValue
	}
	if want.command == commandEnd {
		s.free(w) // before the answer: the seat can be taken again at once
		return hap.Value{}, nil
	}
	return hap.Value{}, w.obey(want)
}

// attend holds the seat for a viewer until its stream has ended.
func (s *seat) attend(w *viewer) {
	defer w.setup.wipe()
	defer w.disconnect()
	defer s.free(w)
	late := time.NewTimer(startTime)
	defer late.Stop()
	context.AfterFunc(w.ctx, w.disconnect) // wakes those who listen
	s.camera.streams.Go(func() {
		select {
		case <-w.peer.Done():
			w.end()
		case <-w.ctx.Done():
		}
	})
	warm := s.camera.source.View(w.ctx) // the camera is called while the controllers still talk
	defer warm.Close()
	select {
	case <-w.started:
		warm.Close()
		defer s.camera.streamed(w.peer.Controller)()
		if err := w.send(); err != nil {
			s.camera.log.Info("a camera stream ended", "err", err)
		}
	case <-late.C:
	case <-w.ctx.Done():
	}
}

// free gives the seat back and forgets the answer with the keys.
func (s *seat) free(w *viewer) {
	w.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.answers[w.peer.Number]; ok && a.of == w {
		clear(a.raw)
		s.answers[w.peer.Number] = answer{nil, noSetup()}
	}
	if s.viewer == w {
		s.viewer = nil
		_ = s.selected.Set(hap.Bytes(noSelection())) // bytes fit; else the next one finds an old session
		s.tell()
	}
}

// refresh tells what the seat is now, and ends its viewer when there are no pictures for it.
func (s *seat) refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.viewer != nil && s.camera.source.Barred() != nil {
		s.viewer.end()
		s.viewer = nil
		_ = s.selected.Set(hap.Bytes(noSelection()))
	}
	s.tell()
}

// tell shows the seat's state to controllers. Callers hold mu.
func (s *seat) tell() {
	status := available
	switch {
	case s.camera.source.Barred() != nil:
		status = unavailable
	case s.viewer != nil:
		status = inUse
	}
	_ = s.status.Set(hap.Bytes(streamingStatus(status)))
}

func random32() uint32 {
	var b [4]byte
	rand.Read(b[:]) // crypto/rand ends the program rather than fail
	return binary.LittleEndian.Uint32(b[:])
}
