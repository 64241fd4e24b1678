package rooms

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
)

type cameraTile struct {
	*parts.Card
	eye *frame.Eye
}

func (h *Home) newCameraTile(c model.Camera) *cameraTile {
	t := &cameraTile{eye: frame.NewEye(h.d, c.Name)}
	t.Card = parts.NewCard(c.Name, h.to(model.AtCamera, c.ID), t.eye.Picture)
	return t
}

func (t *cameraTile) show(c model.Camera) fyne.CanvasObject {
	t.SetTitle(c.Name)
	t.SetNote(c.Room)
	if c.Reachable && !c.Private {
		t.SetNote(or(c.Note, c.Room))
	}
	t.eye.Show(c)
	return t.Card
}

type watchTile struct {
	*parts.Card
	place, note *widget.Label
	pin         *widget.Icon
	battery     *widget.ProgressBar
	find        *parts.Button
	order       *model.Order
}

func (h *Home) newWatchTile(w model.Watch) *watchTile {
	t := &watchTile{place: widget.NewLabel(""), note: frame.Wrapped(""), pin: widget.NewIcon(theme.HomeIcon()), battery: widget.NewProgressBar()}
	t.place.Truncation = fyne.TextTruncateEllipsis
	t.note.Importance = widget.WarningImportance
	t.find = frame.Button(h.d.Text("tile.watch.find"), theme.VolumeUpIcon(), func() {
		if t.order != nil {
			h.d.Order(*t.order)
		}
	})
	t.battery.Max = 100
	t.Card = parts.NewCard(w.Name, h.to(model.AtDevice, w.ID), container.NewBorder(nil, nil, t.pin, nil, t.place), t.battery, t.note, t.find)
	return t
}

func (t *watchTile) show(w model.Watch) fyne.CanvasObject {
	t.SetTitle(w.Name)
	if t.place.Text != w.Place {
		t.place.SetText(w.Place)
	}
	pin := theme.QuestionIcon()
	if w.Home {
		pin = theme.HomeIcon()
	}
	if t.pin.Resource == nil || t.pin.Resource.Name() != pin.Name() {
		t.pin.SetResource(pin)
	}
	t.battery.TextFormatter = func() string { return w.BatteryText }
	t.battery.SetValue(float64(max(0, w.Battery)))
	frame.Set(t.note, w.Note)
	t.order = w.Find
	frame.Visible(t.find, w.Find != nil)
	return t.Card
}

type toyTile struct {
	*parts.Card
	speed *parts.Speed
	note  *widget.Label
}

func (h *Home) newToyTile(y model.Toy) *toyTile {
	t := &toyTile{note: frame.Wrapped("")}
	t.note.Importance = widget.WarningImportance
	t.speed = parts.NewSpeed(h.d.Text("tile.toy.stop"),
		func(percent int) { h.d.Order(model.Speed(y.ID, percent)) },
		func() { h.d.Order(model.Speed(y.ID, 0)) })
	t.Card = parts.NewCard(y.Name, h.to(model.AtDevice, y.ID), t.note, t.speed)
	return t
}

func (t *toyTile) show(y model.Toy) fyne.CanvasObject {
	t.SetTitle(y.Name)
	t.SetNote(y.SpeedText)
	frame.Set(t.note, y.Note)
	t.speed.SetPercent(y.Speed)
	t.speed.Enable(y.Reachable)
	return t.Card
}

// houseTile has the hub's own switches.
type houseTile struct {
	*parts.Tile
	h      *Home
	box    *fyne.Container
	checks []*widget.Check
	shown  []model.Switch
}

func (h *Home) newHouseTile() *houseTile {
	t := &houseTile{h: h, box: container.NewVBox()}
	t.Tile = parts.NewTile(h.d.Text("tile.house"), t.box)
	return t
}

func (t *houseTile) show(switches []model.Switch) fyne.CanvasObject {
	if !slices.EqualFunc(switches, t.shown, func(a, b model.Switch) bool { return a.ID == b.ID && a.Trait == b.Trait }) {
		t.checks = nil
		t.box.RemoveAll()
		for _, w := range switches {
			c := widget.NewCheck(w.Name, nil)
			t.checks = append(t.checks, c)
			t.box.Add(c)
		}
	}
	t.shown = switches
	for i, w := range switches {
		c := t.checks[i]
		c.OnChanged = nil // what the hub reports is not a wish
		c.SetChecked(w.On)
		c.OnChanged = func(on bool) { t.h.d.Order(model.Turn(w, on)) }
	}
	return t.Tile
}

// to leads to the screen of a thing.
func (h *Home) to(p model.Place, id string) func() {
	return func() { h.d.Go(model.Route{Place: p, ID: id}) }
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
