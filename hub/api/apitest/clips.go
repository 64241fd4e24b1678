package apitest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// clips are the recordings of the home: one of the porch, which is not a film that plays.
type clips struct {
	home *Home
	list []wire.Clip
	rule wire.ClipRule
}

// ClipFilm is what the film of the home's recording is made of.
const ClipFilm = "a film in fragments"

func newClips(h *Home) *clips {
	return &clips{home: h, list: []wire.Clip{{ID: "clip-1", Camera: Camera, Why: "motion", At: time.Now().UTC(), Millis: 14_000,
		Size: int64(len(ClipFilm)), Width: 1280, Height: 720, Still: true, State: "whole"}}}
}

// Clips are the home's recordings.
func (h *Home) Clips() server.Clips { return h.clips }

// MaySee lets guardians see the recordings, or those for whom the rule says they are.
func (c *clips) MaySee(_ string, app wire.App) bool {
	c.home.mu.Lock()
	defer c.home.mu.Unlock()
	if len(c.rule.People) > 0 {
		return slices.Contains(c.rule.People, app.Person)
	}
	return app.Role == wire.RoleGuardian
}

func (c *clips) List(_ context.Context, camera string) ([]wire.Clip, error) {
	c.home.mu.Lock()
	defer c.home.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.list), func(one wire.Clip) bool { return camera != "" && one.Camera != camera }), nil
}

func (c *clips) find(id string) (*wire.Clip, error) {
	for i := range c.list {
		if c.list[i].ID == id {
			return &c.list[i], nil
		}
	}
	return &wire.Clip{}, wire.Refuse(http.StatusNotFound, "clips.unknown", "id", id)
}

func (c *clips) Show(_ context.Context, id string) (wire.Clip, error) {
	c.home.mu.Lock()
	defer c.home.mu.Unlock()
	one, err := c.find(id)
	return *one, err
}

type openFilm struct{ *bytes.Reader }

func (openFilm) Close() error { return nil }

func (c *clips) Film(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	_, err := c.Show(ctx, id)
	return openFilm{bytes.NewReader([]byte(ClipFilm))}, err
}

func (c *clips) Still(ctx context.Context, id string) ([]byte, error) {
	one, err := c.Show(ctx, id)
	if err != nil {
		return nil, err
	}
	still, err := c.home.Still(ctx, one.Camera, 320, 180)
	return still.JPEG, err
}

// Frames plays the clip with pictures of what its camera sees now.
func (c *clips) Frames(ctx context.Context, id string, from time.Duration, l wire.Look, put func(frames.Frame) error) error {
	one, err := c.Show(ctx, id)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second / time.Duration(l.Rate))
	defer tick.Stop()
	for at := from; at < one.Lasts(); at += time.Second / time.Duration(l.Rate) {
		still, err := c.home.Still(ctx, one.Camera, l.Width, l.Height)
		if err == nil {
			err = put(frames.Frame{JPEG: still.JPEG, Into: at})
		}
		if err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (c *clips) Keep(_ context.Context, id string, kept bool) (wire.Clip, error) {
	c.home.mu.Lock()
	defer c.home.mu.Unlock()
	one, err := c.find(id)
	one.Kept = kept
	return *one, err
}

func (c *clips) Delete(_ context.Context, id string) error {
	c.home.mu.Lock()
	defer c.home.mu.Unlock()
	_, err := c.find(id)
	c.list = slices.DeleteFunc(c.list, func(one wire.Clip) bool { return one.ID == id })
	return err
}

func (c *clips) Export(_ context.Context, id string, r wire.ClipExportRequest) (wire.ClipExport, error) {
	c.home.mu.Lock()
	defer c.home.mu.Unlock()
	if _, err := c.find(id); err != nil {
		return wire.ClipExport{}, err
	}
	if err := c.home.proven(r.Password); err != nil {
		return wire.ClipExport{}, err
	}
	return wire.ClipExport{Path: r.Path, Size: int64(len(ClipFilm))}, nil
}

func (c *clips) Rule(context.Context, string) (wire.ClipRule, error) {
	c.home.mu.Lock()
	defer c.home.mu.Unlock()
	return c.rule, nil
}

func (c *clips) SetRule(_ context.Context, _ string, r wire.ClipRule) (wire.ClipRule, error) {
	c.home.mu.Lock()
	defer c.home.mu.Unlock()
	c.rule = r
	return r, nil
}

func (c *clips) Record(_ context.Context, camera string) error {
	c.home.mu.Lock()
	defer c.home.mu.Unlock()
	if !c.rule.On {
		return wire.Refuse(http.StatusConflict, "clips.off", "name", camera)
	}
	c.list = append([]wire.Clip{{ID: c.home.id("clip"), Camera: camera, Why: "by-hand", At: time.Now().UTC(), State: "recording"}}, c.list...)
	return nil
}
