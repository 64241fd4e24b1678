package screen

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	parts "github.com/ingle-home/ingle/app/widget"
)

const (
	narrowest = 320 // of a column of tiles
	gap       = 14
)

// home is the home screen: what calls for help, what is wrong, and a tile for each thing. A tile
// lives as long as its thing, so that a slider is not pulled from under a finger.
type home struct {
	s        *Screen
	page     *container.Scroll
	body     *fyne.Container
	shape    []fyne.Size
	summary  *widget.Label
	problem  *widget.Label
	advice   *widget.Label
	alarms   *fyne.Container
	alarming []model.Alarm
	grid     *fyne.Container
	empty    *widget.Label

	cameras map[string]*cameraTile
	watches map[string]*watchTile
	toys    map[string]*toyTile
	house   *houseTile
}

func (s *Screen) newHome() *home {
	h := &home{s: s, cameras: map[string]*cameraTile{}, watches: map[string]*watchTile{}, toys: map[string]*toyTile{},
		summary: wrapped(""), problem: wrapped(""), advice: wrapped(""), empty: wrapped(s.text("home.empty")),
		alarms: container.NewVBox(),
		grid:   container.New(&parts.Columns{Narrowest: narrowest, Gap: gap})}
	h.summary.Importance = widget.LowImportance
	h.problem.Importance = widget.DangerImportance
	h.advice.Importance = widget.WarningImportance
	title := widget.NewLabelWithStyle(s.text("home.title"), fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	title.SizeName = theme.SizeNameHeadingText
	pair := widget.NewButtonWithIcon(s.text("pair.button"), theme.HomeIcon(), s.pair)
	head := container.NewBorder(nil, nil, title, container.NewCenter(pair))
	h.problem.Hide()
	h.house = s.newHouseTile()
	h.body = container.NewVBox(head, h.alarms, h.summary, h.advice, h.problem, h.empty, h.grid)
	h.page = container.NewVScroll(container.New(layout.NewCustomPaddedLayout(8, 20, gap, gap), h.body))
	return h
}

// wrapped gives a label that is as wide as its place and as high as its text.
func wrapped(text string) *widget.Label {
	l := widget.NewLabel(text)
	l.Wrapping = fyne.TextWrapWord
	return l
}

func (h *home) show(view model.Home, lost bool) {
	if lost {
		view.Summary = h.s.text("home.lost")
	}
	set(h.summary, view.Summary)
	set(h.advice, strings.Join(view.Advice, "\n"))
	h.call(view.Alarms)
	var tiles []fyne.CanvasObject
	for _, c := range view.Cameras {
		tiles = append(tiles, keep(h.cameras, c.ID, h.s.newCameraTile, c).show(c))
	}
	for _, w := range view.Watches {
		tiles = append(tiles, keep(h.watches, w.ID, h.s.newWatchTile, w).show(w))
	}
	for _, t := range view.Toys {
		tiles = append(tiles, keep(h.toys, t.ID, h.s.newToyTile, t).show(t))
	}
	if len(view.Switches) > 0 {
		tiles = append(tiles, h.house.show(view.Switches))
	}
	drop(h.cameras, view.Cameras, func(c model.Camera) string { return c.ID })
	drop(h.watches, view.Watches, func(w model.Watch) string { return w.ID })
	drop(h.toys, view.Toys, func(t model.Toy) string { return t.ID })
	if !slices.Equal(h.grid.Objects, tiles) {
		h.grid.Objects = tiles
		h.grid.Refresh()
	}
	visible(h.empty, view.Empty())
	h.settle()
}

// settle lays the page out anew when something on it appeared, left or grew. Words that wrap know
// their height only once they have a width, so it may take a second round.
func (h *home) settle() {
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
func (h *home) call(alarms []model.Alarm) {
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
			button, seen = h.s.text("tile.sos.seen"), func() { h.s.order(*a.Seen) }
		}
		h.alarms.Add(parts.NewBanner(a.Title, a.Since, button, seen))
	}
}

func (h *home) picture(id string, p link.Picture) {
	if t, ok := h.cameras[id]; ok {
		t.take(p)
	}
}

func (h *home) complain(text string) {
	set(h.problem, text)
	h.settle()
}

// set changes a label that is hidden while it is empty.
func set(l *widget.Label, text string) {
	if l.Text != text {
		l.SetText(text)
	}
	visible(l, text != "")
}

func visible(o fyne.CanvasObject, yes bool) {
	if yes == o.Visible() {
		return
	}
	if yes {
		o.Show()
	} else {
		o.Hide()
	}
}
