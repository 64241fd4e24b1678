package rtsp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/trait"
)

const (
	lookEvery   = 10 * time.Second // how often Run asks whether the camera is there
	lookTimeout = 5 * time.Second
)

// session is one camera that a person named by URL. Run makes short connections of its own to see
// that the camera is there.
type session struct {
	camera *Camera
	offer  device.Offer
}

// speaking is the session of a camera with a loudspeaker.
type speaking struct{ *session }

// Talk plays sound through the camera's loudspeaker.
func (s *speaking) Talk(ctx context.Context, next func(context.Context) ([]byte, error)) error {
	return s.camera.Talk(ctx, next)
}

// Offer says what the camera offers.
func (s *session) Offer() device.Offer { return s.offer }

// Views lists the stream of the address and the small one.
func (s *session) Views() []media.View { return s.camera.Views() }

// Watch streams one view.
func (s *session) Watch(ctx context.Context, view string, sound bool, out func(*media.Unit)) error {
	return s.camera.Watch(ctx, view, sound, out)
}

// Run reports that the camera is live and looks every 10 s whether it still answers, unless pictures
// come anyway. It ends with ErrUnreachable when the camera missed two looks.
func (s *session) Run(ctx context.Context, report func(trait.Reading) error) error {
	defer s.camera.Close()
	if err := report(trait.Live.Of(true, s.camera.now())); err != nil {
		return fmt.Errorf("rtsp: report: %w", err)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.camera.ended:
		case <-tick.C:
			if s.camera.now().UnixNano()-s.camera.seen.Load() < int64(lookEvery) {
				continue
			}
		}
		err := s.camera.Present(ctx)
		if err != nil {
			err = s.camera.Present(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return errors.Join(err, report(trait.Live.Of(false, s.camera.now())))
		}
	}
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
// its stream to strangers), "encrypted" (the stream runs inside TLS), "can-be-wiped" (nothing in RTSP does).
func (s *session) Evidence(ctx context.Context) ([]device.Evidence, error) {
	now := s.camera.now()
	answer := map[bool]device.Answer{true: device.Yes, false: device.No}
	own := s.camera.config.Secret != nil && !s.camera.config.Secret(FieldPassword).Empty()
	return []device.Evidence{
		{Claim: "own-password", Answer: answer[own], How: "inferred", At: now},
		{Claim: "anonymous-video", Answer: s.camera.Anonymous(ctx), How: "measured", At: now},
		{Claim: "encrypted", Answer: answer[s.camera.Encrypted()], How: "measured", At: now},
		{Claim: "can-be-wiped", Answer: device.No, How: "inferred", At: now},
	}, nil
}
