// Package views holds the screens of cameras: all of them, and one with what it recorded.
package views

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
)

// Cameras shows every camera. A tile lives as long as its camera.
type Cameras struct {
	d       *frame.Desk
	page    *container.Scroll
	body    *fyne.Container
	grid    *fyne.Container
	empty   fyne.CanvasObject
	tiles   map[string]*tile
	cameras []model.Camera
}

type tile struct {
	*parts.Card
	eye *frame.Eye
}

// NewCameras makes it.
func NewCameras(d *frame.Desk) *Cameras {
	p := &Cameras{d: d, tiles: map[string]*tile{}, grid: frame.Grid(), empty: frame.Wrapped(d.Text("app.cameras.none"))}
	p.body = container.NewVBox(frame.Head(d.Text("app.page.cameras")), p.empty, p.grid)
	p.page = container.NewVScroll(container.New(layout.NewCustomPaddedLayout(10, 24, frame.Gap, frame.Gap), p.body))
	return p
}

// Content is the page.
func (p *Cameras) Content() fyne.CanvasObject { return p.page }

// Show brings it up to date.
func (p *Cameras) Show(s frame.State) {
	was := p.cameras
	p.cameras = model.Of(s.Home, p.d.Texts, p.d.Place).Cameras
	if slices.Equal(was, p.cameras) && len(was) > 0 {
		return
	}
	var tiles []fyne.CanvasObject
	for _, c := range p.cameras {
		t := p.tiles[c.ID]
		if t == nil {
			t = &tile{eye: frame.NewEye(p.d, c.Name)}
			t.Card = parts.NewCard(c.Name, func() { p.d.Go(model.Route{Place: model.AtCamera, ID: c.ID}) }, t.eye.Picture)
			p.tiles[c.ID] = t
		}
		t.SetNote(c.Room)
		if c.Reachable && !c.Private && c.Note != "" {
			t.SetNote(c.Note)
		}
		t.eye.Show(c)
		tiles = append(tiles, t.Card)
	}
	frame.Visible(p.empty, len(tiles) == 0)
	p.grid.Objects = tiles
	frame.Settle(p.body, p.page)
}

// Cameras are those whose tile is to be filled.
func (p *Cameras) Cameras() (ids []string, live bool) {
	for _, c := range p.cameras {
		if !c.Private {
			ids = append(ids, c.ID)
		}
	}
	return ids, false
}

// Picture shows a camera's newest picture.
func (p *Cameras) Picture(id string, m link.Picture) {
	if t := p.tiles[id]; t != nil {
		t.eye.Take(m)
	}
}

// Filled says whether every camera on view has its picture.
func (p *Cameras) Filled() bool {
	ids, _ := p.Cameras()
	return !slices.ContainsFunc(ids, func(id string) bool { return !p.tiles[id].eye.Filled() })
}
