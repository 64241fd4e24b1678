package camera

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/ingle-home/ingle/hub/sound"
)

// talkPause stands between two calls of a camera's loudspeaker, so that one that fails is not called for
// every packet.
const talkPause = 5 * time.Second

// talker is what one viewer says. Its methods belong to the goroutine that listens.
type talker struct {
	viewer *viewer
	choice soundChoice
	in     *srtp.Context
	ctx    context.Context
	tasks  *sync.WaitGroup

	speech *sound.Speech // nil while nothing is said
	over   chan struct{} // closed when the loudspeaker has let go of speech
	again  time.Time     // not before that
}

// hear takes a packet from the viewer's address. It counts if it is the viewer's, sealed, and new.
func (t *talker) hear(b []byte) {
	c := t.viewer.camera
	const head = 12
	if c.talk == nil || len(b) <= head+authTag || b[1]&0x7f != t.choice.payloadType || binary.BigEndian.Uint32(b[8:]) != t.choice.ssrc {
		return
	}
	plain, err := t.in.DecryptRTP(nil, b, nil)
	if err != nil {
		return
	}
	var p rtp.Packet
	if p.Unmarshal(plain) != nil || isOn(c.muted.loudspeaker) || t.viewer.suspended() {
		return
	}
	if t.speech != nil {
		select {
		case <-t.over:
			t.speech = nil
		default:
		}
	}
	if t.speech == nil && !t.begin() {
		return
	}
	_ = t.speech.Push(p.SequenceNumber, p.Payload) // what is no Opus is nothing said
}

// begin opens the loudspeaker, unless somebody else speaks.
func (t *talker) begin() bool {
	c := t.viewer.camera
	if time.Now().Before(t.again) || !c.floor.TryLock() {
		return false
	}
	t.again = time.Now().Add(talkPause)
	speech, err := sound.NewSpeech()
	if err != nil {
		c.floor.Unlock()
		c.deaf.say(c.log, "nothing can be said through a camera", err)
		return false
	}
	over := make(chan struct{})
	t.speech, t.over = speech, over
	t.tasks.Go(func() {
		defer close(over)
		defer c.floor.Unlock()
		defer speech.Close()
		if err := c.talk(t.ctx, speech.Next); err != nil && t.ctx.Err() == nil {
			c.deaf.say(c.log, "a camera's loudspeaker fails", err)
		}
	})
	return true
}
