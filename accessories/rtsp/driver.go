// Package rtsp drives cameras that stream H.264 over RTSP (RFC 2326, RFC 6184), with the user's own
// name and password by digest (RFC 2617 with MD5, RFC 7616 with SHA-256). Sound comes as G.711, Opus
// (RFC 7587) or AAC-LC (RFC 3640); a loudspeaker is reached through ONVIF's back channel.
//
// A Camera pulls streams whose URLs are known. Driver makes sessions of it for cameras that a person
// names by URL; other drivers that find the URLs themselves use Open.
//
// RTP travels inside the RTSP connection (TCP), or over UDP where that is asked for. The password is
// never sent as Basic, and never to another host than the one that the household named. RTSP carries
// pictures and sound only: no motion, no settings; what a camera keeps on its card cannot be seen
// from here, and Holds says so.
package rtsp

import (
	"context"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/trait"
)

// The driver's ID and the keys of its fields.
const (
	ID             = "rtsp"
	FieldUser      = "user"
	FieldPassword  = "password"
	FieldSmall     = "small"     // URL of a second, smaller stream on the same host
	FieldTransport = "transport" // "tcp", the usual one, or "udp"
)

const (
	mainView    = "main"
	smallView   = "small"
	openTimeout = 15 * time.Second
)

// Driver opens RTSP cameras. It keeps nothing between sessions.
type Driver struct{}

// New makes the driver.
func New() *Driver { return &Driver{} }

// About says what setup must ask for. Address is a URL: rtsp://host[:port]/path or rtsps://….
func (*Driver) About() device.About {
	return device.About{
		ID:    ID,
		Kinds: []device.Kind{device.Camera},
		Fields: []device.Field{
			{Key: FieldUser, Optional: true},
			{Key: FieldPassword, Secret: true, Optional: true},
			{Key: FieldSmall, Optional: true},
			{Key: FieldTransport, Optional: true},
		},
	}
}

// Discover is not part of RTSP; ONVIF finds cameras.
func (*Driver) Discover(context.Context, device.Net, func(device.Candidate)) error {
	return fmt.Errorf("rtsp: discovery: %w", device.ErrUnsupported)
}

// Open logs in and reads the description of the stream, and of the small one where there is one,
// within 15 s. It sends the password once. ErrH265 where no view can be passed on.
func (*Driver) Open(ctx context.Context, c device.Config) (device.Session, error) {
	streams, err := streamsOf(c)
	if err != nil {
		return nil, err
	}
	cam, err := Open(ctx, c, streams...)
	if err != nil {
		return nil, err
	}
	views := cam.Views()
	if len(views) < len(streams) {
		return nil, fmt.Errorf("rtsp: open: the camera knows only the view %q, not the other address: %w", views[0].ID, device.ErrRefused)
	}
	if !watchable(views) {
		return nil, fmt.Errorf("rtsp: open: %w", ErrH265)
	}
	s := &session{camera: cam, offer: device.Offer{
		Model:  cam.Model(),
		Traits: []device.Offered{{Trait: trait.Live.Any()}},
	}}
	if cam.Speaks() {
		return &speaking{s}, nil
	}
	return s, nil
}

func watchable(views []media.View) bool {
	for _, v := range views {
		if v.Codec == media.H264 {
			return true
		}
	}
	return false
}

// streamsOf reads the addresses of one or two streams, which must be of one camera: its password must
// not go to another.
func streamsOf(c device.Config) ([]Stream, error) {
	streams := []Stream{{media.View{ID: mainView}, c.Address}}
	small := c.Fields[FieldSmall]
	if small == "" {
		return streams, nil
	}
	a, err := parseAddress(c.Address)
	if err != nil {
		return nil, err
	}
	b, err := parseAddress(small)
	if err != nil {
		return nil, err
	}
	if a.name() != b.name() {
		return nil, fmt.Errorf("rtsp: address: both streams must be on one host: %w", device.ErrRefused)
	}
	return append(streams, Stream{media.View{ID: smallView}, small}), nil
}
