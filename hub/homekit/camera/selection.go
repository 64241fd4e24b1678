package camera

import (
	"fmt"
	"time"

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

// selection is what a viewer writes to SelectedRTPStreamConfiguration.
type selection struct {
	id      string
	command byte
	video   rtpChoice // zero where the command carries none
}

// noSelection is what is read while no stream runs: a command without a session, as HAP-NodeJS has it.
func noSelection() []byte {
	return tlv8.Append(nil, 1, tlv8.AppendUint8(nil, 2, commandSuspend))
}

// rtpChoice is how the viewer wants the packets. The bit rate and the size that it asks for are not
// kept: pictures pass through as the camera coded them.
type rtpChoice struct {
	payloadType byte
	ssrc        uint32        // the viewer's own
	mtu         uint16        // largest datagram in bytes; 0 is the default
	reports     time.Duration // between sender reports; 0 is the default
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
		s.video, err = parseStart(t)
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

// parseChange reads Reconfigure, which carries only what shall be different.
func parseChange(t tlv8.Items) (rtpChoice, error) {
	var c rtpChoice
	video, err := t.Nested(2)
	if err != nil || !video.Has(4) {
		return c, err
	}
	packets, err := video.Nested(4)
	if err != nil {
		return c, err
	}
	return c, c.parseLimits(packets)
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
