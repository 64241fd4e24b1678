// Package rtsp drives cameras that stream H.264 over RTSP (RFC 2326, RFC 6184), with the user's own
// name and password by digest (RFC 2617 with MD5, RFC 7616 with SHA-256).
//
// RTP travels inside the RTSP connection (TCP). The password is never sent as Basic, and never to
// another host than the one that the household named. RTSP carries pictures only: no motion, no
// settings; what a camera keeps on its card cannot be seen from here, and Holds says so.
package rtsp

import (
	"context"
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

// The driver's ID and the keys of its fields.
const (
	ID            = "rtsp"
	FieldUser     = "user"
	FieldPassword = "password"
)

const openTimeout = 15 * time.Second

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
		},
	}
}

// Discover is not part of RTSP; ONVIF finds cameras.
func (*Driver) Discover(context.Context, func(device.Candidate)) error {
	return fmt.Errorf("rtsp: discovery: %w", device.ErrUnsupported)
}

// Open logs in and reads the description of the stream, within 15 s. It sends the password once.
func (*Driver) Open(ctx context.Context, c device.Config) (device.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	t, err := parseAddress(c.Address)
	if err != nil {
		return nil, err
	}
	s := &session{config: c, target: t, ended: make(chan struct{}, 1)}
	s.life, s.end = context.WithCancel(context.Background()) // outlives Open; Run ends it
	l, err := s.dial(ctx, true)
	if err != nil {
		return nil, err
	}
	defer l.close()
	found, err := l.describe()
	if err != nil {
		return nil, fmt.Errorf("rtsp: open: %w", l.explain(ctx, err))
	}
	s.offer = device.Offer{
		Model:  modelOf(found.response),
		Traits: []device.Offered{{Trait: trait.Live.Any()}},
	}
	return s, nil
}

// modelOf takes the Server header for the model: it is all that RTSP says about the camera.
func modelOf(res *base.Response) string {
	v := res.Header["Server"]
	if len(v) != 1 {
		return ""
	}
	return printable(v[0], 64)
}

// printable bounds a text from outside and drops what is not plain ASCII.
func printable(s string, limit int) string {
	out := make([]byte, 0, min(len(s), limit))
	for i := 0; i < len(s) && len(out) < limit; i++ {
		if s[i] >= ' ' && s[i] < 0x7f {
			out = append(out, s[i])
		}
	}
	return string(out)
}
