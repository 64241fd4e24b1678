package rtsp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/g711"
	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	voiceRate    = 8000  // samples a second of G.711
	maxVoiceRate = 96000 // … and the most of any sound
	voiceFrame   = 160   // samples in 20 ms, one byte each
	voicePause   = 100 * time.Millisecond
)

// Talk plays what next gives, 20 ms of G.711 µ-law (160 bytes) at a time and at its pace, through the
// camera's loudspeaker, until next fails or ctx ends (nil both) or the line breaks. A camera that
// takes A-law gets it translated. ErrUnsupported where Speaks is false.
func (c *Camera) Talk(ctx context.Context, next func(context.Context) ([]byte, error)) error {
	if c.talk == nil {
		return fmt.Errorf("rtsp: talk: the camera has no back channel: %w", device.ErrUnsupported)
	}
	talking, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	l, err := c.dial(talking, *c.talk, true)
	if err != nil {
		return err
	}
	defer l.close()
	err = c.speak(talking, l, next)
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case c.life.Err() != nil:
		return fmt.Errorf("rtsp: talk: the session is over: %w", device.ErrUnreachable)
	}
	return fmt.Errorf("rtsp: talk: %w", l.explain(ctx, err))
}

// speak sends until next fails (nil) or the line breaks.
func (c *Camera) speak(ctx context.Context, l *line, next func(context.Context) ([]byte, error)) error {
	l.client.RequestBackChannels = true
	d, err := l.describe(*c.talk)
	if err != nil && d.back == nil {
		return err
	}
	if d.back == nil {
		return fmt.Errorf("the back channel is gone: %w", device.ErrUnsupported)
	}
	if _, err := l.client.Setup(d.base, d.back, 0, 0); err != nil {
		return err
	}
	if _, err := l.client.Play(nil); err != nil {
		return err
	}
	broken := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		broken <- l.client.Wait()
		cancel() // next must not wait for a line that is gone
	}()
	defer func() { l.close(); <-waited }()
	v := voice{payload: d.speaker.PayloadType(), aLaw: !d.speaker.MULaw}
	for {
		frame, err := next(ctx)
		select {
		case gone := <-broken:
			return errors.Join(gone, device.ErrUnreachable)
		default:
		}
		if err != nil {
			return nil // it has said all
		}
		p, err := v.packet(frame, time.Now())
		if err != nil {
			return err
		}
		if err := l.client.WritePacketRTP(d.back, p); err != nil {
			return err
		}
	}
}

// voice makes RTP packets of G.711 (RFC 3551, 4.5.14).
type voice struct {
	payload uint8 // RTP payload type
	aLaw    bool  // the camera wants A-law
	seq     uint16
	stamp   uint32
	last    time.Time
}

// packet makes the next packet. Silence that was not sent is time that passed: the timestamp goes on by whole
// frames, and the marker says that sound begins anew.
func (v *voice) packet(frame []byte, at time.Time) (*rtp.Packet, error) {
	if len(frame) != voiceFrame {
		return nil, fmt.Errorf("rtsp: talk: a frame of %d bytes: %w", len(frame), device.ErrUnsupported)
	}
	marker := v.last.IsZero()
	if pause := at.Sub(v.last) - 20*time.Millisecond; !marker && pause > voicePause {
		marker = true
		v.stamp += uint32(pause/(20*time.Millisecond)) * voiceFrame
	}
	sound := bytes.Clone(frame)
	if v.aLaw {
		var pcm g711.Mulaw
		pcm.Unmarshal(frame)
		var err error
		if sound, err = g711.Alaw(pcm).Marshal(); err != nil {
			return nil, fmt.Errorf("rtsp: talk: %w", err)
		}
	}
	p := &rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: v.payload, SequenceNumber: v.seq, Timestamp: v.stamp, Marker: marker},
		Payload: sound,
	}
	v.seq++
	v.stamp += voiceFrame
	v.last = at
	return p, nil
}
