// Package buttplug drives toys through a Buttplug server such as Intiface, over WebSocket.
//
// It speaks version 4 of the protocol and falls back to version 3 (the Buttplug specification,
// buttplugio/buttplug, crates/buttplug_core/schema). One session is one WebSocket and one toy; all
// motors of the toy follow one speed.
//
// What keeps a toy from running on: the first thing that is written after every connect is a stop, a
// line that does not answer is dropped, and the end of Run stops the toy. Nothing here ever repeats
// a speed that was asked for on an earlier line.
package buttplug

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/internal/speakfirst"
)

const (
	dialTime  = 5 * time.Second
	helloTime = 5 * time.Second  // a server that has not said who it is by then is asked in version 3
	findTime  = 12 * time.Second // for the toy to appear
	scanPause = time.Second      // between two scans
)

// fieldDevice names the toy, where a server has several.
const fieldDevice = "device"

// Driver opens toys. It remembers for each server which version it speaks.
type Driver struct {
	mu       sync.Mutex
	versions map[string]int
}

// New makes the driver.
func New() *Driver { return &Driver{versions: map[string]int{}} }

// About says what setup has to ask: nothing but, with several toys on one server, which one.
func (d *Driver) About() device.About {
	return device.About{
		ID:     "buttplug",
		Kinds:  []device.Kind{device.Toy},
		Fields: []device.Field{{Key: fieldDevice, Optional: true}},
	}
}

// Discover is ErrUnsupported: the protocol has no discovery.
func (d *Driver) Discover(context.Context, device.Net, func(device.Candidate)) error {
	return fmt.Errorf("buttplug: %w: servers do not announce themselves", device.ErrUnsupported)
}

// Open connects to the server at c.Address (ws://host:port), waits for the toy to appear and stops
// it.
func (d *Driver) Open(ctx context.Context, c device.Config) (device.Session, error) {
	to, err := url.Parse(c.Address)
	if err != nil || to.Host == "" || to.Scheme != "ws" && to.Scheme != "wss" {
		return nil, fmt.Errorf("buttplug: %w: the address must look like ws://host:12345", device.ErrUnsupported)
	}
	l, err := d.connect(ctx, c, to)
	if err != nil {
		return nil, err
	}
	t, err := findToy(ctx, l, c.Fields[fieldDevice])
	if err != nil {
		l.close()
		return nil, err
	}
	s := newSession(l, t, c, to.Scheme == "wss")
	if err := s.halt(ctx); err != nil {
		l.close()
		return nil, err
	}
	return s, nil
}

// connect shakes hands in the version that the server speaks. A server fixes the version by the
// first message, so the second attempt needs a line of its own.
func (d *Driver) connect(ctx context.Context, c device.Config, to *url.URL) (*line, error) {
	d.mu.Lock()
	known := d.versions[to.Host]
	d.mu.Unlock()
	if known != 3 {
		l, err := hello(ctx, c, to, 4)
		if err == nil || !errors.Is(err, errVersion) {
			return l, err
		}
	}
	l, err := hello(ctx, c, to, 3)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		delete(d.versions, to.Host) // it may have been replaced by a newer one
		return nil, err
	}
	d.versions[to.Host] = 3
	return l, nil
}

// errVersion says that the server is there and did not accept the version. It comes wrapped with
// the kind of failure that it is if the other version fails too.
var errVersion = errors.New("version not accepted")

func hello(ctx context.Context, c device.Config, to *url.URL, version int) (*line, error) {
	l, err := dial(ctx, c, to, version)
	if err != nil {
		return nil, err
	}
	info, err := introduce(ctx, l)
	if err != nil {
		l.close()
		return nil, fmt.Errorf("buttplug: handshake in version %d: %w", version, err)
	}
	l.keepAlive(time.Duration(info.MaxPingTime) * time.Millisecond)
	return l, nil
}

func introduce(ctx context.Context, l *line) (serverInfo, error) {
	var greeting request = &hello3{ClientName: "Ingle", MessageVersion: 3}
	if l.version >= 4 {
		greeting = &hello4{ClientName: "Ingle", ProtocolVersionMajor: 4}
	}
	wait, cancel := context.WithTimeout(ctx, helloTime)
	defer cancel()
	m, err := l.ask(wait, greeting)
	switch {
	case ctx.Err() != nil:
		return serverInfo{}, fmt.Errorf("%w: %w", device.ErrUnreachable, ctx.Err())
	case errors.Is(err, device.ErrUnsupported): // not this protocol at all
		return serverInfo{}, err
	case errors.As(err, new(*errorReply)):
		return serverInfo{}, fmt.Errorf("%w: %w: %w", device.ErrUnsupported, errVersion, err)
	case err != nil:
		return serverInfo{}, fmt.Errorf("%w: %w", errVersion, err)
	}
	info, err := as[serverInfo](m)
	if m.name != "ServerInfo" || err != nil || info.version() != l.version {
		return serverInfo{}, fmt.Errorf("%w: %w", device.ErrUnsupported, errVersion)
	}
	return info, nil
}

// dial opens the WebSocket over one connection of the hub's own network: no proxy, no redirect.
func dial(ctx context.Context, c device.Config, to *url.URL, version int) (*line, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	raw, err := c.Net.Dial(ctx, "tcp", hostPort(to))
	switch {
	case errors.Is(err, device.ErrRefused):
		return nil, fmt.Errorf("buttplug: %w", err)
	case err != nil:
		return nil, fmt.Errorf("buttplug: %w: %w", device.ErrUnreachable, err)
	}
	first := speakfirst.Conn(raw)
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return first, nil },
	}
	defer transport.CloseIdleConnections()
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conn, answer, err := websocket.Dial(ctx, to.String(), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport, CheckRedirect: stay},
	})
	if err != nil {
		_ = raw.Close()
		return nil, upgradeError(answer, err)
	}
	return newLine(conn, raw, version), nil
}

func hostPort(to *url.URL) string {
	port := to.Port()
	switch {
	case port != "":
	case to.Scheme == "wss":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(to.Hostname(), port)
}

// upgradeError tells a server that is in trouble from one that is something else.
func upgradeError(answer *http.Response, err error) error {
	if answer != nil && answer.StatusCode < 500 || strings.Contains(err.Error(), "malformed HTTP") {
		return fmt.Errorf("buttplug: %w: no Buttplug server answers there: %w", device.ErrUnsupported, err)
	}
	return fmt.Errorf("buttplug: %w: %w", device.ErrUnreachable, err)
}

// findToy waits until the server has the toy. Servers say that a scan is finished before they say
// what it found, so the end of a scan means only that another one may start.
func findToy(ctx context.Context, l *line, wanted string) (toy, error) {
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	if _, err := l.ask(ctx, &requestDeviceList{}); err != nil {
		return toy{}, fmt.Errorf("buttplug: device list: %w", err)
	}
	scanning := false
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		if l.roster.rest() {
			scanning = false
			again.Reset(scanPause)
		}
		t, found, err := choose(l.roster.moving(), wanted)
		if found || err != nil {
			if scanning {
				_, _ = l.ask(ctx, &stopScanning{}) // a courtesy: it would end by itself
			}
			return t, err
		}
		select {
		case <-again.C:
			if _, err := l.ask(ctx, &startScanning{}); err != nil {
				return toy{}, fmt.Errorf("buttplug: scan: %w", err)
			}
			scanning = true
		case <-l.roster.news:
		case <-l.done:
			return toy{}, l.reason()
		case <-ctx.Done():
			return toy{}, fmt.Errorf("buttplug: %w: the server has no such toy", device.ErrUnreachable)
		}
	}
}

// choose picks the toy. Without a wish it takes the only one: which of two is meant is nothing to
// guess where motors are concerned.
func choose(toys []toy, wanted string) (toy, bool, error) {
	if wanted == "" && len(toys) > 1 {
		return toy{}, false, fmt.Errorf("buttplug: %w: the server has %d toys: say which one by name or index", device.ErrRefused, len(toys))
	}
	var meant []toy
	for _, t := range toys {
		if wanted == "" || t.is(wanted) {
			meant = append(meant, t)
		}
	}
	switch len(meant) {
	case 0:
		return toy{}, false, nil
	case 1:
		return meant[0], true, nil
	}
	return toy{}, false, fmt.Errorf("buttplug: %w: %d toys have this name: say which one by index", device.ErrRefused, len(meant))
}
