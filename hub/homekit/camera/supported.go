package camera

import (
	"slices"

	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// What StreamingStatus says.
const (
	available byte = iota
	inUse
	unavailable
)

// How sound is coded, in SupportedAudioStreamConfiguration and in a selection.
const (
	codecOpus byte = 3
	rate16kHz byte = 1
	rate24kHz byte = 2
)

// separator stands between the elements of a list.
const separator = 0

// size is a picture size that is offered: pixels and pictures a second.
type size struct {
	width, height uint16
	fps           byte
}

// offered are the camera's own size, where it is known, and the usual ones.
func offered(width, height int) []size {
	const most = 1<<16 - 1
	list := []size{{1920, 1080, 30}, {1280, 720, 30}, {640, 360, 30}, {320, 240, 15}}
	own := size{uint16(width), uint16(height), 30}
	if width <= 0 || height <= 0 || width > most || height > most || slices.Contains(list, own) {
		return list
	}
	return append([]size{own}, list...)
}

// supportedVideo offers H.264 in the profiles and levels that HAP knows.
func supportedVideo(sizes []size) []byte {
	var parameters []byte
	for profile := range byte(3) {
		parameters = listed(parameters, profile, func(b []byte) []byte { return tlv8.AppendUint8(b, 1, profile) })
	}
	for level := range byte(3) {
		parameters = listed(parameters, level, func(b []byte) []byte { return tlv8.AppendUint8(b, 2, level) })
	}
	parameters = tlv8.AppendUint8(parameters, 3, 0)
	b := tlv8.AppendUint8(nil, 1, 0)
	b = tlv8.Append(b, 2, parameters)
	for i, s := range sizes {
		one := tlv8.AppendUint16(nil, 1, s.width)
		one = tlv8.AppendUint16(one, 2, s.height)
		one = tlv8.AppendUint8(one, 3, s.fps)
		b = listed(b, byte(i), func(b []byte) []byte { return tlv8.Append(b, 3, one) })
	}
	return tlv8.Append(nil, 1, b)
}

// listed adds an element of a list: all but the first behind a separator.
func listed(b []byte, index byte, element func([]byte) []byte) []byte {
	if index > 0 {
		b = tlv8.AppendSeparator(b, separator)
	}
	return element(b)
}

// supportedAudio offers Opus, mono, at 16 and 24 kHz: an empty list is refused by controllers.
func supportedAudio() []byte {
	parameters := tlv8.AppendUint8(nil, 1, 1)
	parameters = tlv8.AppendUint8(parameters, 2, 0)
	parameters = tlv8.AppendUint8(parameters, 3, rate16kHz)
	parameters = tlv8.AppendSeparator(parameters, separator)
	parameters = tlv8.AppendUint8(parameters, 3, rate24kHz)
	codec := tlv8.AppendUint8(nil, 1, codecOpus)
	codec = tlv8.Append(codec, 2, parameters)
	return tlv8.AppendUint8(tlv8.Append(nil, 1, codec), 2, 0)
}

func supportedRTP() []byte { return tlv8.AppendUint8(nil, 2, suiteAES128) }

func streamingStatus(status byte) []byte { return tlv8.AppendUint8(nil, 1, status) }
