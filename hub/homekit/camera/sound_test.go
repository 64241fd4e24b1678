package camera_test

import (
	"context"
	"math"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/homekit/camera"
	"github.com/ingle-home/ingle/hub/stream"
)

var telephone = &media.Track{Codec: media.PCMU, ClockRate: 8000, Channels: 1}

// spoken is 20 ms of a tone of 440 Hz in G.711 µ-law.
func spoken(n int) []byte {
	b := make([]byte, 160)
	for i := range b {
		v := 10_000 * math.Sin(2*math.Pi*440*float64(n*160+i)/8000)
		b[i] = ulaw(v)
	}
	return b
}

// ulaw and linear are ITU-T G.711 by its formula: whole steps of a bent line.
func ulaw(v float64) byte {
	best, far := byte(0), math.Inf(1)
	for b := range 256 {
		if d := math.Abs(linear(byte(b)) - v); d < far {
			best, far = byte(b), d
		}
	}
	return best
}

func linear(b byte) float64 {
	b = ^b
	v := math.Ldexp(float64(b&15)*8+132, int(b>>4&7)) - 132
	if b&0x80 != 0 {
		return -v
	}
	return v
}

// talking is a camera that sends 30 pictures a second and a tone, in real time.
func talking(ctx context.Context, out func(*media.Unit)) error {
	track := burstOf(1, 100)[0].Track
	var tones [][]byte
	for n := range 50 {
		tones = append(tones, spoken(n)) // a second, in which the tone closes
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	pictures, sounds, begin := 0, 0, time.Now()
	for {
		select {
		case now := <-tick.C:
			for passed := now.Sub(begin); time.Duration(pictures)*time.Second/30 <= passed; pictures++ {
				kind := byte(0x41)
				if pictures%30 == 0 {
					kind = 0x65
				}
				out(&media.Unit{Track: track, NALs: [][]byte{{kind, 1, 2}}, Key: kind == 0x65, PTS: time.Duration(pictures) * time.Second / 30, At: now})
			}
			for passed := now.Sub(begin); time.Duration(sounds)*20*time.Millisecond <= passed; sounds++ {
				out(&media.Unit{Track: telephone, Sound: tones[sounds%50], PTS: time.Duration(sounds) * 20 * time.Millisecond, At: now})
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// newTalkingStage is the first seat of a camera that sends a tone.
func newTalkingStage(t *testing.T, o camera.Options) (*stage, []*hap.Service) {
	t.Helper()
	o.Source = stream.New(talking, stream.Options{})
	c := camera.New(o)
	t.Cleanup(func() {
		c.Close()
		_ = o.Source.Close()
	})
	return &stage{t, o.Source, c.Services()[0]}, c.Services()
}

// withSound is Start as a controller writes it that wants sound: rate 1 is 16 kHz, 2 is 24 kHz.
func (w wish) withSound(rate, each byte, ssrc uint32) []byte {
	parameters := haptest.Pack(haptest.Field{Type: 1, Value: []byte{1}}, haptest.Field{Type: 2, Value: []byte{0}},
		haptest.Field{Type: 3, Value: []byte{rate}}, haptest.Field{Type: 4, Value: []byte{each}})
	packets := haptest.Pack(haptest.Field{Type: 1, Value: []byte{voiceType}}, haptest.Field{Type: 2, Value: four(ssrc)},
		haptest.Field{Type: 3, Value: two(24)}, haptest.Field{Type: 4, Value: []byte{0, 0, 0xa0, 0x40}}, haptest.Field{Type: 6, Value: []byte{13}})
	audio := haptest.Pack(haptest.Field{Type: 1, Value: []byte{3}}, haptest.Field{Type: 2, Value: parameters},
		haptest.Field{Type: 3, Value: packets}, haptest.Field{Type: 4, Value: []byte{0}})
	return append(w.selection(start, ownSSRC), haptest.Pack(haptest.Field{Type: 3, Value: audio})...)
}

// listens starts a stream with sound.
func (s *stage) listens(id, rate, each byte) (*receiver, *ear) {
	s.t.Helper()
	r := newReceiver(s.t, v4, id)
	e := newEar(s.t, r.wish)
	s.write(caller(1), "118", r.wish.setupBoth(r.port(), port(e.conn)), hap.StatusOK)
	answer := s.reads(caller(1), id, ok)
	r.accept(answer)
	e.accept(answer)
	s.write(caller(1), "117", r.wish.withSound(rate, each, voiceSSRC), hap.StatusOK)
	return r, e
}

func always() bool { return true }

func TestSoundReachesTheViewer(t *testing.T) {
	for _, c := range []struct {
		name       string
		code, each byte
		rate       int
	}{{"16 kHz, 20 ms", 1, 20, 16000}, {"16 kHz, 60 ms", 1, 60, 16000}, {"24 kHz, 20 ms", 2, 20, 24000}, {"24 kHz, 60 ms", 2, 60, 24000}, {"24 kHz, 30 ms", 2, 30, 24000}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, _ := newTalkingStage(t, camera.Options{Sound: always})
			r, e := s.listens(7, c.code, c.each)
			until(t, "two seconds of sound", func() bool { return len(e.heard())*int(c.each) >= 2000 })
			until(t, "pictures", func() bool { return r.seen() > 30 })
			e.check(e.heard(), c.rate, int(c.each))
			e.checkReports(c.rate)
			s.write(caller(1), "117", r.wish.selection(end, 0), hap.StatusOK)
		})
	}
}

// checkReports compares the clocks: wall time with our own, and RTP time with the newest sound.
func (e *ear) checkReports(rate int) {
	e.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.reports) < 3 {
		e.t.Errorf("%d sender reports", len(e.reports))
	}
	const since1900 = 2_208_988_800
	for i, s := range e.reports {
		said := time.Unix(int64(s.NTPTime>>32)-since1900, int64(s.NTPTime&0xffffffff)*1e9>>32)
		if off := s.at.Sub(said); off < -time.Second || off > 5*time.Second || s.SSRC != e.ssrc {
			e.t.Errorf("report %d is %v old, of %x", i, off, s.SSRC)
		}
		if ahead := int32(s.RTPTime - s.newest); s.PacketCount > 0 && s.newest != 0 && (ahead < int32(-5*rate) || ahead > int32(5*rate)) {
			e.t.Errorf("report %d: RTP time is %d ticks from the newest sound", i, ahead)
		}
	}
}

// still reports whether no sound comes for a while.
func (e *ear) still() bool {
	before := len(e.heard())
	<-time.After(300 * time.Millisecond)
	return len(e.heard()) == before
}

func TestSoundIsOffWhereItMustBe(t *testing.T) {
	t.Parallel()
	var allowed atomic.Bool
	s, services := newTalkingStage(t, camera.Options{Sound: allowed.Load})
	r, e := s.listens(7, 1, 20)
	mute := services[4].Characteristic("11A")
	flip := func(on bool) {
		t.Helper()
		if err := mute.Set(hap.Bool(on)); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "pictures", func() bool { return r.seen() > 10 })
	if n := len(e.heard()); n > 0 {
		t.Fatalf("%d packets before the household allows any", n)
	}
	comes := func(what string) {
		t.Helper()
		before := len(e.heard())
		until(t, what, func() bool { return len(e.heard()) > before+20 })
	}
	allowed.Store(true)
	comes("sound")
	flip(true)
	until(t, "silence while muted", e.still)
	flip(false)
	comes("sound again")
	s.choose(caller(1), 7, suspend, hap.StatusOK)
	until(t, "silence while suspended", e.still)
	s.choose(caller(1), 7, resume, hap.StatusOK)
	comes("sound after Resume")
	allowed.Store(false)
	until(t, "silence once the household says so", e.still)
	allowed.Store(true)
	comes("sound at the end")
	e.check(e.heard(), 16000, 20) // with jumps by whole packets
}

func TestWithoutTheHouseholdsWordThereIsNoSound(t *testing.T) {
	t.Parallel()
	s, services := newTalkingStage(t, camera.Options{})
	r, e := s.listens(7, 1, 20)
	until(t, "pictures", func() bool { return r.seen() > 20 })
	if n := len(e.heard()); n > 0 {
		t.Errorf("%d packets", n)
	}
	if len(services) != 5 || services[4].Type != "112" {
		t.Errorf("%d services", len(services))
	}
}

func TestStartsWithSoundThatAreRefused(t *testing.T) {
	s, _ := newTalkingStage(t, camera.Options{Sound: always})
	w := newWish(7)
	s.setUp(caller(1), 7, hap.StatusOK)
	answer := s.reads(caller(1), 7, ok)
	ours := haptest.Get(answer, 7)
	for name, value := range map[string][]byte{
		"8 kHz":      w.withSound(0, 20, voiceSSRC),
		"50 ms":      w.withSound(1, 50, voiceSSRC),
		"our number": w.withSound(1, 20, uint32(ours[0])|uint32(ours[1])<<8|uint32(ours[2])<<16|uint32(ours[3])<<24),
		"AAC-ELD":    append(w.selection(start, ownSSRC), haptest.Pack(haptest.Field{Type: 3, Value: []byte{1, 1, 2}})...),
	} {
		t.Log(name)
		s.write(caller(1), "117", value, hap.StatusInvalidValue)
	}
	s.write(caller(1), "117", w.withSound(2, 40, voiceSSRC), hap.StatusOK)
}

// A stream to an address that its controller does not call from begins when somebody there answers.
func TestAStreamElsewhereMustBeAskedForThere(t *testing.T) {
	t.Parallel()
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here: ", err)
	} else {
		_ = l.Close()
	}
	s, _ := newTalkingStage(t, camera.Options{Sound: always})
	r := newReceiver(t, v6, 7)
	e := newEar(t, r.wish)
	s.write(caller(1), "118", r.wish.setupBoth(r.port(), port(e.conn)), hap.StatusOK) // which calls from 127.0.0.1
	answer := s.reads(caller(1), 7, ok)
	close(r.hush)
	r.accept(answer)
	e.accept(answer)
	s.write(caller(1), "117", r.wish.withSound(1, 20, voiceSSRC), hap.StatusOK)
	until(t, "reports", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return len(e.reports) > 1
	})
	if r.seen() > 0 || len(e.heard()) > 0 {
		t.Fatal("pictures or sound go to who never asked")
	}
	e.answers()
	until(t, "pictures and sound", func() bool { return r.seen() > 0 && len(e.heard()) > 0 })
}
