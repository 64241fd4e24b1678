package sim

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	pictureStart = 0x7fff0000 // the RTP timestamps of the pictures and of the sound
	soundStart   = 0x10000000 // begin at different places, as cameras' do
	stampName    = "ingle-wall-clock"
)

// view is one of the camera's streams.
type view struct {
	sim  *Sim
	path string
	film film
	tone *tone // nil: silent

	// Under sim.mu.
	stream  *gortsplib.ServerStream // nil while the camera is off
	medias  medias
	refresh bool // the next picture must be a key picture
}

type medias struct{ picture, sound *description.Media }

// cast makes the camera's views.
func (s *Sim) cast() error {
	o := s.opts
	main, err := o.film(o.Width, o.Height)
	if err != nil {
		return err
	}
	if o.Then != [2]int{} {
		other, err := o.film(o.Then[0], o.Then[1])
		if err != nil {
			return err
		}
		main = main.then(other, o.GOP*o.FPS)
	}
	s.views = []*view{{sim: s, path: "/live", film: main}}
	if o.Small {
		o.H265 = false
		small, err := o.film(o.Width/4*2, o.Height/4*2)
		if err != nil {
			return err
		}
		s.views = append(s.views, &view{sim: s, path: "/small", film: small})
	}
	if o.Sound == "" {
		return nil
	}
	t, err := loadTone(o.Dir, o.Sound)
	if err != nil {
		return err
	}
	for _, v := range s.views {
		v.tone = &t
	}
	return nil
}

func (o Options) film(width, height int) (film, error) {
	f, err := loadFilm(o.Dir, script{
		width: width, height: height, fps: o.FPS, gop: o.GOP,
		slices: o.Slices, between: o.Between, heavy: o.Heavy, hevc: o.H265, rate: o.Rate,
	})
	if err == nil && o.Sets == OnlySDP {
		f = f.without()
	}
	return f, err
}

// pace calls send for 0, 1, 2 … at their times from begin until ctx ends.
func pace(ctx context.Context, begin time.Time, each time.Duration, send func(i int)) {
	for i := 0; ; i++ {
		wait := time.NewTimer(time.Until(begin.Add(time.Duration(i) * each)))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
			send(i)
		}
	}
}

// encoder makes RTP packets of a picture.
type encoder interface {
	Encode(nals [][]byte) ([]*rtp.Packet, error)
}

func (f film) encoder() (encoder, error) {
	if f.hevc {
		return (&format.H265{PayloadTyp: 96}).CreateEncoder()
	}
	return (&format.H264{PayloadTyp: 96, PacketizationMode: 1}).CreateEncoder()
}

// playPictures sends the film round and round at its own pace.
func (v *view) playPictures(ctx context.Context) {
	encoder, err := v.film.encoder()
	if err != nil {
		return
	}
	begin, at, sent := time.Now(), 0, 0
	pace(ctx, begin, time.Second/time.Duration(v.film.fps), func(i int) {
		at = v.turn(at)
		p := v.film.pictures[at]
		stream, medium, jump := v.picture()
		packets := v.packets(encoder, p, i)
		place := i + p.shown - at
		stamp := uint32(pictureStart + int64(place)*90000/int64(v.film.fps) + ticks(jump, 90000))
		at = (at + 1) % len(v.film.pictures)
		if stream == nil {
			return
		}
		var ssrc uint32
		for _, packet := range packets {
			if sent++; v.sim.opts.Gaps > 0 && sent%v.sim.opts.Gaps == 0 {
				continue
			}
			packet.Timestamp = stamp
			_ = stream.WritePacketRTPWithNTP(medium, packet, time.Now()) // fails only when it was just switched off
			ssrc = packet.SSRC
		}
		if i%v.film.fps == 0 && ssrc != 0 {
			shown := begin.Add(time.Duration(place) * time.Second / time.Duration(v.film.fps))
			report(stream, medium, ssrc, shown, stamp)
		}
	})
}

// ticks is a time in ticks of a clock; whole seconds, so that it does not overflow.
func ticks(d time.Duration, rate int64) int64 { return int64(d/time.Second) * rate }

// turn gives the place in the film from which to go on: at, or the next key picture where one was asked for.
func (v *view) turn(at int) int {
	v.sim.mu.Lock()
	defer v.sim.mu.Unlock()
	if !v.refresh {
		return at
	}
	v.refresh = false
	for n := range v.film.pictures {
		if next := (at + n) % len(v.film.pictures); v.film.pictures[next].key {
			return next
		}
	}
	return at
}

// picture gives where pictures go, nowhere perhaps, and counts one if somebody sees it.
func (v *view) picture() (*gortsplib.ServerStream, *description.Media, time.Duration) {
	v.sim.mu.Lock()
	defer v.sim.mu.Unlock()
	if v.sim.frozen {
		return nil, nil, 0
	}
	if len(v.sim.players) > 0 && v.stream != nil {
		v.sim.state.Frames++
	}
	return v.stream, v.medias.picture, v.sim.jump
}

// packets makes the packets of the picture number i, with what the Options ask for.
func (v *view) packets(e encoder, p picture, i int) []*rtp.Packet {
	nals := p.nals
	if n := v.sim.opts.Stamp; n > 0 && i%n == 0 && !v.film.hevc {
		nals = append([][]byte{stamp(time.Now())}, nals...)
	}
	groups := [][][]byte{nals}
	if v.sim.opts.EachMarked {
		groups = nil
		for _, nal := range nals {
			groups = append(groups, [][]byte{nal})
		}
	}
	var packets []*rtp.Packet
	for _, group := range groups {
		made, err := e.Encode(group)
		if err != nil {
			return nil // a group without NAL units; the film has none
		}
		packets = append(packets, made...)
	}
	return packets
}

// playSound sends the tone round and round at its own pace.
func (v *view) playSound(ctx context.Context) {
	rate := v.tone.format.ClockRate()
	each := time.Duration(v.tone.step) * time.Second / time.Duration(rate)
	begin := time.Now()
	pace(ctx, begin.Add(v.sim.opts.SoundLate), each, func(i int) {
		v.sim.mu.Lock()
		stream, medium, jump, frozen := v.stream, v.medias.sound, v.sim.jump, v.sim.frozen
		v.sim.mu.Unlock()
		if stream == nil || frozen {
			return
		}
		stamp := uint32(soundStart + int64(i)*int64(v.tone.step) + ticks(jump, int64(rate)))
		packet := &rtp.Packet{
			Header:  rtp.Header{Version: 2, PayloadType: v.tone.format.PayloadType(), SequenceNumber: uint16(i), Timestamp: stamp, Marker: true},
			Payload: v.tone.payloads[i%len(v.tone.payloads)],
		}
		_ = stream.WritePacketRTPWithNTP(medium, packet, time.Now()) // fails only when it was just switched off
		if i%int(time.Second/each) == 0 {
			report(stream, medium, packet.SSRC, begin.Add(time.Duration(i)*each), stamp)
		}
	})
}

// report says which RTP timestamp belongs to which time (RFC 3550, 6.4.1).
func report(stream *gortsplib.ServerStream, m *description.Media, ssrc uint32, at time.Time, stamp uint32) {
	_ = stream.WritePacketRTCP(m, &rtcp.SenderReport{SSRC: ssrc, NTPTime: ntp.Encode(at), RTPTime: stamp}) // as above
}

// stamp is a NAL unit that tells a time (SEI, user data; ITU-T H.264, D.1.7).
func stamp(at time.Time) []byte {
	return fmt.Appendf(nil, "\x06\x05\x20%s%016x\x80", stampName, at.UnixNano())
}

// Stamped gives the time at which a picture with these NAL units was sent, with the option Stamp.
func Stamped(nals [][]byte) (time.Time, bool) {
	for _, nal := range nals {
		text, ok := bytes.CutPrefix(nal, []byte("\x06\x05\x20"+stampName))
		if !ok || len(text) < hex.EncodedLen(8) {
			continue
		}
		if n, err := strconv.ParseInt(string(text[:16]), 16, 64); err == nil {
			return time.Unix(0, n), true
		}
	}
	return time.Time{}, false
}
