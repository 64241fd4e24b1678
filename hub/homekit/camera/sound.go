package camera

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/sound"
)

// staleSound is how old a unit may be. The pictures since the last key frame are shown at once when a
// stream begins; their sound would stay behind for good.
const staleSound = 500 * time.Millisecond

// voice is the sound of one stream. A nil voice is silent.
type voice struct {
	viewer  *viewer
	encoder *sound.Encoder
	packet  rtp.Packet // the header of the next
	offset  uint32     // of the timestamps, random
	next    int64      // sample that follows the packets sent
	newest  atomic.Pointer[media.Unit]
}

// speak begins the sound of a stream: it makes the ciphers and listens. The voice is nil when the viewer
// wants none.
func (w *viewer) speak(ctx context.Context, h *hearing, tasks *sync.WaitGroup) (*voice, error) {
	w.mu.Lock()
	choice, limit := w.voice, w.choice.payload(w.setup.address.Is6())
	w.mu.Unlock()
	if w.sound == nil || !choice.wanted {
		return nil, nil
	}
	in, err := w.sound.arm(*w.setup.audioKey)
	if err != nil {
		return nil, err
	}
	choice.format.Limit = limit
	encoder, err := sound.NewEncoder(ctx, choice.format, sound.Options{})
	if err != nil {
		return nil, fmt.Errorf("camera: %w", err)
	}
	said := &talker{viewer: w, choice: choice, in: in, ctx: ctx, tasks: tasks}
	tasks.Go(func() {
		w.sound.listen(func(from netip.Addr, b []byte) {
			if isRTCP(b) {
				h.report(from, b, in)
			} else if h.known(from) {
				said.hear(b)
			}
		})
	})
	return &voice{
		viewer: w, encoder: encoder, offset: random32(),
		packet: rtp.Packet{Header: rtp.Header{
			Version: 2, PayloadType: choice.payloadType, SSRC: w.sound.ssrc, SequenceNumber: uint16(random32()) >> 1,
		}},
	}, nil
}

// report tells the viewer which of its samples is now.
func (v *voice) report(now time.Time, pts time.Duration) error {
	if v == nil {
		return nil
	}
	if u := v.newest.Load(); u != nil {
		pts = u.PTS + now.Sub(u.At) // by the clock of its own view
	}
	return v.viewer.sound.report(now, v.offset+uint32(v.encoder.At(pts)))
}

// forward sends sound until the stream ends, but not while it is suspended. It has a queue of its own, so
// that coding never delays a picture, nor a large picture the sound.
func (v *voice) forward(ctx context.Context) error {
	for {
		select {
		case <-v.viewer.opened():
		case <-ctx.Done():
			return nil
		}
		if err := v.play(ctx); err != nil {
			return err
		}
	}
}

// close ends the coding.
func (v *voice) close() {
	if v != nil {
		v.encoder.Close()
	}
}

func (v *voice) play(ctx context.Context) error {
	view := v.viewer.camera.source.View(ctx)
	defer view.Close()
	for {
		u, err := view.Next(ctx)
		if err != nil {
			return err
		}
		if v.viewer.suspended() {
			return nil
		}
		if !v.audible(u) {
			continue
		}
		v.newest.Store(u)
		packets, err := v.encoder.Encode(u)
		if err != nil {
			v.viewer.camera.deaf.say(v.viewer.camera.log, "a camera's sound is left out", err)
		}
		for _, p := range packets {
			if err := v.send(p); err != nil {
				return err
			}
		}
	}
}

// audible reports whether a unit is sound that may be heard now.
func (v *voice) audible(u *media.Unit) bool {
	c := v.viewer.camera
	return u.Sound != nil && time.Since(u.At) < staleSound && c.sound() && !isOn(c.muted.microphone)
}

// send sends one packet; the first after a pause is marked (RFC 3551, 4.1).
func (v *voice) send(p sound.Packet) error {
	if p.At < v.next {
		return nil // again what was sent before a suspension
	}
	v.packet.Marker = p.At > v.next
	v.packet.SequenceNumber++
	v.packet.Timestamp, v.packet.Payload = v.offset+uint32(p.At), p.Payload
	v.next = p.At + int64(v.encoder.Samples())
	return v.viewer.sound.send(&v.packet)
}
