package sound

import (
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

// BenchmarkSecond is a second of a camera's G.711 for one viewer.
func BenchmarkSecond(b *testing.B) {
	for name, f := range map[string]Format{
		"16kHz-20ms": {Rate: 16000, PacketTime: 20 * time.Millisecond},
		"24kHz-60ms": {Rate: 24000, PacketTime: 60 * time.Millisecond},
	} {
		b.Run(name, func(b *testing.B) {
			e, track := newEncoder(b, f), telephone(media.PCMU)
			for i := range b.N {
				for n := range 50 {
					e.must(b, spoken(track, i*50+n))
				}
			}
		})
	}
}
