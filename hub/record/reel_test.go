package record

import (
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

// held is what a reel has in memory, in bytes.
func (r *reel) held() (sum int) {
	all := r.pieces
	if r.open != nil {
		all = append(all[:len(all):len(all)], *r.open)
	}
	for _, p := range all {
		for _, f := range p.frames {
			sum += f.unit.Weight()
		}
		for _, u := range p.sounds {
			sum += u.Weight()
		}
	}
	return sum
}

// TestAClockThatCrawls: a camera whose clock hardly moves, or that sends sound without end, must not fill
// the hub's memory, since a piece ends by the camera's clock.
func TestAClockThatCrawls(t *testing.T) {
	const limit = 12 << 20
	sps := []byte{0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0xe0, 0xf1, 0x42, 0xa4, 0x80}
	track := &media.Track{Codec: media.H264, SPS: sps, PPS: []byte{0x68, 0xcb, 0x83, 0xcb, 0x20}, Width: 320, Height: 240}
	voice := &media.Track{Codec: media.PCMU, ClockRate: 8000, Channels: 1}
	picture := func(n int) *media.Unit {
		nal := make([]byte, 4096)
		nal[0], nal[1] = 0x41, 0x80
		if n == 0 {
			nal[0] = 0x65
		}
		return &media.Unit{Track: track, Key: n == 0, NALs: [][]byte{nal}, PTS: time.Duration(n) * 50 * time.Microsecond, At: time.Now()}
	}
	r := reel{cover: preRoll, limit: limit}
	most, pieces := 0, 0
	for n := range 20_000 {
		if done, _ := r.add(picture(n), false); done != nil {
			pieces++
		}
		most = max(most, r.held())
	}
	if most > limit+maxFrame || pieces == 0 {
		t.Errorf("%d MB of a crawling camera are held, in %d pieces", most>>20, pieces)
	}
	r.add(picture(0), true)
	for range 200_000 {
		r.hear(&media.Unit{Track: voice, Sound: []byte{1}})
	}
	if n := r.held(); n > limit+maxFrame {
		t.Errorf("%d MB of sound are held", n>>20)
	}
}

// maxFrame is what may come on top: the piece that is open is not dropped.
const maxFrame = hugePiece
