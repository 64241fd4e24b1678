package sound

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

// Options say what an encoder may use. The zero value is good.
type Options struct {
	FFmpeg string // the program that decodes AAC; "" = ffmpeg from the PATH
}

// ErrCodec means that a camera's sound is of a kind that is not known here.
var ErrCodec = errors.New("sound of a kind that is not known")

// Encoder makes packets of one packet time from a camera's sound. It is for one goroutine and must be
// closed.
type Encoder struct {
	ctx     context.Context // ends the process that decodes AAC
	options Options
	line    timeline

	track   *media.Track  // whose units come
	joiner  *joiner       // nil, or what the track's units go through
	coder   *coder        // nil, or open for good
	decoder *opusDecoder  // nil, or of Opus that does not fit
	rates   *resampler    // nil, or of G.711
	aac     *aac          // nil, or of AAC
	lacks   error         // why coder cannot be opened
	again   time.Duration // when AAC is tried again after its process failed
}

// NewEncoder makes one; errors are those of the format. Close ends it, and the end of ctx what it runs.
func NewEncoder(ctx context.Context, f Format, o Options) (*Encoder, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if o.FFmpeg == "" {
		o.FFmpeg = "ffmpeg"
	}
	return &Encoder{ctx: ctx, options: o, line: timeline{format: f}}, nil
}

// Encode takes one unit of sound and gives the packets that are full, often none. Units come in order; a
// gap between them is a gap between packets. The packets of AAC come some units later. Errors:
// ErrNoLibopus, ErrNoFFmpeg, ErrCodec, or what is wrong with this unit; the next may be better.
func (e *Encoder) Encode(u *media.Unit) ([]Packet, error) {
	if u.Track == nil || u.Sound == nil {
		return nil, fmt.Errorf("%w: no sound", ErrCodec)
	}
	if e.track == nil || e.track != u.Track && !same(e.track, u.Track) {
		e.change()
	}
	e.track = u.Track
	switch u.Track.Codec {
	case media.Opus:
		return e.opus(u)
	case media.PCMU:
		return e.g711(u, fromULaw)
	case media.PCMA:
		return e.g711(u, fromALaw)
	case media.AAC:
		return e.fromAAC(u)
	}
	return nil, fmt.Errorf("%w: %s", ErrCodec, u.Track.Codec)
}

func same(a, b *media.Track) bool {
	return a.Codec == b.Codec && a.ClockRate == b.ClockRate && a.Channels == b.Channels && string(a.Config) == string(b.Config)
}

// change makes room for another kind of sound. What is begun is left out.
func (e *Encoder) change() {
	if e.joiner != nil {
		e.joiner.drop()
		e.joiner = nil
	}
	if e.coder != nil {
		e.coder.drop()
	}
	if e.decoder != nil {
		e.decoder.close()
		e.decoder = nil
	}
	if e.aac != nil {
		e.aac.close()
		e.aac = nil
	}
	e.again = 0
	e.rates = nil
}

// Close ends the encoder.
func (e *Encoder) Close() {
	e.change()
	if e.coder != nil {
		e.coder.close()
		e.coder = nil
	}
}

// opus lets the camera's frames through where they fit, and codes them anew from the first on that does
// not.
func (e *Encoder) opus(u *media.Unit) ([]Packet, error) {
	p, err := parsePacket(u.Sound)
	if err != nil {
		return nil, err
	}
	if e.decoder == nil {
		if e.joiner == nil {
			e.joiner = &joiner{line: &e.line}
		}
		if e.joiner.fits(p) {
			return e.joiner.add(u.PTS, p), nil
		}
		e.joiner.drop()
		if err := e.open(); err != nil {
			return nil, err
		}
		decoder, err := newOpusDecoder(e.line.format.Rate)
		if err != nil {
			return nil, err
		}
		e.decoder = decoder
	}
	pcm, err := e.decoder.decode(u.Sound)
	if err != nil {
		return nil, err
	}
	return e.code(u, pcm)
}

// mostBytes bounds a unit of G.711: a second.
const mostBytes = 48_000

func (e *Encoder) g711(u *media.Unit, linear func(byte) int16) ([]Packet, error) {
	channels := max(1, u.Track.Channels)
	if len(u.Sound) > mostBytes || channels > 2 {
		return nil, fmt.Errorf("sound: %d bytes of %s, %d channels", len(u.Sound), u.Track.Codec, channels)
	}
	if e.rates == nil {
		r, err := newResampler(u.Track.ClockRate, e.line.format.Rate)
		if err != nil {
			return nil, err
		}
		e.rates = r
	}
	pcm := make([]int16, len(u.Sound)/channels)
	for i := range pcm {
		sum := 0
		for _, b := range u.Sound[i*channels : (i+1)*channels] {
			sum += int(linear(b))
		}
		pcm[i] = int16(sum / channels)
	}
	return e.code(u, e.rates.resample(pcm))
}

// code makes packets of a unit's samples.
func (e *Encoder) code(u *media.Unit, pcm []int16) ([]Packet, error) {
	if err := e.open(); err != nil {
		return nil, err
	}
	return e.coder.add(u.PTS, pcm)
}

// open opens libopus once: what is not there now will not be there for the next unit.
func (e *Encoder) open() error {
	if e.coder == nil && e.lacks == nil {
		e.coder, e.lacks = newCoder(&e.line)
	}
	return e.lacks
}

// fromAAC gives a unit to the process and codes what that has finished since.
func (e *Encoder) fromAAC(u *media.Unit) ([]Packet, error) {
	if err := e.open(); err != nil {
		return nil, err
	}
	if e.aac == nil {
		if u.PTS < e.again {
			return nil, nil
		}
		e.again = u.PTS + aacPause
		a, err := startAAC(e.ctx, e.options.FFmpeg, u.Track.Config, e.line.format.Rate)
		if err != nil {
			return nil, err
		}
		e.aac = a
	}
	if err := e.aac.write(u); err != nil {
		e.aac.close()
		e.aac = nil
		return nil, err
	}
	var list []Packet
	for _, some := range e.aac.read() {
		packets, err := e.coder.add(some.pts, some.pcm)
		if list = append(list, packets...); err != nil {
			return list, err
		}
	}
	return list, nil
}

// At is a presentation time counted in the viewer's samples, as in Packet.
func (e *Encoder) At(pts time.Duration) int64 { return e.line.format.At(pts) }

// Samples are in one packet: the step from timestamp to timestamp.
func (e *Encoder) Samples() int { return e.line.format.Samples() }
