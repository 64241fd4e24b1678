package sim

import (
	"bytes"
	"errors"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// part is what a NAL unit is to the cutter.
type part uint8

const (
	other part = iota // left out
	parameter
	slice
	keySlice
)

// cut splits a byte stream (ITU-T H.264 or H.265, annex B) into access units.
func cut(raw []byte, hevc bool) (film, error) {
	f := film{hevc: hevc}
	kind := f.h264
	first := 1 // where the bit stands that says that a slice is a picture's first
	if hevc {
		kind, first = f.h265, 2
	}
	var before [][]byte // parameter sets of the picture to come
	for nal := range bytes.SplitSeq(raw, []byte{0, 0, 1}) {
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) <= first {
			continue
		}
		switch k := kind(nal); k {
		case parameter:
			before = append(before, nal)
		case slice, keySlice:
			if nal[first]&0x80 != 0 {
				f.pictures = append(f.pictures, picture{nals: before, key: k == keySlice})
				before = nil
			}
			if n := len(f.pictures); n > 0 {
				f.pictures[n-1].nals = append(f.pictures[n-1].nals, nal)
			}
		}
	}
	if f.sps == nil || f.pps == nil || len(f.pictures) == 0 {
		return film{}, errors.New("rtsp sim: the test picture cannot be read")
	}
	f.order()
	return f, nil
}

func (f *film) h264(nal []byte) part {
	switch h264.NALUType(nal[0] & 0x1f) {
	case h264.NALUTypeSPS:
		f.sps = nal
		return parameter
	case h264.NALUTypePPS:
		f.pps = nal
		return parameter
	case h264.NALUTypeIDR:
		return keySlice
	case h264.NALUTypeNonIDR:
		return slice
	}
	return other
}

func (f *film) h265(nal []byte) part {
	switch typ := h265.NALUType(nal[0] >> 1 & 0x3f); {
	case typ == h265.NALUType_VPS_NUT:
		f.vps = nal
		return parameter
	case typ == h265.NALUType_SPS_NUT:
		f.sps = nal
		return parameter
	case typ == h265.NALUType_PPS_NUT:
		f.pps = nal
		return parameter
	case typ >= h265.NALUType_BLA_W_LP && typ <= h265.NALUType_CRA_NUT:
		return keySlice
	case typ < h265.NALUType_BLA_W_LP:
		return slice
	}
	return other
}

// order finds each picture's place in the order of showing. B-frames are not references of each other
// here: all of them are shown before the picture that was decoded last of the others.
func (f *film) order() {
	place, waiting := 0, -1
	show := func(i int) {
		f.pictures[i].shown = place
		place++
	}
	for i, p := range f.pictures {
		if !f.hevc && !p.key && between(p.nals[len(p.nals)-1]) {
			show(i)
			continue
		}
		if waiting >= 0 {
			show(waiting)
		}
		waiting = i
	}
	show(waiting)
}

// between says whether a slice is of a B-frame (ITU-T H.264, 7.3.3).
func between(nal []byte) bool {
	bits := reader{nal[1:], 0}
	bits.golomb() // first_mb_in_slice
	typ := bits.golomb()
	return typ == 1 || typ == 6
}

// reader reads Exp-Golomb codes (ITU-T H.264, 9.1).
type reader struct {
	of []byte
	at int
}

func (r *reader) bit() int {
	if r.at/8 >= len(r.of) {
		return 1 // the end ends every code
	}
	b := int(r.of[r.at/8]>>(7-r.at%8)) & 1
	r.at++
	return b
}

func (r *reader) golomb() int {
	zeros := 0
	for r.bit() == 0 {
		zeros++
	}
	v := 1
	for range zeros {
		v = v<<1 | r.bit()
	}
	return v - 1
}

// without gives the film's pictures without their parameter sets.
func (f film) without() film {
	bare := f
	bare.pictures = make([]picture, len(f.pictures))
	for i, p := range f.pictures {
		var nals [][]byte
		for _, nal := range p.nals {
			if same := bytes.Equal(nal, f.vps) || bytes.Equal(nal, f.sps) || bytes.Equal(nal, f.pps); !same {
				nals = append(nals, nal)
			}
		}
		p.nals = nals
		bare.pictures[i] = p
	}
	return bare
}

// then gives a film whose GOPs are this film's and the other's in turn.
func (f film) then(g film, gop int) film {
	both := f
	both.pictures = nil
	for i, of := range [][]picture{f.pictures[:gop], g.pictures[:gop]} {
		for _, p := range of {
			p.shown += i * gop
			both.pictures = append(both.pictures, p)
		}
	}
	return both
}
