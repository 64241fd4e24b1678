package rtsp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/trait"
)

const (
	mainView    = "main"
	lookEvery   = 10 * time.Second // how often Run asks whether the camera is there
	lookTimeout = 5 * time.Second
)

// session is one camera. It holds no connection of its own: each Watch has one, and Run makes short
// ones to see that the camera is there, so that a camera in privacy mode is left alone.
type session struct {
	config device.Config
	target target
	offer  device.Offer
	seen   atomic.Int64  // Unix nanoseconds of the last picture
	ended  chan struct{} // a Watch broke off: Run looks at once
	life   context.Context
	end    context.CancelFunc // ends life, and with it every Watch
}

// Offer says what the camera offers.
func (s *session) Offer() device.Offer { return s.offer }

// Run reports that the camera is live and looks every 10 s whether it still answers, unless pictures
// come anyway. It ends with ErrUnreachable when the camera missed two looks.
func (s *session) Run(ctx context.Context, report func(trait.Reading) error) error {
	defer s.end()
	if err := report(trait.Live.Of(true, s.config.Now())); err != nil {
		return fmt.Errorf("rtsp: report: %w", err)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.ended:
		case <-tick.C:
			if s.config.Now().UnixNano()-s.seen.Load() < int64(lookEvery) {
				continue
			}
		}
		err := s.look(ctx)
		if err != nil {
			err = s.look(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return errors.Join(err, report(trait.Live.Of(false, s.config.Now())))
		}
	}
}

// look asks for the camera's options without a login: any answer proves that it is there.
func (s *session) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	l, err := s.dial(ctx, false)
	if err != nil {
		return err
	}
	defer l.close()
	_, err = l.client.Options(l.url)
	var status liberrors.ErrClientBadStatusCode
	if err == nil || errors.As(err, &status) {
		return nil
	}
	return fmt.Errorf("rtsp: options: %w", l.explain(ctx, err))
}

// Views are the one that the address names.
func (s *session) Views() []media.View { return []media.View{{ID: mainView, Codec: media.H264}} }

// Watch streams pictures over a connection of its own. Units carry no parameter sets: these are in
// their Track. The first units may not be key units.
func (s *session) Watch(ctx context.Context, _ string, _ bool, out func(*media.Unit)) error {
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	l, err := s.dial(watching, true)
	if err != nil {
		return err
	}
	defer l.close()
	err = s.play(l, out)
	if ctx.Err() != nil {
		return nil
	}
	if s.life.Err() != nil {
		return fmt.Errorf("rtsp: watch: the session is over: %w", device.ErrUnreachable)
	}
	select {
	case s.ended <- struct{}{}:
	default:
	}
	return fmt.Errorf("rtsp: watch: %w", l.explain(ctx, err))
}

// play runs the stream until the line ends, and says why it did.
func (s *session) play(l *line, out func(*media.Unit)) error {
	f, err := l.describe()
	if err != nil {
		return err
	}
	if _, err := l.client.Setup(f.base, f.media, 0, 0); err != nil {
		return err
	}
	var lost uint64
	sps, pps := f.h264.SafeParams()
	a := newAssembler(sps, pps, s.config.Now, func(u *media.Unit) {
		s.seen.Store(u.At.UnixNano())
		out(u)
	}, func(err error) {
		// A bad line must not fill the log: the 1st, 2nd, 4th, 8th … loss is worth a line.
		if lost++; lost&(lost-1) == 0 {
			s.log().Warn("rtsp: picture lost", "err", err, "lost", lost)
		}
	})
	l.client.OnPacketRTP(f.media, f.h264, func(p *rtp.Packet) { a.packet(p) })
	if _, err := l.client.Play(nil); err != nil {
		return err
	}
	return l.client.Wait()
}

func (s *session) log() *slog.Logger {
	if s.config.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.config.Log
}

// Do refuses: RTSP has nothing to command.
func (s *session) Do(_ context.Context, cmd trait.Command) error {
	return fmt.Errorf("rtsp: do %s: %w", cmd.Trait.ID(), device.ErrUnsupported)
}

// Holds names the camera's own recordings: many cameras have a card, and RTSP cannot tell.
func (s *session) Holds(context.Context) ([]device.Holding, error) {
	return []device.Holding{{What: "holding.recordings", Class: trait.Personal}}, nil
}

// Erase says that recordings on a card, if there are any, can only be erased on the camera.
func (s *session) Erase(context.Context) ([]device.Erased, error) {
	return []device.Erased{{What: "holding.recordings", Why: "erase.only-on-device"}}, nil
}

// Evidence: "own-password" (the hub holds one), "anonymous-video" (Yes is bad: the camera describes
// its stream to strangers), "encrypted" (the stream runs inside TLS).
func (s *session) Evidence(ctx context.Context) ([]device.Evidence, error) {
	now := s.config.Now()
	own := device.No
	if s.config.Secret != nil && !s.config.Secret(FieldPassword).Empty() {
		own = device.Yes
	}
	encrypted := device.No
	if s.target.scheme == "rtsps" {
		encrypted = device.Yes
	}
	anonymous := s.anonymous(ctx)
	return []device.Evidence{
		{Claim: "own-password", Answer: own, How: "inferred", At: now},
		{Claim: "anonymous-video", Answer: anonymous, How: "measured", At: now},
		{Claim: "encrypted", Answer: encrypted, How: "measured", At: now},
	}, nil
}

// anonymous asks for the stream's description without a password. A camera that does not answer
// leaves it unknown.
func (s *session) anonymous(ctx context.Context) device.Answer {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	l, err := s.dial(ctx, false)
	if err != nil {
		return device.Unknown
	}
	defer l.close()
	_, err = l.describe()
	var status liberrors.ErrClientBadStatusCode
	switch {
	case err == nil || errors.Is(err, device.ErrUnsupported):
		return device.Yes
	case errors.As(err, &status) && status.Code == base.StatusUnauthorized:
		return device.No
	}
	return device.Unknown
}
