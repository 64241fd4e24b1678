// Package client talks to a hub: the app and the commands use it. It dials the one hub that it was
// given and nothing else. Refusals are *wire.Problem; so is a hub that does not answer, so that a
// caller needs to know one kind of error only.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	dialTime  = 5 * time.Second
	askTime   = 20 * time.Second // a bell counts only after an echo; Argon2id takes its time on a small board
	maxAnswer = 8 << 20
)

// DefaultDir is where a hub keeps its files unless it is told otherwise.
func DefaultDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ingle")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "ingle"
	}
	return filepath.Join(home, ".local", "share", "ingle")
}

// Socket is the path of the socket of the hub that keeps its files in dir.
func Socket(dir string) string { return filepath.Join(dir, "hub.sock") }

// DefaultSocket is the socket of the hub in DefaultDir.
func DefaultSocket() string { return Socket(DefaultDir()) }

// Client is the line to one hub. It is safe for concurrent use.
type Client struct{ line atomic.Pointer[line] }

// line is one way to a hub.
type line struct {
	root string
	http *http.Client
}

// Dial gives a client of the hub behind a socket on this machine. It does not connect yet. Where the
// disk may only be read, and so holds no socket of a hub that runs, it finds the hub all the same.
func Dial(socket string) *Client {
	var d net.Dialer
	return over("http://hub", func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTime)
		defer cancel()
		c, err := d.DialContext(ctx, "unix", socket)
		if err == nil {
			return c, nil
		}
		if c, other := dialWithoutFile(ctx, socket); other == nil {
			return c, nil
		}
		return nil, err
	})
}

// over makes a client whose every connection comes from dial, whatever address is asked for.
func over(root string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *Client {
	c := &Client{}
	c.line.Store(&line{root: root + "/api/v1", http: &http.Client{
		Transport:     &http.Transport{DialContext: dial, DialTLSContext: dial, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	return c
}

// Become makes the client one of the hub that another client was dialled for. What is under way goes on
// where it was begun.
func (c *Client) Become(other *Client) {
	c.line.Swap(other.line.Load()).http.CloseIdleConnections()
}

func (c *Client) root() string { return c.line.Load().root }

// Close lets go of idle connections.
func (c *Client) Close() { c.line.Load().http.CloseIdleConnections() }

// Status asks for the hub's state; it works in every state.
func (c *Client) Status(ctx context.Context) (wire.Status, error) {
	return ask[wire.Status](ctx, c, "GET", "/status", nil)
}

// Setup claims an unclaimed hub, which starts by itself from then on.
func (c *Client) Setup(ctx context.Context, password string) (wire.SetupAnswer, error) {
	return c.Claim(ctx, wire.SetupRequest{Password: password})
}

// Claim is Setup with all its choices.
func (c *Client) Claim(ctx context.Context, r wire.SetupRequest) (wire.SetupAnswer, error) {
	return ask[wire.SetupAnswer](ctx, c, "POST", "/setup", r)
}

// Unlock opens a locked hub with the password or the recovery code.
func (c *Client) Unlock(ctx context.Context, password string) error {
	return c.tell(ctx, "POST", "/unlock", wire.UnlockRequest{Password: password})
}

// Accessories lists the things in the home.
func (c *Client) Accessories(ctx context.Context) ([]wire.Accessory, error) {
	return ask[[]wire.Accessory](ctx, c, "GET", "/accessories", nil)
}

// Add brings a thing into the home.
func (c *Client) Add(ctx context.Context, r wire.AddRequest) (wire.Accessory, error) {
	return ask[wire.Accessory](ctx, c, "POST", "/accessories", r)
}

// Remove takes the accessory out of the home.
func (c *Client) Remove(ctx context.Context, id string) error {
	return c.tell(ctx, "DELETE", "/accessories/"+url.PathEscape(id), nil)
}

// Change gives a thing another name, room, address or login, or tries it again.
func (c *Client) Change(ctx context.Context, id string, r wire.ChangeRequest) (wire.Accessory, error) {
	return ask[wire.Accessory](ctx, c, "POST", "/accessories/"+url.PathEscape(id), r)
}

// Do has the accessory obey; it returns when it has.
func (c *Client) Do(ctx context.Context, id string, d wire.Do) error {
	return c.tell(ctx, "POST", "/accessories/"+url.PathEscape(id)+"/do", d)
}

// Place says which HomeKit server shows an accessory.
func (c *Client) Place(ctx context.Context, id string, p wire.Placement) (wire.Accessory, error) {
	return ask[wire.Accessory](ctx, c, "POST", "/accessories/"+url.PathEscape(id)+"/homekit", p)
}

// People lists the household.
func (c *Client) People(ctx context.Context) ([]wire.Person, error) {
	return ask[[]wire.Person](ctx, c, "GET", "/people", nil)
}

// AddPerson adds a person; the answer has the ID.
func (c *Client) AddPerson(ctx context.Context, p wire.Person) (wire.Person, error) {
	return ask[wire.Person](ctx, c, "POST", "/people", p)
}

// Zones lists the places that matter.
func (c *Client) Zones(ctx context.Context) ([]wire.Zone, error) {
	return ask[[]wire.Zone](ctx, c, "GET", "/zones", nil)
}

// AddZone adds a place; the answer has the ID.
func (c *Client) AddZone(ctx context.Context, z wire.Zone) (wire.Zone, error) {
	return ask[wire.Zone](ctx, c, "POST", "/zones", z)
}

// HomeKit lists the HomeKit servers, with their setup codes.
func (c *Client) HomeKit(ctx context.Context) ([]wire.HomeKit, error) {
	return ask[[]wire.HomeKit](ctx, c, "GET", "/homekit", nil)
}

// NewCode draws a setup code for a HomeKit server; the old one pairs nobody any more.
func (c *Client) NewCode(ctx context.Context, id string) (wire.HomeKit, error) {
	return ask[wire.HomeKit](ctx, c, "POST", "/homekit/"+url.PathEscape(id)+"/code", nil)
}

// Unpair forgets all controllers of a HomeKit server.
func (c *Client) Unpair(ctx context.Context, id string) error {
	return c.tell(ctx, "DELETE", "/homekit/"+url.PathEscape(id)+"/pairings", nil)
}

// Arm has a private HomeKit server answer for a while, in whole seconds.
func (c *Client) Arm(ctx context.Context, id string, d time.Duration) (wire.HomeKit, error) {
	return ask[wire.HomeKit](ctx, c, "POST", "/homekit/"+url.PathEscape(id)+"/arm", wire.ArmRequest{Seconds: int(d / time.Second)})
}

// Disarm has a private HomeKit server fall silent.
func (c *Client) Disarm(ctx context.Context, id string) error {
	return c.tell(ctx, "POST", "/homekit/"+url.PathEscape(id)+"/disarm", nil)
}

// Troubles lists what is wrong, the most severe first.
func (c *Client) Troubles(ctx context.Context) ([]wire.Trouble, error) {
	return ask[[]wire.Trouble](ctx, c, "GET", "/troubles", nil)
}

func (c *Client) tell(ctx context.Context, method, path string, body any) error {
	_, err := ask[none](ctx, c, method, path, body)
	return err
}

type none struct{}

func ask[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var out T
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	raw, err := c.send(ctx, method, path, body)
	if err != nil || len(raw) == 0 {
		return out, err
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, fmt.Errorf("client: %s: %w", path, err)
	}
	return out, nil
}

func (c *Client) send(ctx context.Context, method, path string, body any) ([]byte, error) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("client: %s: %w", path, err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.root()+path, in)
	if err != nil {
		return nil, fmt.Errorf("client: %s: %w", path, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if method != http.MethodGet {
		req.Header.Set("Idempotency-Key", rand.Text()) // so that it may be sent again where an idle line broke
	}
	resp, err := c.open(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, unanswered(err)
	}
	if len(raw) > maxAnswer {
		return nil, fmt.Errorf("client: %s: the answer is over %d bytes", path, maxAnswer)
	}
	return raw, nil
}

// open sends a request and turns refusals into problems.
func (c *Client) open(req *http.Request) (*http.Response, error) {
	resp, err := c.line.Load().http.Do(req)
	if err != nil {
		return nil, unanswered(err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	p := &wire.Problem{}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if json.Unmarshal(raw, p) != nil || p.Code == "" {
		p = wire.Refuse(resp.StatusCode, wire.CodeInternal)
	}
	p.Status = resp.StatusCode
	return nil, p
}

// unanswered makes a problem of a line that failed: nobody listens, or the answer did not come.
func unanswered(err error) error {
	var op *net.OpError
	status, code := 0, wire.CodeInterrupted
	switch {
	case errors.Is(err, errImpostor):
		code = wire.CodeImpostor
	case errors.As(err, &op) && op.Op == "dial":
		code = wire.CodeNotRunning
	case op != nil && op.Op == "remote error": // an alert: in TLS 1.3 a refused key is told late
		status, code = http.StatusUnauthorized, wire.CodeStranger
	}
	return fmt.Errorf("%w: %w", wire.Refuse(status, code), err)
}
