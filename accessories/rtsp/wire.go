package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	maxAddress  = 2048
	ioTimeout   = 5 * time.Second // also the silence after which a stream counts as broken
	dialTimeout = 5 * time.Second
	maxDials    = 4 // connections of one line: the library follows every redirect
)

// target is a camera's address without name and password.
type target struct {
	scheme string // rtsp or rtsps
	host   string // host:port
	path   string // with the query, as the camera wants it
}

// parseAddress reads an address. Its errors do not repeat the address, which may hold a password.
func parseAddress(address string) (target, error) {
	because := func(reason, why string) (target, error) {
		return target{}, fmt.Errorf("rtsp: address: %s: %w", why, device.Because(reason, device.ErrRefused))
	}
	refuse := func(why string) (target, error) { return because("rtsp-address", why) }
	if len(address) > maxAddress {
		return refuse("too long")
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "rtsp" && u.Scheme != "rtsps") || u.Hostname() == "" {
		return refuse("must look like rtsp://host:port/path")
	}
	if u.User != nil {
		return because("address-login", "name and password do not belong in the address, it is logged; use their fields")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"rtsp": "554", "rtsps": "322"}[u.Scheme]
	}
	return target{u.Scheme, net.JoinHostPort(u.Hostname(), port), u.RequestURI()}, nil
}

// name is the host alone: a camera has its streams on one, perhaps at several ports.
func (t target) name() string {
	host, _, _ := net.SplitHostPort(t.host)
	return host
}

// url builds the library's URL. With credentials it is for the library only: it prints them.
func (t target) url(user, password string) (*base.URL, error) {
	u, err := base.ParseURL(t.scheme + "://" + t.host + t.path)
	if err != nil {
		return nil, errors.New("rtsp: address: not an RTSP URL")
	}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u, nil
}

// line is one RTSP connection.
type line struct {
	client         *gortsplib.Client
	host           string // host:port, the only one that it may connect to
	user, password string // empty: without a login
	stop           func() bool
	dialed         error // why the connection could not be made; set before the first answer
	dials          int
	peer           net.IP // of the connection
}

// dial prepares a line that closes when ctx ends. The connection is made by the first request.
func (c *Camera) dial(ctx context.Context, t target, login bool) (*line, error) {
	l := &line{host: t.host}
	if login {
		l.user = c.config.Fields[FieldUser]
		if c.config.Secret != nil {
			l.password = c.config.Secret(FieldPassword).Reveal()
		}
	}
	protocol, err := c.transport()
	if err != nil {
		return nil, err
	}
	l.client = &gortsplib.Client{
		Scheme: t.scheme, Host: t.host, Protocol: &protocol,
		ReadTimeout: ioTimeout, WriteTimeout: ioTimeout,
		UserAgent:         "Ingle",
		UDPReadBufferSize: udpBuffer,
		// A camera's certificate is its own; encryption still keeps listeners out.
		TLSConfig:         &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
		OnResponse:        withoutBasic,
		OnTransportSwitch: func(error) {},
		OnDecodeError:     func(error) {},
		OnPacketsLost:     func(uint64) {},
		ListenPacket:      l.listen,
		ResolveIPAddr:     func(string, string) (*net.IPAddr, error) { return &net.IPAddr{IP: l.peer}, nil },
		DialContext: func(dialing context.Context, network, address string) (net.Conn, error) {
			conn, err := l.connect(dialing, c.config.Net, network, address)
			l.dialed = err
			return conn, err
		},
	}
	if err := l.client.Start(); err != nil {
		return nil, fmt.Errorf("rtsp: start: %w", err)
	}
	l.stop = context.AfterFunc(ctx, l.client.Close)
	return l, nil
}

// transport is how RTP travels.
func (c *Camera) transport() (gortsplib.Protocol, error) {
	switch c.config.Fields[FieldTransport] {
	case "", "tcp":
		return gortsplib.ProtocolTCP, nil
	case "udp":
		return gortsplib.ProtocolUDP, nil
	}
	return 0, fmt.Errorf("rtsp: the transport is tcp or udp: %w", device.ErrRefused)
}

// connect dials the camera and no other host: a redirect must not take the password elsewhere.
func (l *line) connect(ctx context.Context, way device.Net, network, address string) (net.Conn, error) {
	if address != l.host {
		return nil, fmt.Errorf("the camera sends us to another host: %w", device.ErrRefused)
	}
	if l.dials++; l.dials > maxDials {
		return nil, errors.New("the camera sends us in circles")
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := way.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if at, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		l.peer = at.IP
	}
	return conn, nil
}

func (l *line) close() {
	l.stop()
	l.client.Close()
}

// withoutBasic hides offers of Basic from the library, which would send the password in the clear.
func withoutBasic(res *base.Response) {
	var keep base.HeaderValue
	for _, offer := range res.Header["WWW-Authenticate"] {
		if len(offer) >= 6 && strings.EqualFold(offer[:6], "digest") {
			keep = append(keep, offer)
		}
	}
	if res.StatusCode == base.StatusUnauthorized {
		res.Header["WWW-Authenticate"] = keep
	}
}

// explain sorts an error into the seam's three kinds, and takes care that no password is in it.
func (l *line) explain(ctx context.Context, err error) error {
	var status liberrors.ErrClientBadStatusCode
	var noAuth liberrors.ErrClientAuthSetup
	var noUDP liberrors.ErrClientUDPTimeout
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", device.ErrUnreachable, ctx.Err())
	case errors.Is(err, device.ErrUnsupported), errors.Is(err, device.ErrRefused):
		return err
	case l.dialed != nil:
		if errors.Is(l.dialed, device.ErrRefused) {
			return l.dialed
		}
		return fmt.Errorf("%w: %w", device.ErrUnreachable, l.dialed)
	case errors.As(err, &noAuth):
		return fmt.Errorf("the camera wants the password in the clear: %w", device.ErrRefused)
	case errors.As(err, &status):
		return statusError(status.Code)
	case errors.As(err, &noUDP):
		return fmt.Errorf("nothing comes over UDP, a firewall may be in the way; the other transport is tcp: %w", device.ErrUnreachable)
	}
	text := err.Error()
	if l.password != "" {
		in := strings.TrimPrefix(url.UserPassword("", l.password).String(), ":") // as a URL spells it
		text = strings.NewReplacer(in, "[secret]", l.password, "[secret]", url.QueryEscape(l.password), "[secret]").Replace(text)
	}
	return fmt.Errorf("%w: %s", device.ErrUnreachable, text)
}

func statusError(code base.StatusCode) error {
	switch code {
	case base.StatusUnauthorized, base.StatusForbidden:
		return fmt.Errorf("name or password are wrong (status %d): %w", code, device.Because("login", device.ErrRefused))
	case base.StatusUnsupportedTransport:
		return fmt.Errorf("the camera does not take this transport; try the other, tcp or udp (status %d): %w", code, device.ErrRefused)
	case base.StatusNotFound:
		return fmt.Errorf("the camera has no stream of this name (status %d): %w", code, device.Because("path", device.ErrRefused))
	}
	return fmt.Errorf("status %d: %w", code, device.ErrUnreachable)
}
