package sim

import (
	"fmt"
	"net"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"github.com/ingle-home/ingle/accessories/media"
)

// up switches the camera on.
func (s *Sim) up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return nil
	}
	server, err := s.serve()
	if err != nil {
		return err
	}
	for _, v := range s.views {
		if err := v.show(server); err != nil {
			server.Close()
			return err
		}
	}
	s.server = server
	s.address = server.NetListener().Addr().String()
	return nil
}

// serve starts a server. Callers hold mu.
func (s *Sim) serve() (*gortsplib.Server, error) {
	server := &gortsplib.Server{
		Handler:                  peer{s},
		RTSPAddress:              s.address,
		WriteQueueSize:           2048, // a heavy key picture has some hundred packets
		DisableRTCPSenderReports: true, // the views send their own, more often
		AuthMethods:              []auth.VerifyMethod{auth.VerifyMethodDigestMD5},
		Listen:                   func(network, address string) (net.Listener, error) { return net.Listen(network, address) },
	}
	switch {
	case s.opts.SHA256:
		server.AuthMethods = []auth.VerifyMethod{auth.VerifyMethodDigestSHA256}
	case s.opts.Basic:
		server.AuthMethods = []auth.VerifyMethod{auth.VerifyMethodBasic}
	}
	if s.opts.TLS {
		var err error
		if server.TLSConfig, err = certificate(); err != nil {
			return nil, err
		}
	}
	if !s.opts.UDP {
		return server, started(server)
	}
	for try := 0; ; try++ {
		port, err := even()
		if err != nil {
			return nil, err
		}
		server.UDPRTPAddress = fmt.Sprintf("127.0.0.1:%d", port)
		server.UDPRTCPAddress = fmt.Sprintf("127.0.0.1:%d", port+1)
		if err := started(server); err == nil || try == 20 {
			return server, err
		}
	}
}

func started(server *gortsplib.Server) error {
	if err := server.Start(); err != nil {
		return fmt.Errorf("rtsp sim: %w", err)
	}
	return nil
}

// even finds a free port; RTP wants an even one and the next for RTCP, which may be taken (RFC 3550, 11).
func even() (int, error) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, fmt.Errorf("rtsp sim: %w", err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).Port
	return port &^ 1, conn.Close()
}

// show opens the view's stream.
func (v *view) show(server *gortsplib.Server) error {
	v.medias = medias{picture: &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{v.coding()}}}
	all := []*description.Media{v.medias.picture}
	if v.tone != nil {
		v.medias.sound = &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{v.tone.format}}
		all = append(all, v.medias.sound)
	}
	if back := v.sim.opts.Back; back != "" {
		f := &format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}
		if back == media.PCMU {
			f.PayloadTyp, f.MULaw = 0, true
		}
		all = append(all, &description.Media{Type: description.MediaTypeAudio, IsBackChannel: true, Formats: []format.Format{f}})
	}
	stream := &gortsplib.ServerStream{Server: server, Desc: &description.Session{Medias: all}}
	if err := stream.Initialize(); err != nil {
		return fmt.Errorf("rtsp sim: %w", err)
	}
	v.stream = stream
	return nil
}

// coding is the format of the pictures.
func (v *view) coding() format.Format {
	vps, sps, pps := v.film.vps, v.film.sps, v.film.pps
	if v.sim.opts.Sets == OnlyStream {
		vps, sps, pps = nil, nil, nil
	}
	if v.film.hevc {
		return &format.H265{PayloadTyp: 96, VPS: vps, SPS: sps, PPS: pps}
	}
	return &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: sps, PPS: pps}
}

// down switches the camera off.
func (s *Sim) down() {
	s.mu.Lock()
	server := s.server
	s.server = nil
	var streams []*gortsplib.ServerStream
	for _, v := range s.views {
		if v.stream != nil {
			streams = append(streams, v.stream)
		}
		v.stream = nil
	}
	s.mu.Unlock()
	if server == nil {
		return
	}
	server.Close() // outside the lock, since it calls back, and first: it ends the sessions that read the streams
	for _, stream := range streams {
		stream.Close()
	}
}

// drop cuts every connection.
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
