package camera

import (
	"fmt"
	"time"

	"github.com/ingle-home/ingle/hub/hap/tlv8"
	"github.com/ingle-home/ingle/hub/sound"
)

// What a viewer asks for in SelectedRTPStreamConfiguration.
const (
	commandEnd byte = iota
	commandStart
	commandSuspend
	commandResume
	commandReconfigure
)

// selection is what a viewer writes to SelectedRTPStreamConfiguration.
type selection struct {
	id      string
	command byte
	video   rtpChoice   // zero where the command carries none
	sound   soundChoice // of Start; zero where it carries none
}

// soundChoice is how the viewer wants its sound.
type soundChoice struct {
	wanted      bool
	payloadType byte
	ssrc        uint32 // the viewer's own
	format      sound.Format
}

// noSelection is what is read while no stream runs: a command without a session, as HAP-NodeJS has it.
func noSelection() []byte {
	return tlv8.Append(nil, 1, tlv8.AppendUint8(nil, 2, commandSuspend))
}

// rtpChoice is how the viewer wants the pictures and their packets. The bit rate that it asks for is not
// kept: pictures pass through as the camera coded them, and the size says which of its views is best.
type rtpChoice struct {
	width, height uint16 // pixels; 0 is no wish
	payloadType   byte
	ssrc          uint32        // the viewer's own
	mtu           uint16        // largest datagram in bytes; 0 is the default
	reports       time.Duration // between sender reports; 0 is the default
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
	switch {
	case s.command > commandReconfigure:
		return s, fmt.Errorf("%w: command %d", errMessage, s.command)
	case s.command == commandStart:
		if s.video, err = parseStart(t); err == nil && t.Has(3) {
			s.sound, err = parseSound(t)
		}
	case s.command == commandReconfigure && t.Has(2):
		s.video, err = parseChange(t)
	}
	return s, err
}

func parseStart(t tlv8.Items) (rtpChoice, error) {
	var c rtpChoice
	video, err := t.Nested(2)
	if err != nil {
		return c, err
	}
	if codec, err := video.Uint8(1); err != nil || codec != 0 {
		return c, fmt.Errorf("%w: only H.264", errMessage)
	}
	if err := c.parseSize(video); err != nil {
		return c, err
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
	return c, c.parseLimits(packets)
}

// parseSound reads what Start says of sound, which must be among what is offered.
func parseSound(t tlv8.Items) (soundChoice, error) {
	c := soundChoice{wanted: true}
	audio, err := t.Nested(3)
	if err != nil {
		return c, err
	}
	if codec, err := audio.Uint8(1); err != nil || codec != codecOpus {
		return c, fmt.Errorf("%w: only Opus", errMessage)
	}
	parameters, err := audio.Nested(2)
	if err != nil {
		return c, err
	}
	if c.format, err = parseFormat(parameters); err != nil {
		return c, err
	}
	packets, err := audio.Nested(3)
	if err != nil {
		return c, err
	}
	if c.payloadType, err = packets.Uint8(1); err != nil || c.payloadType > 127 {
		return c, fmt.Errorf("%w: payload type of sound", errMessage)
	}
	if c.ssrc, err = packets.Uint32(2); err != nil || !packets.Has(3) {
		return c, err
	}
	most, err := packets.Uint16(3)
	c.format.Bitrate = int(most) * 1000
	return c, err
}

// parseFormat reads a rate and a packet time; without the latter it is 20 ms.
func parseFormat(t tlv8.Items) (sound.Format, error) {
	f := sound.Format{PacketTime: 20 * time.Millisecond}
	rate, err := t.Uint8(3)
	switch {
	case err != nil:
		return f, err
	case rate == rate16kHz:
		f.Rate = 16000
	case rate == rate24kHz:
		f.Rate = 24000
	default:
		return f, fmt.Errorf("%w: sample rate %d", errMessage, rate)
	}
	if !t.Has(4) {
		return f, nil
	}
	each, err := t.Uint8(4)
	if err != nil || each != 20 && each != 30 && each != 40 && each != 60 {
		return f, fmt.Errorf("%w: packets of %d ms", errMessage, each)
	}
	f.PacketTime = time.Duration(each) * time.Millisecond
	return f, nil
}

// parseChange reads Reconfigure, which carries only what shall be different.
func parseChange(t tlv8.Items) (rtpChoice, error) {
	var c rtpChoice
	video, err := t.Nested(2)
	if err != nil {
		return c, err
	}
	if err := c.parseSize(video); err != nil || !video.Has(4) {
		return c, err
	}
	packets, err := video.Nested(4)
	if err != nil {
		return c, err
	}
	return c, c.parseLimits(packets)
}

func (c *rtpChoice) parseSize(video tlv8.Items) error {
	if !video.Has(3) {
		return nil
	}
	attributes, err := video.Nested(3)
	if err != nil {
		return err
	}
	if c.width, err = attributes.Uint16(1); err != nil {
		return err
	}
	c.height, err = attributes.Uint16(2)
	return err
}

func (c *rtpChoice) parseLimits(packets tlv8.Items) (err error) {
	if packets.Has(5) {
		if c.mtu, err = packets.Uint16(5); err != nil {
			return err
		}
	}
	if !packets.Has(4) {
		return nil
	}
	seconds, err := packets.Float32(4)
	if err != nil {
		return err
	}
	if seconds > 0 { // not so for NaN
		c.reports = time.Duration(min(float64(seconds), slowestReports.Seconds()) * float64(time.Second))
	}
	return nil
}
