package camera

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// What a viewer asks for in SelectedRTPStreamConfiguration.
const (
	commandEnd byte = iota
	commandStart
	commandSuspend
	commandResume
	commandReconfigure
)

// How SetupEndpoints is answered.
const (
	setupOK byte = iota
	setupBusy
	setupError
)

// What StreamingStatus says.
const (
	available byte = iota
	inUse
	unavailable
)

const (
	suiteAES128 = 0 // AES_CM_128_HMAC_SHA1_80
	keyLength   = 16
	saltLength  = 14
	idLength    = 16
	separator   = 0
)

var errMessage = errors.New("camera: not a valid stream request")

// key is the SRTP key of one medium. One key serves both directions.
type key struct{ master, salt []byte }

// setup is what a viewer writes to SetupEndpoints.
type setup struct {
	id           string
	address      netip.Addr
	video, audio uint16 // UDP ports of the viewer
	videoKey     key
	audioKey     key
}

func parseSetup(raw []byte) (setup, error) {
	var s setup
	t, err := tlv8.Parse(raw)
	if err != nil {
		return s, err
	}
	if s.id, err = parseID(t, 1); err != nil {
		return s, err
	}
	where, err := t.Nested(3)
	if err != nil {
		return s, err
	}
	if err := s.parseAddress(where); err != nil {
		return s, err
	}
	if s.videoKey, err = parseKey(t, 4); err != nil {
		return s, err
	}
	s.audioKey, err = parseKey(t, 5)
	return s, err
}

func (s *setup) parseAddress(t tlv8.Items) error {
	text, err := t.Bytes(2)
	if err != nil {
		return err
	}
	if s.address, err = netip.ParseAddr(string(text)); err != nil {
		return fmt.Errorf("%w: address", errMessage)
	}
	if s.video, err = t.Uint16(3); err != nil {
		return err
	}
	if s.audio, err = t.Uint16(4); err != nil {
		return err
	}
	if s.video == 0 {
		return fmt.Errorf("%w: port 0", errMessage)
	}
	return nil
}

func parseID(t tlv8.Items, typ byte) (string, error) {
	id, err := t.Bytes(typ)
	if err == nil && len(id) != idLength {
		err = fmt.Errorf("%w: a session has %d bytes", errMessage, idLength)
	}
	return string(id), err
}

func parseKey(t tlv8.Items, typ byte) (key, error) {
	n, err := t.Nested(typ)
	if err != nil {
		return key{}, err
	}
	suite, err := n.Uint8(1)
	if err != nil || suite != suiteAES128 {
		return key{}, fmt.Errorf("%w: cipher suite", errMessage)
	}
	master, err := n.Bytes(2)
	if err != nil || len(master) != keyLength {
		return key{}, fmt.Errorf("%w: key", errMessage)
	}
	salt, err := n.Bytes(3)
	if err != nil || len(salt) != saltLength {
		return key{}, fmt.Errorf("%w: salt", errMessage)
	}
	return key{master, salt}, nil
}

// answer is what the viewer reads back: our address and SSRCs, and its own keys.
func (s setup) answer(local netip.Addr, port uint16, video, audio uint32) []byte {
	version := byte(0)
	if local.Is6() {
		version = 1
	}
	where := tlv8.AppendUint8(nil, 1, version)
	where = tlv8.AppendString(where, 2, local.String())
	where = tlv8.AppendUint16(where, 3, port)
	where = tlv8.AppendUint16(where, 4, port)
	b := tlv8.Append(nil, 1, []byte(s.id))
	b = tlv8.AppendUint8(b, 2, setupOK)
	b = tlv8.Append(b, 3, where)
	b = tlv8.Append(b, 4, s.videoKey.encode())
	b = tlv8.Append(b, 5, s.audioKey.encode())
	b = tlv8.AppendUint32(b, 6, video)
	return tlv8.AppendUint32(b, 7, audio)
}

// refuse is what a viewer reads back that gets no stream.
func (s setup) refuse(status byte) []byte {
	return tlv8.AppendUint8(tlv8.Append(nil, 1, []byte(s.id)), 2, status)
}

func (k key) encode() []byte {
	b := tlv8.AppendUint8(nil, 1, suiteAES128)
	b = tlv8.Append(b, 2, k.master)
	return tlv8.Append(b, 3, k.salt)
}

// selection is what a viewer writes to SelectedRTPStreamConfiguration.
type selection struct {
	id      string
	command byte
	video   rtpChoice // zero where the command carries none
}

// rtpChoice is how the viewer wants the packets.
type rtpChoice struct {
	payloadType byte
	ssrc        uint32 // the viewer's own
	mtu         uint16 // largest datagram in bytes; 0 is the default
}

func parseSelection(raw []byte) (selection, error) {
	var s selection
	t, err := tlv8.Parse(raw)
	if err != nil {
		return s, err
	}
	control, err := t.Nested(1)
	if err != nil {
		return s, err
	}
	if s.id, err = parseID(control, 1); err != nil {
		return s, err
	}
	if s.command, err = control.Uint8(2); err != nil {
		return s, err
	}
	if s.command > commandReconfigure {
		return s, fmt.Errorf("%w: command %d", errMessage, s.command)
	}
	if s.command == commandStart {
		s.video, err = parseChoice(t)
	}
	return s, err
}

func parseChoice(t tlv8.Items) (rtpChoice, error) {
	var c rtpChoice
	video, err := t.Nested(2)
	if err != nil {
		return c, err
	}
	if codec, err := video.Uint8(1); err != nil || codec != 0 {
		return c, fmt.Errorf("%w: only H.264", errMessage)
	}
	packets, err := video.Nested(4)
	if err != nil {
		return c, err
	}
	if c.payloadType, err = packets.Uint8(1); err != nil || c.payloadType > 127 {
		return c, fmt.Errorf("%w: payload type", errMessage)
	}
	if c.ssrc, err = packets.Uint32(2); err != nil {
		return c, err
	}
	if packets.Has(5) {
		c.mtu, err = packets.Uint16(5)
	}
	return c, err
}

// size is a picture size that is offered: pixels and pictures a second.
type size struct {
	width, height uint16
	fps           byte
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
	const opus, kHz16, kHz24 = 3, 1, 2
	parameters := tlv8.AppendUint8(nil, 1, 1)
	parameters = tlv8.AppendUint8(parameters, 2, 0)
	parameters = tlv8.AppendUint8(parameters, 3, kHz16)
	parameters = tlv8.AppendSeparator(parameters, separator)
	parameters = tlv8.AppendUint8(parameters, 3, kHz24)
	codec := tlv8.AppendUint8(nil, 1, opus)
	codec = tlv8.Append(codec, 2, parameters)
	return tlv8.AppendUint8(tlv8.Append(nil, 1, codec), 2, 0)
}

func supportedRTP() []byte { return tlv8.AppendUint8(nil, 2, suiteAES128) }

func streamingStatus(status byte) []byte { return tlv8.AppendUint8(nil, 1, status) }
