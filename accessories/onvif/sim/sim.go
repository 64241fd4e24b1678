// Package sim is a simulated ONVIF camera: SOAP over HTTP with users, levels, a clock and a lock, pull
// points, still pictures and recordings, an answer to WS-Discovery, and the streams of
// accessories/rtsp/sim behind it. Its Options make it as odd as cameras are.
package sim

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	rtsp "github.com/ingle-home/ingle/accessories/rtsp/sim"
)

// Options choose the camera. The zero value has one administrator, wants WS-UsernameToken, tells
// motion, and streams 640 × 360 pixels and half of that.
type Options struct {
	Listen      string // host:port; "" = 127.0.0.1 and any free port
	Multicast   bool   // answers WS-Discovery's group, and not only at ProbeAddress
	Name, Model string // "" = Porch Cam, Sim 1
	Maker       string // "" = Ingle
	Firmware    string // "" = 1.0
	WrongHost   string // in every URL, instead of the camera's own: host or host:port
	Capable     bool   // knows GetCapabilities only, not GetServices

	// Who may log in.
	User     string        // the first administrator; "" = hub
	Password string        // "" = porch-light
	Level    string        // of that user; "" = Administrator
	Left     string        // a second administrator, whose password is its name
	Open     bool          // asks for no login: a bad camera
	Digest   string        // "MD5" or "SHA-256": SOAP by HTTP digest, not by WS-UsernameToken
	Once     bool          // takes each nonce of a digest once
	Skew     time.Duration // of the camera's clock
	Shown    time.Duration // by which the time that it shows differs from that
	Lockout  time.Duration // after five wrong logins in a row nobody gets in for so long; 0 = no lock
	Single   bool          // takes no second user
	Fixed    bool          // refuses to change its first user, and lets it be deleted
	Denies   bool          // says that it refused when a user changed its own password
	Split    bool          // RTSP has users of its own: the first user's first password, for ever
	Apart    bool          // still pictures have users of their own, whom nobody knows
	Stale    bool          // RTSP learns new users, and the first user's new passwords never

	// What it tells.
	Doorbell bool
	NoEvents bool
	NoStill  bool
	Slow     time.Duration // it takes to make a still picture
	ByHeader bool          // subscriptions are known by a reference parameter, and not by their URL
	NoRenew  bool          // refuses to renew
	Hasty    bool          // does not wait for events

	// The streams.
	Sound         media.Codec // AAC or PCMU; "" = none
	Speaker       bool        // takes sound
	H265          bool        // the first profile
	GOP           int         // pictures from key picture to key picture, as configured; 0 = 30
	Width, Height int         // pixels
	FPS           int
	Dir           string // where test pictures are kept; "" = the system's temporary folder

	Recordings int // on its card
}

// State is what the camera saw.
type State struct {
	Requests      uint64            `json:"requests"`      // over HTTP
	Refused       uint64            `json:"refused"`       // wrong logins, or while it was locked
	Denied        uint64            `json:"denied"`        // right logins at too low a level
	Users         map[string]string `json:"users"`         // name to level
	Subscriptions int               `json:"subscriptions"` // alive
	Subscribed    uint64            `json:"subscribed"`    // so far
	Renewed       uint64            `json:"renewed"`
	Synced        uint64            `json:"synced"`  // event states asked for again
	Keys          uint64            `json:"keys"`    // key pictures asked for
	Posing        int               `json:"posing"`  // still pictures that are being made
	Stills        uint64            `json:"stills"`  // given
	Probes        uint64            `json:"probes"`  // of WS-Discovery
	GovLength     int               `json:"gop"`     // of the first profile, in pictures
	Sound         media.Codec       `json:"sound"`   // as configured
	Factory       []string          `json:"factory"` // resets to the state of the factory, Soft or Hard
	Streams       rtsp.State        `json:"streams"` // what RTSP saw
}

// Sim is one simulated camera.
type Sim struct {
	opts  Options
	id    string // its endpoint
	probe *net.UDPConn
	group *net.UDPConn
	work  sync.WaitGroup
	over  context.Context
	end   context.CancelFunc

	mu      sync.Mutex
	address string // host:port, stays when the camera goes and comes back
	server  *http.Server
	streams *rtsp.Sim
	users   []user
	wrong   int // in a row
	locked  time.Time
	nonces  map[string]bool // of tokens that were shown
	nonce   string          // of digests
	skew    time.Duration
	subs    map[string]*pullPoint
	last    int
	moving  bool
	mute    bool // how motion stands is not told again
	records int
	cut     func(n int) (before, after bool)
	seen    int // requests since cut was set
	state   State
}

// Start opens the camera. The first time it needs ffmpeg to make the test picture.
func Start(o Options) (*Sim, error) {
	o = o.withDefaults()
	s := &Sim{
		opts: o, id: "urn:uuid:" + newUUID(), nonce: newUUID(), address: o.Listen, skew: o.Skew, records: o.Recordings,
		users: []user{{o.User, o.Password, o.Level}}, nonces: map[string]bool{}, subs: map[string]*pullPoint{},
	}
	if o.Left != "" {
		s.users = append(s.users, user{o.Left, o.Left, administrator})
	}
	s.over, s.end = context.WithCancel(context.Background())
	s.state.GovLength, s.state.Sound = o.GOP, o.Sound
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("onvif sim: %w", err)
	}
	if err := s.stream(net.JoinHostPort(host, "0")); err != nil {
		return nil, err
	}
	if err := s.up(); err != nil {
		_ = s.Close()
		return nil, err
	}
	if err := s.answerProbes(); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		at   *string
		text string
	}{
		{&o.Listen, "127.0.0.1:0"}, {&o.User, "hub"}, {&o.Password, "porch-light"}, {&o.Level, administrator}, {&o.Name, "Porch Cam"}, {&o.Model, "Sim 1"}, {&o.Maker, "Ingle"}, {&o.Firmware, "1.0"},
	} {
		if *d.at == "" {
			*d.at = d.text
		}
	}
	if o.Width == 0 || o.Height == 0 {
		o.Width, o.Height = 640, 360
	}
	if o.FPS == 0 {
		o.FPS = 15
	}
	if o.GOP == 0 {
		o.GOP = 2 * o.FPS
	}
	return o
}

// stream starts the camera's RTSP side.
func (s *Sim) stream(listen string) error {
	o := rtsp.Options{
		Listen: listen, User: s.opts.User, Password: s.opts.Password, Open: s.opts.Open, SHA256: s.opts.Digest == "SHA-256",
		Width: s.opts.Width, Height: s.opts.Height, FPS: s.opts.FPS, Dir: s.opts.Dir, Lockout: s.opts.Lockout,
		Small: !s.opts.H265, Sound: s.state.Sound, H265: s.opts.H265,
	}
	if s.opts.Speaker {
		o.Back = media.PCMU
	}
	streams, err := rtsp.Start(o)
	if err != nil {
		return err
	}
	s.streams = streams
	return nil
}

func (s *Sim) up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return nil
	}
	ln, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("onvif sim: %w", err)
	}
	s.address = ln.Addr().String()
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	server := s.server
	s.work.Go(func() { _ = server.Serve(ln) })
	return nil
}

func (s *Sim) down() {
	s.mu.Lock()
	server := s.server
	s.server = nil
	s.mu.Unlock()
	if server != nil {
		_ = server.Close()
	}
}

// Address is the camera's device service.
func (s *Sim) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "http://" + s.address + devicePath
}

// Host is the camera's host:port.
func (s *Sim) Host() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// ProbeAddress is where the camera answers WS-Discovery when it is asked alone (host:port, UDP).
func (s *Sim) ProbeAddress() string { return s.probe.LocalAddr().String() }

// Close switches the camera off and waits for it.
func (s *Sim) Close() error {
	s.end()
	s.mu.Lock()
	streams := s.streams
	s.mu.Unlock()
	s.down()
	for _, c := range []*net.UDPConn{s.probe, s.group} {
		if c != nil {
			_ = c.Close()
		}
	}
	s.work.Wait()
	return streams.Close()
}

// State gives a State.
func (s *Sim) State() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	st.Users = map[string]string{}
	for _, u := range s.users {
		st.Users[u.name] = u.level
	}
	for _, p := range s.subs {
		if p.ends.After(time.Now()) {
			st.Subscriptions++
		}
	}
	st.Streams, _ = s.streams.State().(rtsp.State)
	return st
}

// CutAt cuts the connection of the nth HTTP request from now on (1 is the next): before the camera
// does what it asks, or after. 0 cuts none.
func (s *Sim) CutAt(n int, after bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = 0
	s.cut = func(i int) (bool, bool) { return i == n && !after, i == n && after }
}

// CutStreamAt cuts the connection of the nth RTSP request from now on, as rtsp/sim does. 0 cuts none.
func (s *Sim) CutStreamAt(n int) { s.streams.CutAt(n) }

func (s *Sim) acts() map[string]func(url.Values) error {
	plain := func(do func()) func(url.Values) error { return func(url.Values) error { do(); return nil } }
	return map[string]func(url.Values) error{
		"motion":       plain(func() { s.move(true); s.later(3*time.Second, func() { s.move(false) }) }),
		"motion-on":    plain(func() { s.move(true) }),
		"motion-off":   plain(func() { s.move(false) }),
		"motion-stuck": plain(func() { s.move(true); s.forget() }),
		"motion-empty": plain(s.still),
		"doorbell":     plain(s.press),
		"expire":       plain(s.expire),
		"drop":         func(url.Values) error { return s.streams.Do(s.over, "drop", nil) },
		"key":          func(url.Values) error { return s.streams.Do(s.over, "key", nil) },
		"stop":         func(url.Values) error { return s.off() },
		"start":        func(url.Values) error { return s.on() },
		"away":         s.leave,
		"clock":        s.turn,
		"password":     s.rename,
	}
}

// Events lists what Do understands.
func (s *Sim) Events() []string { return slices.Sorted(maps.Keys(s.acts())) }

// Do makes something happen: "motion" for three seconds, "motion-on", "motion-off", "motion-empty" (off,
// in a message without a value), "motion-stuck" (its end is never told), "doorbell"; "expire" ends every
// subscription; "drop" cuts the streams, "stop" and "start" switch the camera, "away" switches it off
// for the argument "seconds" (30); "clock" turns its clock by the argument "by"; "password" with the
// argument "to" changes the first user's password; "key" makes a key picture.
func (s *Sim) Do(_ context.Context, event string, args url.Values) error {
	act := s.acts()[event]
	if act == nil {
		return fmt.Errorf("onvif sim: there is no event %q", event)
	}
	return act(args)
}

func (s *Sim) off() error {
	s.down()
	return s.streams.Do(s.over, "stop", nil)
}

func (s *Sim) on() error {
	if s.over.Err() != nil {
		return s.over.Err()
	}
	if err := s.streams.Do(s.over, "start", nil); err != nil {
		return err
	}
	return s.up()
}

func (s *Sim) leave(args url.Values) error {
	d := 30 * time.Second
	if text := args.Get("seconds"); text != "" {
		var err error
		if d, err = time.ParseDuration(text + "s"); err != nil {
			return fmt.Errorf("onvif sim: away for how many seconds?")
		}
	}
	if err := s.off(); err != nil {
		return err
	}
	s.later(d, func() { _ = s.on() }) // its port may be taken by then
	return nil
}

// later does something after a while, unless the camera is closed by then.
func (s *Sim) later(d time.Duration, do func()) {
	s.work.Go(func() {
		wait := time.NewTimer(d)
		defer wait.Stop()
		select {
		case <-s.over.Done():
		case <-wait.C:
			do()
		}
	})
}

func (s *Sim) turn(args url.Values) error {
	by, err := time.ParseDuration(args.Get("by"))
	if err != nil {
		return fmt.Errorf("onvif sim: turn the clock by what?")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew += by
	return nil
}
