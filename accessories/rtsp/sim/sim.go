// Package sim is a simulated RTSP camera: a real RTSP server with digest login on the loopback
// interface, which streams a moving test picture in H.264, and a tone, at their true pace. Its Options
// make it as odd as cameras are.
package sim

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"

	"github.com/ingle-home/ingle/accessories/media"
)

// Options choose the camera. The zero value is 640 × 360 pixels at 15 pictures a second without
// sound, over TCP.
type Options struct {
	Listen string // host:port; "" = 127.0.0.1 and any free port
	Dir    string // where test pictures are kept from run to run; "" = the system's temporary folder

	// Who may log in.
	User     string        // "" = hub
	Password string        // "" with Open false = porch-light
	Open     bool          // asks for no login: a bad camera
	SHA256   bool          // digest with SHA-256 only
	Basic    bool          // accepts Basic only: a camera that the driver must refuse
	Lockout  time.Duration // after five wrong logins in a row nobody gets in for so long; 0 = no lock

	// The picture.
	Width, Height int    // pixels
	FPS           int    // pictures a second
	GOP           int    // seconds from key frame to key frame; 0 = 2
	Slices        int    // of a picture; 0 = 1
	Between       int    // B-frames in a row
	Heavy         bool   // noise, so that key pictures are large: 300 kB at 1280 × 720
	Rate          int    // kbit/s that the pictures take, with noise in them; 0 = as they come
	H265          bool   // the first view, instead of H.264
	Then          [2]int // a second size in pixels, which takes turns with the first every GOP
	Small         bool   // a second view at /small, half as wide and high
	Stamp         int    // one picture in so many tells when it was sent: Stamped reads it; 0 = none

	// The sound.
	Sound     media.Codec   // PCMU, PCMA, Opus, AAC, L16; "" = none
	SoundLate time.Duration // sound travels so much longer than pictures
	Back      media.Codec   // the loudspeaker takes PCMU or PCMA; "" = there is none

	// The line.
	TLS        bool // RTSPS, with a certificate of its own
	UDP        bool // takes UDP besides TCP
	Sets       Sets // where the parameter sets are
	Gaps       int  // one packet of the pictures in so many is lost; 0 = none
	EachMarked bool // marks every NAL unit as the end of its picture
}

// Sets says where a camera tells its parameter sets.
type Sets uint8

// The places for parameter sets.
const (
	Everywhere Sets = iota
	OnlySDP
	OnlyStream
)

// State is what the camera saw.
type State struct {
	Up          bool   `json:"up"`
	Connections int    `json:"connections"` // open RTSP connections
	Opened      uint64 `json:"opened"`      // RTSP connections so far
	Players     int    `json:"players"`     // open sessions that receive pictures
	Sounds      uint64 `json:"sounds"`      // requests for sound so far
	Frames      uint64 `json:"frames"`      // pictures sent while somebody received them
	Describes   uint64 `json:"describes"`   // descriptions given
	Refused     uint64 `json:"refused"`     // requests with a wrong login, or while the camera was locked
	Cut         uint64 `json:"cut"`         // connections that CutAt cut
	Heard       int    `json:"heard"`       // packets that came to the loudspeaker
}

// Sim is one simulated camera.
type Sim struct {
	opts   Options
	cancel context.CancelFunc
	work   sync.WaitGroup
	views  []*view

	mu      sync.Mutex
	address string // host:port, stays when the camera goes and comes back
	users   map[string]string
	wrong   int       // wrong logins in a row
	locked  time.Time // … for which nobody gets in until then
	server  *gortsplib.Server
	away    *time.Timer // switches the camera on again
	conns   map[*gortsplib.ServerConn]struct{}
	players map[*gortsplib.ServerSession]struct{}
	jump    time.Duration // by which the camera's clock went wrong
	frozen  bool          // it answers, but sends nothing
	cut     int           // the request, from now on, at which the connection is cut; 0 = none
	heard   []byte
	state   State
}

// Start makes the test picture, which needs ffmpeg the first time, and opens the camera.
func Start(o Options) (*Sim, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sim{
		opts: o, cancel: cancel,
		address: o.Listen, users: map[string]string{o.User: o.Password},
		conns:   make(map[*gortsplib.ServerConn]struct{}),
		players: make(map[*gortsplib.ServerSession]struct{}),
	}
	if err := s.cast(); err != nil {
		cancel()
		return nil, err
	}
	if err := s.up(); err != nil {
		cancel()
		return nil, err
	}
	for _, v := range s.views {
		s.work.Go(func() { v.playPictures(ctx) })
		if v.tone != nil {
			s.work.Go(func() { v.playSound(ctx) })
		}
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.User == "" {
		o.User = "hub"
	}
	if o.Password == "" {
		o.Password = "porch-light"
	}
	if o.Width == 0 || o.Height == 0 {
		o.Width, o.Height = 640, 360
	}
	if o.FPS == 0 {
		o.FPS = 15
	}
	if o.GOP == 0 {
		o.GOP = 2
	}
	return o
}

// Address is the URL of the camera's first view, without name and password.
func (s *Sim) Address() string { return s.View("/live") }

// View is the URL of a view, "/live" or "/small", without name and password.
func (s *Sim) View(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	scheme := "rtsp://"
	if s.opts.TLS {
		scheme = "rtsps://"
	}
	return scheme + s.address + path
}

// Events lists what Do understands.
func (s *Sim) Events() []string {
	return []string{"away", "drop", "freeze", "jump", "key", "password", "start", "stop", "thaw"}
}

// Do makes something happen: "drop" cuts every connection; "stop" switches the camera off and "start"
// on again at the same address; "away" switches it off for the argument "seconds", 30 without;
// "freeze" has it answer but send nothing, until "thaw";
// "key" makes the next picture a key picture; "jump" puts the camera's clock an hour forward;
// "password" with the argument "to" changes the password.
func (s *Sim) Do(_ context.Context, event string, args url.Values) error {
	switch event {
	case "away":
		return s.leave(args.Get("seconds"))
	case "drop":
		s.drop()
	case "freeze", "thaw":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.frozen = event == "freeze"
	case "jump":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.jump += time.Hour
	case "key":
		s.RefreshKey()
	case "stop":
		s.down()
	case "start":
		return s.up()
	case "password":
		if args.Get("to") == "" {
			return fmt.Errorf("rtsp sim: password needs the argument to")
		}
		s.SetUsers(map[string]string{s.opts.User: args.Get("to")})
	default:
		return fmt.Errorf("rtsp sim: there is no event %q", event)
	}
	return nil
}

// CutAt cuts the connection of the nth RTSP request from now on (1 is the next) before it is answered.
// 0 cuts none.
func (s *Sim) CutAt(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = n
}

// RefreshKey makes the next picture of every view a key picture.
func (s *Sim) RefreshKey() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.views {
		v.refresh = true
	}
}

func (s *Sim) leave(seconds string) error {
	n := 30
	if seconds != "" {
		var err error
		if n, err = strconv.Atoi(seconds); err != nil || n < 1 {
			return fmt.Errorf("rtsp sim: away for how many seconds?")
		}
	}
	s.down()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = time.AfterFunc(time.Duration(n)*time.Second, func() { _ = s.up() }) // its port may be taken by then
	return nil
}

// State gives a State.
func (s *Sim) State() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	st.Up = s.server != nil
	st.Connections, st.Players = len(s.conns), len(s.players)
	return st
}

// Heard gives what came to the loudspeaker, as the camera takes it; a megabyte at most.
func (s *Sim) Heard() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]byte(nil), s.heard...)
}

// Close switches the camera off and waits for it.
func (s *Sim) Close() error {
	s.cancel()
	s.work.Wait()
	s.mu.Lock()
	if s.away != nil {
		s.away.Stop()
	}
	s.mu.Unlock()
	s.down()
	return nil
}
