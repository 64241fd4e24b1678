package rtsp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
)

// ErrH265 says that a view is coded in H.265 only, which is not passed on. It is a
// device.ErrUnsupported; the camera's H.264 view, where it has one, can be watched instead.
var ErrH265 = fmt.Errorf("this view is H.265; choose the camera's H.264 view, or switch the camera to H.264: %w",
	device.Because("h265", device.ErrUnsupported))

// Stream is one view of a camera and where it is to be had. What View leaves out is learned from the
// camera.
type Stream struct {
	View media.View // ID at least
	URL  string     // rtsp://host[:port]/path or rtsps://…, without name and password
}

// Camera pulls the streams of one camera, for this driver's own sessions and for other drivers that
// learned the URLs in another way. It holds no connection: each Watch and each Talk has its own, so
// that a camera in privacy mode is left alone. It is safe for concurrent use.
type Camera struct {
	config  device.Config
	streams []stream // the largest first
	talk    *target  // where the loudspeaker is; nil = there is none
	model   string
	seen    atomic.Int64  // Unix nanoseconds of the last picture
	ended   chan struct{} // a Watch broke off
	life    context.Context
	end     context.CancelFunc // ends life, and with it every Watch
}

type stream struct {
	view   media.View
	target target
}

// Open logs in, once, and reads the description of each stream, within 15 s. Of the Config it takes
// Net, Log, Now, FieldUser, FieldPassword and FieldTransport. A stream that the camera does not
// know is left out; Open fails when none remains. A wrong password is device.ErrRefused after one try.
func Open(ctx context.Context, c device.Config, streams ...Stream) (*Camera, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	cam := &Camera{config: c, ended: make(chan struct{}, 1)}
	for _, s := range streams {
		t, err := parseAddress(s.URL)
		if err != nil {
			return nil, err
		}
		cam.streams = append(cam.streams, stream{s.View, t})
	}
	if err := cam.learn(ctx); err != nil {
		return nil, err
	}
	slices.SortStableFunc(cam.streams, func(a, b stream) int {
		return b.view.Width*b.view.Height - a.view.Width*a.view.Height
	})
	cam.life, cam.end = context.WithCancel(context.Background()) // outlives Open; Close ends it
	return cam, nil
}

// learn asks for every stream's description, over one connection to each host and port.
func (c *Camera) learn(ctx context.Context) error {
	lines := map[string]*line{}
	defer func() {
		for _, l := range lines {
			l.close()
		}
	}()
	var known []stream
	var first *line
	failed := fmt.Errorf("rtsp: open: no stream: %w", device.ErrUnsupported)
	for _, s := range c.streams {
		where := s.target.scheme + s.target.host
		l := lines[where]
		if l == nil {
			var err error
			if l, err = c.dial(ctx, s.target, true); err != nil {
				return err
			}
			lines[where] = l
		}
		o, err := l.describe(s.target)
		if err != nil {
			failed = fmt.Errorf("rtsp: open: %w", l.explain(ctx, err))
			if !foreign(err) {
				return failed
			}
			c.log().Warn("rtsp: a view is left out", "view", s.view.ID, "err", failed)
			continue
		}
		if first == nil {
			first, c.model = l, o.model
			c.talk = &s.target
		}
		known = append(known, stream{o.complete(s.view), s.target})
	}
	if c.streams = known; len(known) == 0 {
		return failed
	}
	if !first.speaks(*c.talk) {
		c.talk = nil
	}
	return nil
}

// foreign says whether an error concerns one stream alone: the next may do well.
func foreign(err error) bool {
	var status liberrors.ErrClientBadStatusCode
	if errors.As(err, &status) {
		return status.Code != base.StatusUnauthorized && status.Code != base.StatusForbidden
	}
	return errors.Is(err, device.ErrUnsupported)
}

// Views lists the streams that the camera described, the largest first. Size and rate are 0 where
// the description does not tell them.
func (c *Camera) Views() []media.View {
	views := make([]media.View, len(c.streams))
	for i, s := range c.streams {
		views[i] = s.view
	}
	return views
}

// Model is what the camera calls its RTSP server; it may be empty.
func (c *Camera) Model() string { return c.model }

// Speaks says whether the camera has a back channel (ONVIF Streaming Specification, 5.3) that takes
// G.711.
func (c *Camera) Speaks() bool { return c.talk != nil }

// Close ends every Watch and Talk; they say that the session is over.
func (c *Camera) Close() { c.end() }

// Present asks for the camera's options without a login: any answer proves that it is there.
func (c *Camera) Present(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	t := c.streams[0].target
	l, err := c.dial(ctx, t, false)
	if err != nil {
		return err
	}
	defer l.close()
	u, err := t.url("", "")
	if err != nil {
		return err
	}
	_, err = l.client.Options(u)
	var status liberrors.ErrClientBadStatusCode
	if err == nil || errors.As(err, &status) {
		return nil
	}
	return fmt.Errorf("rtsp: options: %w", l.explain(ctx, err))
}

// Anonymous says whether the camera describes its stream to strangers. A camera that does not answer
// leaves it unknown.
func (c *Camera) Anonymous(ctx context.Context) device.Answer {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	l, err := c.dial(ctx, c.streams[0].target, false)
	if err != nil {
		return device.Unknown
	}
	defer l.close()
	_, err = l.describe(c.streams[0].target)
	var status liberrors.ErrClientBadStatusCode
	switch {
	case err == nil || errors.Is(err, device.ErrUnsupported):
		return device.Yes
	case errors.As(err, &status) && status.Code == base.StatusUnauthorized:
		return device.No
	}
	return device.Unknown
}

// Encrypted says whether every stream runs inside TLS.
func (c *Camera) Encrypted() bool {
	return !slices.ContainsFunc(c.streams, func(s stream) bool { return s.target.scheme != "rtsps" })
}

func (c *Camera) log() *slog.Logger {
	if c.config.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.config.Log
}

func (c *Camera) now() time.Time {
	if c.config.Now == nil {
		return time.Now()
	}
	return c.config.Now()
}

// OnHost gives a camera's URL the host by which the camera was reached, without a port, since cameras often
// name another. The URL's own port stays; a name and password in it go.
func OnHost(address, host string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return "", fmt.Errorf("rtsp: address: not a URL: %w", device.ErrRefused)
	}
	u.User = nil
	if port := u.Port(); port != "" {
		u.Host = net.JoinHostPort(host, port)
	} else if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		u.Host = "[" + host + "]"
	} else {
		u.Host = host
	}
	return u.String(), nil
}
