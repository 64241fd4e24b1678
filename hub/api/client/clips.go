package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Clips lists the recordings of a camera, or all for "", the newest first.
func (c *Client) Clips(ctx context.Context, camera string) ([]wire.Clip, error) {
	return ask[[]wire.Clip](ctx, c, "GET", "/clips?"+url.Values{"camera": {camera}}.Encode(), nil)
}

// Clip tells about one recording.
func (c *Client) Clip(ctx context.Context, id string) (wire.Clip, error) {
	return ask[wire.Clip](ctx, c, "GET", clipPath(id)+"/about", nil)
}

func clipPath(id string) string { return "/clips/" + url.PathEscape(id) }

// ClipStill is the picture that stands for a recording, as JPEG.
func (c *Client) ClipStill(ctx context.Context, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return c.send(ctx, "GET", clipPath(id)+"/still", nil)
}

// ClipFrames calls put with a recording's pictures from a time on, as fast as they were taken, until its
// end (nil), ctx ends (nil) or put fails.
func (c *Client) ClipFrames(ctx context.Context, id string, from time.Duration, l wire.Look, put func(frames.Frame) error) error {
	q := looking(l)
	q.Set("from", strconv.FormatInt(from.Milliseconds(), 10))
	return c.moving(ctx, clipPath(id)+"/frames?"+q.Encode(), put)
}

// KeepClip has a recording stay until somebody deletes it, or not any more.
func (c *Client) KeepClip(ctx context.Context, id string, kept bool) (wire.Clip, error) {
	return ask[wire.Clip](ctx, c, "POST", clipPath(id)+"/keep", wire.KeepRequest{Kept: kept})
}

// DeleteClip deletes a recording.
func (c *Client) DeleteClip(ctx context.Context, id string) error {
	return c.tell(ctx, "DELETE", clipPath(id), nil)
}

// ExportClip writes a recording into a plain file on the hub's machine. It takes as long as it takes: ctx
// bounds it, and ends it.
func (c *Client) ExportClip(ctx context.Context, id string, r wire.ClipExportRequest) (wire.ClipExport, error) {
	var made wire.ClipExport
	raw, err := c.send(ctx, "POST", clipPath(id)+"/export", r)
	if err != nil {
		return made, err
	}
	if err := json.Unmarshal(raw, &made); err != nil {
		return made, fmt.Errorf("client: export a clip: %w", err)
	}
	return made, nil
}

// ClipRule tells what is recorded of a camera.
func (c *Client) ClipRule(ctx context.Context, camera string) (wire.ClipRule, error) {
	return ask[wire.ClipRule](ctx, c, "GET", "/accessories/"+url.PathEscape(camera)+"/clips", nil)
}

// SetClipRule says what is recorded of a camera.
func (c *Client) SetClipRule(ctx context.Context, camera string, r wire.ClipRule) (wire.ClipRule, error) {
	return ask[wire.ClipRule](ctx, c, "POST", "/accessories/"+url.PathEscape(camera)+"/clips", r)
}

// Record makes a clip of what a camera sees now.
func (c *Client) Record(ctx context.Context, camera string) error {
	return c.tell(ctx, "POST", "/accessories/"+url.PathEscape(camera)+"/record", nil)
}
