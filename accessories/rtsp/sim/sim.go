// Package sim is a simulated RTSP camera: a real RTSP server with digest login on the loopback
// interface, which streams a moving test picture in H.264 at its true pace.
package sim

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
)

// Options choose the camera. The zero value is 640 × 360 pixels at 15 pictures a second.
type Options struct {
	Listen        string // host:port; "" = 127.0.0.1 and any free port
	User          string // "" = hub
	Password      string // "" with Open false = porch-light
	Open          bool   // asks for no login: a bad camera
	SHA256        bool   // digest with SHA-256 only
	Basic         bool   // accepts Basic only: a camera that the driver must refuse
	Width, Height int    // pixels
	FPS           int    // pictures a second
	GOP           int    // seconds from key frame to key frame; 0 = 2
	Dir           string // where test pictures are kept from run to run; "" = the system's temporary folder
}

// State is what the camera saw.
type State struct {
	Up          bool   `json:"up"`
	Connections int    `json:"connections"` // open RTSP connections
	Players     int    `json:"players"`     // … that receive pictures
	Frames      uint64 `json:"frames"`      // pictures sent while somebody received them
	Describes   uint64 `json:"describes"`   // descriptions given
	Refused     uint64 `json:"refused"`     // requests with a wrong login
}

// Sim is one simulated camera.
type Sim struct {
	opts   Options
	film   film
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	address  string // host:port, stays when the camera goes and comes back
	password string
	server   *gortsplib.Server // nil while the camera is off
	stream   *gortsplib.ServerStream
	media    *description.Media
	conns    map[*gortsplib.ServerConn]struct{}
	players  map[*gortsplib.ServerSession]struct{}
	state    State
}

// Start makes the test picture, which needs ffmpeg the first time, and opens the camera.
func Start(o Options) (*Sim, error) {
	o = o.withDefaults()
	f, err := loadFilm(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sim{
		opts: o, film: f, cancel: cancel, done: make(chan struct{}),
		address: o.Listen, password: o.Password,
		conns:   make(map[*gortsplib.ServerConn]struct{}),
		players: make(map[*gortsplib.ServerSession]struct{}),
	}
	if err := s.up(); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer close(s.done)
		s.play(ctx)
	}()
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

// Address is the camera's URL, without name and password.
func (s *Sim) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "rtsp://" + s.address + "/live"
}

// Events lists what Do understands.
func (s *Sim) Events() []string { return []string{"drop", "password", "start", "stop"} }

// Do makes something happen: "drop" cuts every connection, "stop" switches the camera off and "start"
// on again at the same address, "password" with the argument "to" changes the password.
func (s *Sim) Do(_ context.Context, event string, args url.Values) error {
	switch event {
	case "drop":
		s.drop()
	case "stop":
		s.down()
	case "start":
		return s.up()
	case "password":
		if args.Get("to") == "" {
			return fmt.Errorf("rtsp sim: password needs the argument to")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.password = args.Get("to")
	default:
		return fmt.Errorf("rtsp sim: there is no event %q", event)
	}
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

// Close switches the camera off and waits for it.
func (s *Sim) Close() error {
	s.cancel()
	<-s.done
	s.down()
	return nil
}

func (s *Sim) up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return nil
	}
	server := &gortsplib.Server{
		Handler:     peer{s},
		RTSPAddress: s.address,
		AuthMethods: []auth.VerifyMethod{auth.VerifyMethodDigestMD5},
		Listen:      func(network, address string) (net.Listener, error) { return net.Listen(network, address) },
	}
	switch {
	case s.opts.SHA256:
		server.AuthMethods = []auth.VerifyMethod{auth.VerifyMethodDigestSHA256}
	case s.opts.Basic:
		server.AuthMethods = []auth.VerifyMethod{auth.VerifyMethodBasic}
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("rtsp sim: %w", err)
	}
	s.media = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{&format.H264{
		PayloadTyp: 96, PacketizationMode: 1, SPS: s.film.sps, PPS: s.film.pps,
	}}}
	stream := &gortsplib.ServerStream{Server: server, Desc: &description.Session{Medias: []*description.Media{s.media}}}
	if err := stream.Initialize(); err != nil {
		server.Close()
		return fmt.Errorf("rtsp sim: %w", err)
	}
	s.server, s.stream = server, stream
	s.address = server.NetListener().Addr().String()
	return nil
}

func (s *Sim) down() {
	s.mu.Lock()
	server, stream := s.server, s.stream
	s.server, s.stream = nil, nil
	s.mu.Unlock()
	if server != nil {
		server.Close() // outside the lock, since it calls back, and first: it ends the sessions that read the stream
		stream.Close()
	}
}

func (s *Sim) drop() {
	s.mu.Lock()
	var open []*gortsplib.ServerConn
	for c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

// play sends the film round and round at its own pace.
func (s *Sim) play(ctx context.Context) {
	encoder, err := (&format.H264{PayloadTyp: 96, PacketizationMode: 1}).CreateEncoder()
	if err != nil {
		return
	}
	begin := time.Now()
	for i := 0; ; i++ {
		wait := time.NewTimer(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(s.opts.FPS))))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
		packets, err := encoder.Encode(s.film.pictures[i%len(s.film.pictures)])
		if err != nil {
			continue // a picture without NAL units; the film has none
		}
		s.mu.Lock()
		stream, medium := s.stream, s.media
		if len(s.players) > 0 && stream != nil {
			s.state.Frames++
		}
		s.mu.Unlock()
		if stream == nil {
			continue
		}
		for _, p := range packets {
			p.Timestamp = uint32(i * 90000 / s.opts.FPS)
			_ = stream.WritePacketRTPWithNTP(medium, p, time.Now()) // fails only when it was just switched off
		}
	}
}
