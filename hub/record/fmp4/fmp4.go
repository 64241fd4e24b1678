// Package fmp4 writes fragmented MP4, the form of a film that can be cut off at any part and still plays
// up to there (ISO/IEC 14496-12), with H.264 pictures (14496-15) and sound as Opus ("Encapsulation of
// Opus in ISO Base Media File Format") or AAC (14496-14); and finds the parts of a film again.
//
// It is our own because it is small, copies each picture once, and must read what a crash left.
package fmp4

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The tracks' numbers.
const (
	Picture = 1
	Sound   = 2
)

// PictureScale is how many ticks a second the picture track counts.
const PictureScale = 90000

// Pictures describes the picture track.
type Pictures struct {
	SPS, PPS      []byte // without start codes
	Width, Height int    // pixels
}

// Sounds describes the sound track. Opus counts 48,000 ticks a second whatever it was made from.
type Sounds struct {
	AAC      []byte // the AudioSpecificConfig; nil for Opus
	Scale    int    // ticks a second
	Channels int
}

// Sample is one picture or one packet of sound.
type Sample struct {
	Duration uint32   // ticks
	Offset   int32    // ticks from decoding to showing
	Key      bool     // can be decoded alone
	NALs     [][]byte // of a picture, without start codes
	Packet   []byte   // of sound
}

// Run is what a part has of one track.
type Run struct {
	Track   int
	Begin   uint64 // ticks from the film's beginning, of the first sample's decoding
	Samples []Sample
}

// ErrTrack says that a track cannot be described.
var ErrTrack = errors.New("fmp4: not a track that can be written")

const matrix = "\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00"

// Begin is how a film begins: ftyp and moov. Sound may be nil.
func Begin(p Pictures, s *Sounds) ([]byte, error) {
	switch {
	case len(p.SPS) < 4 || len(p.SPS) > 0xffff || len(p.PPS) == 0 || len(p.PPS) > 0xffff:
		return nil, fmt.Errorf("%w: parameter sets of %d and %d bytes", ErrTrack, len(p.SPS), len(p.PPS))
	case p.Width <= 0 || p.Height <= 0 || p.Width > 0xffff || p.Height > 0xffff:
		return nil, fmt.Errorf("%w: %d × %d pixels", ErrTrack, p.Width, p.Height)
	case s != nil && (s.Scale <= 0 || s.Channels < 1 || s.Channels > 2 || len(s.AAC) > 64):
		return nil, fmt.Errorf("%w: sound of %d channels, %d ticks a second", ErrTrack, s.Channels, s.Scale)
	}
	w := &writer{}
	w.box("ftyp", func() { w.text("mp42\x00\x00\x00\x01isommp42iso5iso6avc1") })
	w.box("moov", func() {
		w.full("mvhd", 0, func() {
			w.u32(0, 0, 1000, 0, 0x10000)
			w.u16(0x100)
			w.zeros(10)
			w.text(matrix)
			w.zeros(24)
			w.u32(Sound + 1)
		})
		w.track(Picture, PictureScale, p.Width, p.Height, func() { w.avc1(p) })
		if s != nil {
			w.track(Sound, uint32(s.Scale), 0, 0, func() { w.sound(*s) })
		}
		w.box("mvex", func() {
			w.trex(Picture)
			if s != nil {
				w.trex(Sound)
			}
		})
	})
	return w.b, nil
}

func (w *writer) trex(track uint32) {
	w.full("trex", 0, func() { w.u32(track, 1, 0, 0, 0) })
}

func (w *writer) track(id, scale uint32, width, height int, entry func()) {
	shown := width > 0
	w.box("trak", func() {
		w.full("tkhd", 3, func() {
			w.u32(0, 0, id, 0, 0, 0, 0)
			if shown {
				w.u16(0, 0, 0, 0)
			} else {
				w.u16(0, 1, 0x100, 0)
			}
			w.text(matrix)
			w.u32(uint32(width)<<16, uint32(height)<<16)
		})
		w.box("mdia", func() {
			w.full("mdhd", 0, func() { w.u32(0, 0, scale, 0, 0x55c40000) }) // "und"
			w.full("hdlr", 0, func() {
				w.u32(0)
				if shown {
					w.text("vide")
				} else {
					w.text("soun")
				}
				w.zeros(13) // and no name
			})
			w.box("minf", func() { w.media(shown, entry) })
		})
	})
}

func (w *writer) media(shown bool, entry func()) {
	if shown {
		w.full("vmhd", 1, func() { w.zeros(8) })
	} else {
		w.full("smhd", 0, func() { w.zeros(4) })
	}
	w.box("dinf", func() {
		w.full("dref", 0, func() {
			w.u32(1)
			w.full("url ", 1, func() {}) // in this file
		})
	})
	w.box("stbl", func() {
		w.full("stsd", 0, func() {
			w.u32(1)
			entry()
		})
		for _, empty := range []string{"stts", "stsc", "stco"} { // the parts say it
			w.full(empty, 0, func() { w.u32(0) })
		}
		w.full("stsz", 0, func() { w.u32(0, 0) })
	})
}

func (w *writer) avc1(p Pictures) {
	w.box("avc1", func() {
		w.zeros(6)
		w.u16(1)
		w.zeros(16)
		w.u16(uint16(p.Width), uint16(p.Height))
		w.u32(72<<16, 72<<16, 0)
		w.u16(1)
		w.zeros(32)
		w.u16(24, 0xffff)
		w.box("avcC", func() {
			w.b = append(w.b, 1, p.SPS[1], p.SPS[2], p.SPS[3], 0xff, 0xe1)
			w.u16(uint16(len(p.SPS)))
			w.b = append(w.b, p.SPS...)
			w.b = append(w.b, 1)
			w.u16(uint16(len(p.PPS)))
			w.b = append(w.b, p.PPS...)
		})
	})
}

func (w *writer) sound(s Sounds) {
	kind := "Opus"
	if s.AAC != nil {
		kind = "mp4a"
	}
	w.box(kind, func() {
		w.zeros(6)
		w.u16(1)
		w.zeros(8)
		w.u16(uint16(s.Channels), 16, 0, 0)
		w.u32(uint32(s.Scale&0xffff) << 16)
		if s.AAC != nil {
			w.esds(s.AAC)
			return
		}
		w.box("dOps", func() {
			w.b = append(w.b, 0, byte(s.Channels))
			w.u16(0) // nothing to skip: the sound ran before the film
			w.u32(48000)
			w.zeros(3)
		})
	})
}

// esds is the descriptor of AAC (ISO/IEC 14496-1, 7.2.6).
func (w *writer) esds(config []byte) {
	w.full("esds", 0, func() {
		n := byte(len(config))
		w.b = append(w.b, 3, 23+n, 0, Sound, 0)         // ES_Descriptor
		w.b = append(w.b, 4, 15+n, 0x40, 0x15, 0, 0, 0) // DecoderConfigDescriptor: AAC, sound
		w.u32(128000, 128000)                           // most and usual bits a second
		w.b = append(append(w.b, 5, n), config...)      // DecoderSpecificInfo
		w.b = append(w.b, 6, 1, 2)                      // SLConfigDescriptor
	})
}

// Part is one moof with its mdat. Sequence counts from 1.
func Part(sequence uint32, runs ...Run) []byte {
	media := 0
	for _, r := range runs {
		media += 100 // the boxes
		for _, s := range r.Samples {
			media += 16 + s.size()
		}
	}
	w := &writer{b: make([]byte, 0, media+100)}
	offsets := make([]int, len(runs)) // where the place of a run's bytes is told
	w.box("moof", func() {
		w.full("mfhd", 0, func() { w.u32(sequence) })
		for i, r := range runs {
			w.box("traf", func() {
				w.full("tfhd", 0x020000, func() { w.u32(uint32(r.Track)) })
				w.full("tfdt", 1<<24, func() { w.b = binary.BigEndian.AppendUint64(w.b, r.Begin) })
				offsets[i] = w.trun(r.Samples)
			})
		}
	})
	w.box("mdat", func() {
		for i, r := range runs {
			binary.BigEndian.PutUint32(w.b[offsets[i]:], uint32(len(w.b)))
			for _, s := range r.Samples {
				w.sample(s)
			}
		}
	})
	return w.b
}

const (
	flagsKey   = 0x02000000 // depends on no other
	flagsOther = 0x01010000 // depends on others, and is no place to begin
)

func (w *writer) trun(samples []Sample) (offset int) {
	w.full("trun", 1<<24|0xf01, func() {
		w.u32(uint32(len(samples)))
		offset = len(w.b)
		w.u32(0)
		for _, s := range samples {
			flags := uint32(flagsOther)
			if s.Key || s.Packet != nil {
				flags = flagsKey
			}
			w.u32(s.Duration, uint32(s.size()), flags, uint32(s.Offset))
		}
	})
	return offset
}

// carried says whether a NAL unit goes into the sample: parameter sets stand in the beginning, and
// delimiters say nothing that MP4 does not.
func carried(nal []byte) bool {
	if len(nal) == 0 {
		return false
	}
	kind := nal[0] & 0x1f
	return kind < 7 || kind > 9
}

func (s Sample) size() int {
	n := len(s.Packet)
	for _, nal := range s.NALs {
		if carried(nal) {
			n += 4 + len(nal)
		}
	}
	return n
}

func (w *writer) sample(s Sample) {
	w.b = append(w.b, s.Packet...)
	for _, nal := range s.NALs {
		if carried(nal) {
			w.u32(uint32(len(nal)))
			w.b = append(w.b, nal...)
		}
	}
}

// Fill appends a box that says nothing, so that a film of size bytes, with film at its end, goes on at a
// multiple of block bytes.
func Fill(film []byte, size, block int64) []byte {
	n := (block - size%block) % block
	if n == 0 {
		return film
	}
	if n < 8 {
		n += block
	}
	film = binary.BigEndian.AppendUint32(film, uint32(n))
	film = append(film, "free"...)
	return append(film, make([]byte, n-8)...)
}

// writer builds boxes.
type writer struct{ b []byte }

func (w *writer) box(kind string, content func()) {
	at := len(w.b)
	w.u32(0)
	w.text(kind)
	content()
	binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at))
}

// full is a box with a version, the highest byte, and flags.
func (w *writer) full(kind string, flags uint32, content func()) {
	w.box(kind, func() {
		w.u32(flags)
		content()
	})
}

func (w *writer) u32(vs ...uint32) {
	for _, v := range vs {
		w.b = binary.BigEndian.AppendUint32(w.b, v)
	}
}

func (w *writer) u16(vs ...uint16) {
	for _, v := range vs {
		w.b = binary.BigEndian.AppendUint16(w.b, v)
	}
}

func (w *writer) text(s string) { w.b = append(w.b, s...) }

func (w *writer) zeros(n int) { w.b = append(w.b, make([]byte, n)...) }
