package sound

import (
	"context"
	"io"
	"sync"
	"time"
)

const (
	frameTime    = 20 * time.Millisecond
	frameSamples = 160 // of a loudspeaker's 8 kHz
	talkRate     = 8000
	cushion      = 60 * time.Millisecond  // of speech at least that must have come before it is played
	mostSpeech   = 400 * time.Millisecond // that waits; more is left out, so that nobody hears the past
	speechPause  = 5 * time.Second        // without a packet: nobody speaks any more
	window       = 64                     // packets that may come in any order
)

// Speech is what one viewer says to a camera: Opus packets from the network go in, in the order in which
// they come, and steady frames of G.711 µ-law come out. Packets that are lost are made up for.
type Speech struct {
	decoder *opusDecoder

	mu     sync.Mutex
	wake   chan struct{}
	waits  map[uint16][]byte
	begun  bool   // next is known
	next   uint16 // number of the packet to play next
	each   time.Duration
	heard  time.Time // when the last packet came
	closed bool

	// Of the goroutine that calls Next.
	pcm  []int16   // decoded and not yet played
	due  time.Time // when the next frame may be played
	flow bool      // speech runs, else it gathers
}

// NewSpeech opens a decoder. The error is ErrNoLibopus.
func NewSpeech() (*Speech, error) {
	d, err := newOpusDecoder(talkRate)
	if err != nil {
		return nil, err
	}
	return &Speech{decoder: d, wake: make(chan struct{}, 1), waits: map[uint16][]byte{}, heard: time.Now()}, nil
}

// Push takes the Opus packet of an RTP packet with a sequence number. It never waits. A packet that is no
// Opus is refused; one that comes twice or too late is left out.
func (s *Speech) Push(sequence uint16, payload []byte) error {
	p, err := parsePacket(payload)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = time.Now()
	switch behind := int16(sequence - s.next); {
	case !s.begun || behind < -window || behind > window:
		clear(s.waits) // the first, or one after a break
		s.begun, s.next = true, sequence
	case behind < 0:
		return nil // too late
	}
	s.each = p.duration()
	s.waits[sequence] = append([]byte(nil), payload...)
	for s.waiting() > mostSpeech {
		delete(s.waits, s.next)
		s.next++
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// waiting is how much speech is there. Callers hold mu.
func (s *Speech) waiting() time.Duration { return time.Duration(len(s.waits)) * s.each }

// Next gives 20 ms of G.711 µ-law at 8 kHz, 160 bytes, when it is time to play them. io.EOF says that
// nobody has spoken for 5 s or that Close was called. One goroutine at a time calls Next.
func (s *Speech) Next(ctx context.Context) ([]byte, error) {
	for len(s.pcm) < frameSamples {
		ready, err := s.fetch()
		if err != nil {
			return nil, err
		}
		if ready {
			continue
		}
		if err := s.wait(ctx, speechPause, s.wake); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	if s.due.Before(now.Add(-frameTime)) {
		s.due = now // after a pause
	}
	if err := s.wait(ctx, s.due.Sub(now), nil); err != nil {
		return nil, err
	}
	s.due = s.due.Add(frameTime)
	frame := make([]byte, frameSamples)
	for i := range frame {
		frame[i] = toULaw(s.pcm[i])
	}
	s.pcm = append(s.pcm[:0], s.pcm[frameSamples:]...)
	return frame, nil
}

func (s *Speech) wait(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// fetch decodes the next packet, or makes it up when later ones are there; false when there is none.
func (s *Speech) fetch() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || time.Since(s.heard) >= speechPause {
		return false, io.EOF
	}
	s.flow = len(s.waits) > 0 && (s.flow || s.waiting() >= s.enough())
	if !s.flow {
		return false, nil
	}
	payload, there := s.waits[s.next]
	if !there && s.waiting() < s.enough() {
		return false, nil // it may still come
	}
	delete(s.waits, s.next)
	s.next++
	pcm, err := s.decoder.decode(payload)
	if err != nil { // lost, or broken
		pcm, err = s.decoder.conceal(samplesIn(s.each, talkRate))
	}
	s.pcm = append(s.pcm, pcm...)
	return err == nil, err
}

// enough is how much speech makes playing safe from a packet that comes late. Callers hold mu.
func (s *Speech) enough() time.Duration { return max(cushion, 2*s.each) }

// Close ends Next and frees the decoder.
func (s *Speech) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.decoder.close()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
