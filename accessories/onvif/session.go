package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/factory"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/trait"
)

const maxStill = 8 << 20 // bytes of one still picture

// ErrFactory says that the camera still has a password that it came with. It is a device.ErrRefused.
var ErrFactory = fmt.Errorf("%w to be watched: the camera still has a password from the factory; give it one of its own", device.ErrRefused)

// session is one camera.
type session struct {
	config   device.Config
	line     *line
	pace     pace
	proof    proof
	parts    parts
	offer    device.Offer
	heeds    heeds
	profiles []profile
	rung     chan struct{} // something broke off: Run looks at once
	life     context.Context
	end      context.CancelFunc // ends life, and with it every call that waits

	rekeying sync.Mutex // one Rekey at a time
	plan     *plan      // what an interrupted Rekey of this session kept

	mu       sync.Mutex
	as, old  account // who we are, and who we were before Rekey as long as that may still open
	pictures *rtsp.Camera
	tuned    map[string]bool // what was settled once in this session
	still    map[string]string
	noStill  bool // the camera refused our account its still pictures
}

// speaking is the session of a camera with a loudspeaker.
type speaking struct{ *session }

// Talk plays sound through the camera's loudspeaker.
func (s *speaking) Talk(ctx context.Context, next func(context.Context) ([]byte, error)) error {
	if err := s.safe(); err != nil {
		return err
	}
	_, pictures := s.now()
	return pictures.Talk(ctx, next)
}

// now is who we are, and the way to the pictures; Rekey changes both.
func (s *session) now() (account, *rtsp.Camera) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.as, s.pictures
}

// call asks as the account that let us in. A refusal may mean that the camera's clock was set since:
// only if it was, the call is made again.
func (s *session) call(ctx context.Context, a ask) (*node, error) {
	a.as, _ = s.now()
	n, err := s.line.call(ctx, a)
	if !errors.Is(err, errLogin) || s.line.asksDigest() {
		return n, err
	}
	before, _ := s.line.skew()
	if s.line.measure(ctx) != nil {
		return n, err
	}
	if after, _ := s.line.skew(); (after - before).Abs() > skewMoves {
		return s.line.call(ctx, a)
	}
	s.line.believe(before) // what let us in, which need not be what the camera shows
	return n, err
}

// Offer says what the camera is and offers.
func (s *session) Offer() device.Offer { return s.offer }

// Views lists the camera's profiles, those in H.264 first, then the largest first.
func (s *session) Views() []media.View {
	views := make([]media.View, len(s.profiles))
	for i, p := range s.profiles {
		views[i] = p.view
	}
	return views
}

// Watch streams a view. Before the first time it asks the camera for a key picture at least every four
// seconds, and, where sound is wanted and comes as AAC, for G.711; a camera that will not do so is
// watched as it is. ErrFactory for a camera whose password is no secret.
func (s *session) Watch(ctx context.Context, view string, sound bool, out func(*media.Unit)) error {
	if err := s.safe(); err != nil {
		return err
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	if p := s.profile(view); p != nil {
		s.settle(watching, "pace of "+view, func() error { return s.setPace(watching, p) })
		if sound && p.view.Sound == media.AAC {
			s.settle(watching, "sound of "+view, func() error { return s.setSound(watching, p) })
		}
	}
	_, pictures := s.now()
	err := pictures.Watch(watching, view, sound, out)
	if ctx.Err() != nil {
		return nil
	}
	if s.life.Err() != nil {
		return fmt.Errorf("onvif: watch: the session is over: %w", device.ErrUnreachable)
	}
	s.ring()
	return err
}

// settle does something once in a session, and only logs that it failed.
func (s *session) settle(ctx context.Context, what string, do func() error) {
	s.mu.Lock()
	done := s.tuned[what]
	s.tuned[what] = true
	s.mu.Unlock()
	if done {
		return
	}
	if err := do(); err != nil && ctx.Err() == nil {
		s.log("onvif: the camera keeps its settings", "err", err)
	}
}

func (s *session) log(text string, args ...any) {
	if s.config.Log != nil {
		s.config.Log.Info(text, args...)
	}
}

// ring has Run look at once whether the camera is there.
func (s *session) ring() {
	select {
	case s.rung <- struct{}{}:
	default:
	}
}

// Refresh asks for a key picture (Media Service Specification, SetSynchronizationPoint).
func (s *session) Refresh(ctx context.Context, view string) error {
	p := s.profile(view)
	if p == nil {
		return fmt.Errorf("onvif: refresh: no such view: %w", device.ErrUnsupported)
	}
	_, err := s.call(ctx, ask{at: s.parts.media, ns: nsMedia, action: "SetSynchronizationPoint", body: tokenOf(p.view.ID)})
	return err
}

// Snap takes a still picture of the first view by HTTP, with digest where the camera asks for it.
func (s *session) Snap(ctx context.Context) ([]byte, error) {
	if err := s.safe(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	as, refused := s.as, s.noStill
	s.mu.Unlock()
	if refused {
		return nil, fmt.Errorf("onvif: still: %w: the camera refuses them to this account", device.ErrUnsupported)
	}
	jpeg, err := s.snap(ctx, as)
	if errors.Is(err, errLogin) { // to ask each time would have the camera lock the account, for its streams too
		s.mu.Lock()
		s.noStill = true
		s.mu.Unlock()
	}
	return jpeg, err
}

func (s *session) snap(ctx context.Context, as account) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	at, err := s.stillAt(ctx, as)
	if err != nil {
		return nil, err
	}
	got, err := s.line.send(ctx, http.MethodGet, at, as, "", nil, maxStill)
	if err == nil && got.again {
		got, err = s.line.send(ctx, http.MethodGet, at, as, "", nil, maxStill)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("onvif: still: %w", err)
	case got.status == http.StatusUnauthorized || got.status == http.StatusForbidden:
		return nil, fmt.Errorf("onvif: still: %w", errLogin)
	case got.status != http.StatusOK:
		return nil, fmt.Errorf("onvif: still: %w: status %d", device.ErrUnreachable, got.status)
	case len(got.body) < 4 || string(got.body[:3]) != "\xff\xd8\xff":
		return nil, fmt.Errorf("onvif: still: %w: it is no JPEG", device.ErrUnsupported)
	}
	return got.body, nil
}

// stillAt asks where the still pictures of the first view are, once.
func (s *session) stillAt(ctx context.Context, as account) (string, error) {
	view := s.profiles[0].view.ID
	s.mu.Lock()
	at := s.still[view]
	s.mu.Unlock()
	if at != "" {
		return at, nil
	}
	n, err := s.line.call(ctx, ask{at: s.parts.media, ns: nsMedia, action: "GetSnapshotUri", body: tokenOf(view), as: as})
	if err != nil {
		return "", err
	}
	if at = s.line.home(n.str("MediaUri", "Uri"), "http", "https"); at == "" {
		return "", fmt.Errorf("onvif: still: %w: the camera makes none", device.ErrUnsupported)
	}
	s.mu.Lock()
	s.still = map[string]string{view: at}
	s.mu.Unlock()
	return at, nil
}

// Do refuses: cameras report here, and are told nothing.
func (s *session) Do(_ context.Context, cmd trait.Command) error {
	return fmt.Errorf("onvif: do %s: %w", cmd.Trait.ID(), device.ErrUnsupported)
}

// safe is ErrFactory as long as a password that is no secret opens the camera.
func (s *session) safe() error {
	if s.known() {
		return fmt.Errorf("onvif: %w", ErrFactory)
	}
	return nil
}

// known says whether the camera opens with a password of the factory: with the one that we have, or
// with the one that Rekey has not shut yet.
func (s *session) known() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range []account{s.as, s.old} {
		if !a.nobody() && factory.Known(a.user, a.password.Reveal()) {
			return true
		}
	}
	return false
}

const holdingRecordings = "holding.recordings"

// Holds names the recordings on the camera's card. A camera without Profile G cannot tell whether it
// has any, and most have a slot for a card.
func (s *session) Holds(ctx context.Context) ([]device.Holding, error) {
	if tokens, err := s.recordings(ctx); err != nil || len(tokens) > 0 || s.parts.recording == "" {
		return []device.Holding{{What: holdingRecordings, Class: trait.Personal}}, err
	}
	return []device.Holding{}, nil
}

// Erase deletes the recordings, where the camera lets us (Profile G), and looks again. It does not
// reset the camera: that would bring back the password from the factory, and need not touch the card.
func (s *session) Erase(ctx context.Context) ([]device.Erased, error) {
	stays := []device.Erased{{What: holdingRecordings, Why: "erase.only-on-device"}}
	tokens, err := s.recordings(ctx)
	if err != nil || s.parts.recording == "" {
		return stays, err
	}
	for _, t := range tokens {
		_, err := s.call(ctx, ask{at: s.parts.recording, ns: nsRecording, action: "DeleteRecording", body: "<RecordingToken>" + escape(t) + "</RecordingToken>"})
		if errors.Is(err, device.ErrUnreachable) {
			return nil, err
		}
	}
	if tokens, err = s.recordings(ctx); err != nil || len(tokens) > 0 {
		return stays, err
	}
	return []device.Erased{{What: holdingRecordings, Gone: true}}, nil
}

// Reset has the camera become as it left the factory, its network settings too (SetSystemFactoryDefault,
// Hard): accounts, settings and, as a rule, recordings go, and the password of the factory is back. It needs
// an administrator, and returns when the camera has taken the order.
func (s *session) Reset(ctx context.Context) error {
	_, err := s.call(ctx, ask{ns: nsDevice, action: "SetSystemFactoryDefault", body: "<FactoryDefault>Hard</FactoryDefault>"})
	return err
}

// recordings lists the tokens of the camera's recordings.
func (s *session) recordings(ctx context.Context) ([]string, error) {
	if s.parts.recording == "" {
		return nil, nil
	}
	n, err := s.call(ctx, ask{at: s.parts.recording, ns: nsRecording, action: "GetRecordings"})
	if err != nil {
		return nil, err
	}
	var tokens []string
	for _, item := range n.all("RecordingItem") {
		tokens = append(tokens, item.str("RecordingToken"))
	}
	return tokens, nil
}

// Evidence: "own-password" (No for a pair from the factory), "anonymous-video" and "anonymous-control"
// (Yes is bad: the camera lets strangers in), "other-accounts" (Yes is bad: some that the hub neither uses
// nor made), "encrypted" (SOAP and pictures inside TLS), "right-clock" (within a minute), "can-be-wiped".
func (s *session) Evidence(ctx context.Context) ([]device.Evidence, error) {
	at := s.config.Now()
	as, pictures := s.now()
	own := device.Yes
	if as.nobody() || s.known() {
		own = device.No
	}
	clock := device.Evidence{Claim: "right-clock"}
	if skew, measured := s.line.skew(); measured {
		clock = device.Evidence{Claim: "right-clock", Answer: yes(skew.Abs() <= skewTold), How: "measured", At: at}
	}
	return []device.Evidence{
		{Claim: "own-password", Answer: own, How: "inferred", At: at},
		{Claim: "anonymous-video", Answer: pictures.Anonymous(ctx), How: "measured", At: at},
		{Claim: "anonymous-control", Answer: yes(s.proof.open), How: "measured", At: at},
		{Claim: "other-accounts", Answer: s.others(ctx), How: "said by the device", At: at},
		{Claim: "encrypted", Answer: yes(s.line.scheme == "https" && pictures.Encrypted()), How: "measured", At: at},
		{Claim: "can-be-wiped", Answer: yes(s.parts.recording != ""), How: "inferred", At: at},
		clock,
	}, nil
}

// others says whether the camera has accounts that are not the hub's. It asks with the account that may know;
// a camera that does not tell leaves it unknown.
func (s *session) others(ctx context.Context) device.Answer {
	as, _ := s.now()
	admin := accountOf(s.config, fieldAdmin, fieldAdminPassword)
	if admin.nobody() {
		admin = as
	}
	if admin.nobody() {
		return device.Unknown
	}
	n, err := s.line.call(ctx, ask{ns: nsDevice, action: "GetUsers", as: admin})
	if err != nil {
		return device.Unknown
	}
	ours := []string{as.user, admin.user, s.config.Fields[fieldShut]}
	for _, u := range n.all("User") {
		if name := u.str("Username"); name != "" && !slices.Contains(ours, name) {
			return device.Yes
		}
	}
	return device.No
}

func yes(is bool) device.Answer {
	if is {
		return device.Yes
	}
	return device.No
}

// tokenOf is how the media service is told which profile.
func tokenOf(profile string) string { return "<ProfileToken>" + escape(profile) + "</ProfileToken>" }

// lookTime bounds the question whether the camera is there.
const lookTime = 4 * time.Second
