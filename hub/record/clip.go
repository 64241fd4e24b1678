package record

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/record/fmp4"
)

const (
	maxQueue   = 64       // pieces that wait for the disk
	maxWaiting = 32 << 20 // … and their bytes
	beginTime  = 30 * time.Second
	stillTime  = 10 * time.Second
	stillWidth = 320 // pixels
	leastGap   = 100 * time.Millisecond
)

// clip is one that is being written. Its own goroutine waits for the disk; send never does.
type clip struct {
	recorder *Recorder
	why      Why
	pieces   chan piece
	waiting  atomic.Int64  // bytes in pieces
	lasts    time.Duration // what was sent so far; for the sender
	dropped  bool          // a piece was lost; for the sender

	film  Film
	note  note
	track *media.Track
	sound *soundTrack // nil: none
	zero  int64       // when the film begins, in ticks of the source
	ended int64       // when the last part ended
	part  uint32
}

// send hands a piece to the clip. If the disk is too slow the piece is lost, and a gap marked.
func (c *clip) send(p piece) {
	c.lasts += p.lasts()
	if c.dropped && !p.key() {
		return // it hangs on what was lost
	}
	p.gap = p.gap || c.dropped
	if c.waiting.Load()+int64(p.size) > maxWaiting {
		c.dropped = true
		return
	}
	select {
	case c.pieces <- p:
		c.waiting.Add(int64(p.size))
		c.dropped = false
	default:
		c.dropped = true
	}
}

// end says that no more pieces come.
func (c *clip) end() { close(c.pieces) }

// run writes the clip until end.
func (c *clip) run() {
	r := c.recorder
	var err error
	var still <-chan []byte
	for p := range c.pieces {
		if err == nil && c.film == nil {
			if err = c.begin(p); err == nil {
				still = c.look()
			}
		}
		if err == nil {
			err = c.write(p)
		}
		c.waiting.Add(-int64(p.size))
	}
	if c.film != nil {
		err = errors.Join(err, c.close(still, err == nil))
	}
	if err != nil {
		r.Log.Warn("record: a clip is not whole", "camera", r.Camera, "err", err)
	}
	r.Ended(err)
}

// begin starts the film with the piece that comes first.
func (c *clip) begin(p piece) error {
	c.track, c.zero, c.ended = p.track, p.begin(), p.begin()
	c.sound = soundOf(p.sounds)
	head, err := fmp4.Begin(fmp4.Pictures{SPS: p.track.SPS, PPS: p.track.PPS, Width: p.track.Width, Height: p.track.Height}, c.sound.about())
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	c.note = note{Why: c.why, Start: p.frames[0].unit.At.UTC(), Width: p.track.Width, Height: p.track.Height, Sound: c.sound.codec()}
	ctx, cancel := context.WithTimeout(context.Background(), beginTime)
	defer cancel()
	film, err := c.recorder.Store.Begin(ctx, c.recorder.Camera, c.note.Start, c.note.bytes())
	if err != nil {
		return fmt.Errorf("record: begin: %w", err)
	}
	c.film = film
	c.recorder.Began()
	return c.put(head)
}

// put adds whole boxes to the film, which ends before them if the store does not take all.
func (c *clip) put(b []byte) error {
	if _, err := c.film.Write(b); err != nil {
		return fmt.Errorf("record: write: %w", err)
	}
	c.note.Film += int64(len(b))
	return nil
}

// write adds a piece as one part, filled up to the store's next block: what was handed over is on the
// disk then, and not in the store's hands.
func (c *clip) write(p piece) error {
	if p.begin() < c.ended { // what an earlier piece promised to last for
		for i := range p.frames {
			p.frames[i].dts = max(p.frames[i].dts, c.ended)
		}
		p.end = max(p.end, c.ended)
	}
	runs := []fmp4.Run{{Track: fmp4.Picture, Begin: uint64(p.begin() - c.zero), Samples: p.samples()}}
	if heard, ok := c.sound.run(p.sounds, c.zero); ok {
		runs = append(runs, heard)
	}
	c.part++
	offset := c.note.Film
	b := fmp4.Part(c.part, runs...)
	if err := c.put(fmp4.Fill(b, offset+int64(len(b)), c.film.Block())); err != nil {
		return err
	}
	c.note.mark(span(p.begin()-c.zero), offset, p.key(), len(p.frames))
	if missing := span(p.begin() - c.ended); p.gap && missing > leastGap {
		c.note.gap(span(c.ended-c.zero), missing)
	}
	c.ended = p.end
	c.note.Millis = span(c.ended - c.zero).Milliseconds()
	return nil
}

// samples are the pictures of a piece as the film has them.
func (p *piece) samples() []fmp4.Sample {
	all := make([]fmp4.Sample, len(p.frames))
	for i, f := range p.frames {
		next := p.end
		if i+1 < len(p.frames) {
			next = p.frames[i+1].dts
		}
		all[i] = fmp4.Sample{Duration: uint32(max(next-f.dts, 0)), Offset: int32(f.pts - f.dts), Key: f.unit.Key, NALs: f.unit.NALs}
	}
	return all
}

// look has the picture made that stands for the clip, from what the camera shows as the clip begins.
func (c *clip) look() <-chan []byte {
	made := make(chan []byte, 1)
	width, height := stillWidth, max(stillWidth*c.track.Height/max(c.track.Width, 1), 16)
	c.recorder.writing.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stillTime)
		defer cancel()
		jpeg, err := c.recorder.Source.Snapshot(ctx, width, height)
		if err != nil {
			c.recorder.Log.Info("record: a clip has no picture of its own", "camera", c.recorder.Camera, "err", err)
		}
		made <- jpeg
	})
	return made
}

// close ends the film. Its still lies behind it in the same sealed file: it is never apart from it.
func (c *clip) close(still <-chan []byte, whole bool) error {
	var jpeg []byte
	if still != nil {
		jpeg = <-still
	}
	if whole && len(jpeg) > 0 {
		n, err := c.film.Write(jpeg)
		if err == nil {
			c.note.Still = int64(n)
		}
	}
	if err := c.film.Close(c.note.bytes()); err != nil {
		return fmt.Errorf("record: close: %w", err)
	}
	return nil
}
