package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Still is a camera's newest picture as JPEG, width by height pixels (0: any), and when it was taken.
func (c *Client) Still(ctx context.Context, id string, width, height int) (wire.Still, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	q := url.Values{"width": {strconv.Itoa(width)}, "height": {strconv.Itoa(height)}}
	req, err := http.NewRequestWithContext(ctx, "GET", c.root()+"/accessories/"+url.PathEscape(id)+"/still?"+q.Encode(), nil)
	if err != nil {
		return wire.Still{}, fmt.Errorf("client: still: %w", err)
	}
	resp, err := c.open(req)
	if err != nil {
		return wire.Still{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return wire.Still{}, unanswered(err)
	}
	at, err := http.ParseTime(resp.Header.Get("Last-Modified"))
	if err != nil || len(raw) > maxAnswer {
		return wire.Still{}, fmt.Errorf("client: still: no picture with its time in %d bytes", len(raw))
	}
	return wire.Still{JPEG: raw, At: at}, nil
}

// Frames calls put with what a camera sees, picture by picture, until ctx ends (nil), the hub has no more,
// or put fails.
func (c *Client) Frames(ctx context.Context, id string, l wire.Look, put func(frames.Frame) error) error {
	return c.moving(ctx, "/accessories/"+url.PathEscape(id)+"/frames?"+looking(l).Encode(), put)
}

func looking(l wire.Look) url.Values {
	return url.Values{"width": {strconv.Itoa(l.Width)}, "height": {strconv.Itoa(l.Height)}, "rate": {strconv.Itoa(l.Rate)}}
}

// moving reads pictures that follow one another. A hub that falls silent is let go.
func (c *Client) moving(ctx context.Context, path string, put func(frames.Frame) error) error {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	req, err := http.NewRequestWithContext(reading, "GET", c.root()+path, nil)
	if err != nil {
		return fmt.Errorf("client: frames: %w", err)
	}
	resp, err := c.open(req)
	if err == nil {
		defer resp.Body.Close()
		err = frames.Read(resp.Body, func(f frames.Frame) error {
			watchdog.Reset(silence)
			return put(f)
		})
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// SetCamera changes what the household decided about a camera.
func (c *Client) SetCamera(ctx context.Context, id string, r wire.CameraRequest) (wire.Accessory, error) {
	return ask[wire.Accessory](ctx, c, "POST", "/accessories/"+url.PathEscape(id)+"/camera", r)
}

// Secure gives a thing passwords of its own. It takes as long as it takes: ctx bounds it.
func (c *Client) Secure(ctx context.Context, id string) error {
	_, err := c.send(ctx, "POST", "/accessories/"+url.PathEscape(id)+"/secure", nil)
	return err
}

// Find looks for things on the hub's network for that long.
func (c *Client) Find(ctx context.Context, d time.Duration) ([]wire.Found, error) {
	var list []wire.Found
	raw, err := c.send(ctx, "GET", "/find?seconds="+strconv.Itoa(int(d/time.Second)), nil)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("client: find: %w", err)
	}
	return list, nil
}

// Labels gives the labels of the hub and of all things.
func (c *Client) Labels(ctx context.Context) ([]wire.Label, error) {
	return ask[[]wire.Label](ctx, c, "GET", "/labels", nil)
}

// Label gives the label of one thing, by ID or name; wire.HubLabel is the hub itself.
func (c *Client) Label(ctx context.Context, id string) (wire.Label, error) {
	return ask[wire.Label](ctx, c, "GET", "/accessories/"+url.PathEscape(id)+"/label", nil)
}

// CheckLabel has the hub look at a thing's doors. It takes some twenty seconds: ctx bounds it.
func (c *Client) CheckLabel(ctx context.Context, id string, q wire.LabelCheck) (wire.Label, error) {
	var l wire.Label
	raw, err := c.send(ctx, "POST", "/accessories/"+url.PathEscape(id)+"/label/check", q)
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		return l, fmt.Errorf("client: label: %w", err)
	}
	return l, nil
}

// TestOffline begins or ends the test whether a thing works without the internet.
func (c *Client) TestOffline(ctx context.Context, id string, q wire.LabelOffline) (wire.Label, error) {
	return ask[wire.Label](ctx, c, "POST", "/accessories/"+url.PathEscape(id)+"/label/offline", q)
}
