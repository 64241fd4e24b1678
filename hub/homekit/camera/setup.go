package camera

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"

	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// How SetupEndpoints is answered.
const (
	setupOK byte = iota
	setupBusy
	setupError
)

const (
	suiteAES128 = 0 // AES_CM_128_HMAC_SHA1_80
	keyLength   = 16
	saltLength  = 14
	idLength    = 16
)

var errMessage = errors.New("camera: not a valid stream request")

// key is the SRTP key of one medium. One key serves both directions.
type key struct{ master, salt []byte }

func (k key) wipe() {
	clear(k.master)
	clear(k.salt)
}

// setup is what a viewer writes to SetupEndpoints.
type setup struct {
	id           string
	address      netip.Addr
	video, audio uint16 // UDP ports of the viewer
	videoKey     key
	audioKey     *key // nil when the viewer wants no sound
}

// wipe forgets the keys, once nothing uses them any more.
func (s setup) wipe() {
	s.videoKey.wipe()
	if s.audioKey != nil {
		s.audioKey.wipe()
	}
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
	if !t.Has(5) {
		return s, nil
	}
	audio, err := parseKey(t, 5)
	s.audioKey = &audio
	return s, err
}

func (s *setup) parseAddress(t tlv8.Items) error {
	text, err := t.Bytes(2)
	if err != nil {
		return err
	}
	address, err := netip.ParseAddr(string(text))
	if err != nil {
		return fmt.Errorf("%w: address", errMessage)
	}
	s.address = address.Unmap().WithZone("") // a zone would be the viewer's name for its interface
	if s.video, err = t.Uint16(3); err != nil {
		return err
	}
	if t.Has(4) {
		if s.audio, err = t.Uint16(4); err != nil {
			return err
		}
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
	return key{bytes.Clone(master), bytes.Clone(salt)}, nil
}

// end is our end of one medium: a UDP port and the number of what comes from there.
type end struct {
	port uint16
	ssrc uint32
}

// answer is what the viewer reads back: our ends, and its own keys.
func (s setup) answer(local netip.Addr, video, audio end) []byte {
	version := byte(0)
	if local.Is6() {
		version = 1
	}
	where := tlv8.AppendUint8(nil, 1, version)
	where = tlv8.AppendString(where, 2, local.WithZone("").String())
	where = tlv8.AppendUint16(where, 3, video.port)
	where = tlv8.AppendUint16(where, 4, audio.port)
	b := tlv8.Append(nil, 1, []byte(s.id))
	b = tlv8.AppendUint8(b, 2, setupOK)
	b = tlv8.Append(b, 3, where)
	b = tlv8.Append(b, 4, s.videoKey.encode())
	if s.audioKey == nil {
		return tlv8.AppendUint32(b, 6, video.ssrc)
	}
	b = tlv8.Append(b, 5, s.audioKey.encode())
	b = tlv8.AppendUint32(b, 6, video.ssrc)
	return tlv8.AppendUint32(b, 7, audio.ssrc)
}

// refuse is what a viewer reads back that gets no stream.
func (s setup) refuse(status byte) []byte {
	return tlv8.AppendUint8(tlv8.Append(nil, 1, []byte(s.id)), 2, status)
}

// noSetup is what a connection reads that has set up nothing.
func noSetup() []byte { return tlv8.AppendUint8(nil, 2, setupError) }

func (k key) encode() []byte {
	b := tlv8.AppendUint8(nil, 1, suiteAES128)
	b = tlv8.Append(b, 2, k.master)
	return tlv8.Append(b, 3, k.salt)
}
