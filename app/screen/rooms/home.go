// Package rooms holds the screens of the home and its things: the tiles, the list, and one thing with
// all that is known about it.
package rooms

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
)

// Home is the first screen: what calls for help, what needs care, and a tile for each thing. A tile
// lives as long as its thing, so that a slider is not pulled from under a finger.
type Home struct {
	d        *frame.Desk
	page     *container.Scroll
	body     *fyne.Container
	shape    []fyne.Size
	summary  *widget.Label
	left     *widget.Label // what left the home
	care     *parts.Card
	caring   *widget.Label
	alarms   *fyne.Container
	alarming []model.Alarm
	chips    *fyne.Container
	strip    *container.Scroll
	rooms    []string
	room     string // whose tiles are on view; empty: all
	grid     *fyne.Container
	empty    *widget.Label
	state    frame.State
	view     model.Home

	cameras map[string]*cameraTile
	watches map[string]*watchTile
	toys    map[string]*toyTile
	house   *houseTile
}

// NewHome makes it.
func NewHome(d *frame.Desk) *Home {
	h := &Home{d: d, cameras: map[string]*cameraTile{}, watches: map[string]*watchTile{}, toys: map[string]*toyTile{},
		summary: frame.Low(""), left: frame.Caption(""), empty: frame.Wrapped(d.Text("home.empty")), alarms: container.NewVBox(), chips: container.NewHBox(), grid: frame.Grid()}
	pair := frame.Button(d.Text("pair.button"), theme.HomeIcon(), func() { d.Go(model.Route{Place: model.AtPairing}) })
	h.caring = frame.Wrapped("")
	h.caring.Importance, h.caring.TextStyle = widget.WarningImportance, fyne.TextStyle{Bold: true}
	sign := widget.NewIcon(theme.NewWarningThemedResource(theme.WarningIcon()))
	h.care = parts.NewCard("", func() { d.Go(model.Route{Place: model.AtHealth}) },
		container.NewBorder(nil, nil, sign, widget.NewIcon(theme.NavigateNextIcon()), h.caring))
	h.house = h.newHouseTile()
	h.strip = container.NewHScroll(h.chips)
	h.strip.Hide()
	h.body = container.NewVBox(frame.Head(d.Text("home.title"), pair), h.alarms, h.summary, h.left, h.care, h.strip, h.empty, h.grid)
	h.page = container.NewVScroll(container.New(layout.NewCustomPaddedLayout(10, 24, frame.Gap, frame.Gap), h.body))
	return h
}

// Content is the page.
func (h *Home) Content() fyne.CanvasObject { return h.page }

// Show brings it up to date.
func (h *Home) Show(s frame.State) {
	h.state = s
	h.view = model.Of(s.Home, h.d.Texts, h.d.Place)
	summary, care := h.view.Summary, ""
	if !h.view.Well && len(h.view.Advice) > 0 {
		summary, care = "", h.view.Summary
	}
	if s.Lost {
		summary = "" // the banner says it
	}
	frame.Set(h.summary, summary)
	frame.Set(h.left, h.view.Left)
	if care != "" && h.caring.Text != care {
		h.caring.SetText(care)
		h.care.SetTitle(care)
	}
	frame.Visible(h.care, care != "")
	h.call(h.view.Alarms)
	h.choose()
	h.lay()
	frame.Visible(h.empty, h.view.Empty())
	h.settle()
}

// lay puts the tiles of the room in their places.
func (h *Home) lay() {
	var tiles []fyne.CanvasObject
	in := func(room string) bool { return h.room == "" || h.room == room }
	for _, c := range h.view.Cameras {
		if t := keep(h.cameras, c.ID, h.newCameraTile, c).show(c); in(c.Room) {
			tiles = append(tiles, t)
		}
	}
	for _, w := range h.view.Watches {
		if t := keep(h.watches, w.ID, h.newWatchTile, w).show(w); in("") {
			tiles = append(tiles, t)
		}
	}
	for _, y := range h.view.Toys {
		if t := keep(h.toys, y.ID, h.newToyTile, y).show(y); in(y.Room) {
			tiles = append(tiles, t)
		}
	}
	if len(h.view.Switches) > 0 {
		tiles = append(tiles, h.house.show(h.view.Switches))
	}
	drop(h.cameras, h.view.Cameras, func(c model.Camera) string { return c.ID })
	drop(h.watches, h.view.Watches, func(w model.Watch) string { return w.ID })
	drop(h.toys, h.view.Toys, func(t model.Toy) string { return t.ID })
	if !slices.Equal(h.grid.Objects, tiles) {
		h.grid.Objects = tiles
		h.grid.Refresh()
	}
}

// choose offers the rooms, where there is more than one.
func (h *Home) choose() {
	var rooms []string
	add := func(room string) {
		if room != "" && !slices.Contains(rooms, room) {
			rooms = append(rooms, room)
		}
	}
	for _, c := range h.view.Cameras {
		add(c.Room)
	}
	for _, y := range h.view.Toys {
		add(y.Room)
	}
	slices.Sort(rooms)
	if !slices.Contains(rooms, h.room) {
		h.room = ""
	}
	if slices.Equal(rooms, h.rooms) {
		return
	}
	h.rooms = rooms
	h.chip()
}

func (h *Home) chip() {
	h.chips.RemoveAll()
	if len(h.rooms) > 1 {
		for _, room := range append([]string{""}, h.rooms...) {
			name := room
			if name == "" {
				name = h.d.Text("app.home.all")
			}
			b := frame.Button(name, nil, func() {
				h.room = room
				h.chip()
				h.Show(h.state)
				h.d.Again()
			})
			if room == h.room {
				b.Importance = widget.HighImportance
			}
			h.chips.Add(b)
		}
	}
	h.chips.Refresh()
	frame.Visible(h.strip, len(h.rooms) > 1)
}

// settle lays the page out anew when something on it appeared, left or grew. Words that wrap know
// their height only once they have a width, so it may take a second round.
func (h *Home) settle() {
	for range 3 {
		shape := make([]fyne.Size, 0, len(h.body.Objects)+len(h.grid.Objects))
		for _, o := range slices.Concat(h.body.Objects, h.grid.Objects) {
			if o.Visible() {
				shape = append(shape, o.MinSize())
			}
		}
		if slices.Equal(shape, h.shape) {
			return
		}
		h.shape = shape
		h.body.Refresh()
		h.page.Refresh()
	}
}

// keep gives the tile of an ID, made new if there is none.
func keep[T, V any](tiles map[string]T, id string, made func(V) T, v V) T {
	t, ok := tiles[id]
	if !ok {
		t = made(v)
		tiles[id] = t
	}
	return t
}

func drop[T, V any](tiles map[string]T, views []V, id func(V) string) {
	for have := range tiles {
		if !slices.ContainsFunc(views, func(v V) bool { return id(v) == have }) {
			delete(tiles, have)
		}
	}
}

// call shows a banner for each alarm. It is made anew only when the alarms differ, so that a tap is
// not lost in between.
func (h *Home) call(alarms []model.Alarm) {
	same := slices.EqualFunc(alarms, h.alarming, func(a, b model.Alarm) bool {
		return a.Title == b.Title && a.Since == b.Since && (a.Seen == nil) == (b.Seen == nil)
	})
	if same {
		return
	}
	h.alarming = alarms
	h.alarms.RemoveAll()
	for _, a := range alarms {
		button, seen := "", func() {}
		if a.Seen != nil {
			button, seen = h.d.Text("tile.sos.seen"), func() { h.d.Order(*a.Seen) }
		}
		h.alarms.Add(parts.NewBanner(a.Title, a.Since, button, seen))
	}
}

// Cameras are those whose tile is to be filled.
func (h *Home) Cameras() (ids []string, live bool) {
	for _, c := range h.view.Cameras {
		if !c.Private && (h.room == "" || h.room == c.Room) {
			ids = append(ids, c.ID)
		}
	}
	return ids, false
}

// Picture shows a camera's newest picture.
func (h *Home) Picture(id string, p link.Picture) {
	if t, ok := h.cameras[id]; ok {
		t.eye.Take(p)
	}
}

// Filled says whether every camera on view has its picture.
func (h *Home) Filled() bool {
	ids, _ := h.Cameras()
	return !slices.ContainsFunc(ids, func(id string) bool { return h.cameras[id] == nil || !h.cameras[id].eye.Filled() })
}
