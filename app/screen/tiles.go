package screen

import (
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	parts "github.com/ingle-home/ingle/app/widget"
)

// live is how old a picture may be that is shown as what is to be seen now; the hub may have kept it for
// five seconds.
const live = 15 * time.Second

type cameraTile struct {
	*parts.Tile
	s    *Screen
	view *parts.Picture
	now  model.Camera
	last link.Picture
}

func (s *Screen) newCameraTile(c model.Camera) *cameraTile {
	t := &cameraTile{s: s, view: parts.NewPicture(c.Name, s.text("tile.camera.wait"))}
	t.Tile = parts.NewTile(c.Name, t.view)
	return t
}

func (t *cameraTile) show(c model.Camera) fyne.CanvasObject {
	t.now = c
	t.SetTitle(c.Name)
	if c.Reachable && !c.Private {
		t.SetNote(or(c.Note, c.Room))
	} else {
		t.SetNote(c.Room)
	}
	t.look()
	return t.Tile
}

// take shows the newest picture. A camera that has none now keeps its last one, which grows old.
func (t *cameraTile) take(p link.Picture) {
	if p.Image != nil {
		t.last = p
	}
	t.look()
}

// look shows what there is: nothing of a camera that is off, and a picture that is not live only with its
// age.
func (t *cameraTile) look() {
	words, old := "", time.Since(t.last.At)
	if !t.now.Reachable || t.now.Private {
		words = t.now.Note
	}
	switch {
	case t.now.Private:
		t.last = link.Picture{}
		t.say(words)
	case t.last.Image == nil:
		t.say(or(words, t.s.text("tile.camera.wait")))
	case t.now.Reachable && old < live:
		t.view.Set(t.last.Image)
	default:
		t.view.Faded(t.last.Image, model.Age(old, t.s.o.Texts), words)
	}
}

func (t *cameraTile) say(words string) {
	if t.view.Image() != nil || t.view.Words() != words {
		t.view.Say(words)
	}
}

type watchTile struct {
	*parts.Tile
	place, note *widget.Label
	pin         *widget.Icon
	battery     *widget.ProgressBar
	find        *widget.Button
	order       *model.Order
}

func (s *Screen) newWatchTile(w model.Watch) *watchTile {
	t := &watchTile{place: widget.NewLabel(""), note: wrapped(""), pin: widget.NewIcon(theme.HomeIcon()), battery: widget.NewProgressBar()}
	t.place.Truncation = fyne.TextTruncateEllipsis
	t.note.Importance = widget.WarningImportance
	t.find = widget.NewButtonWithIcon(s.text("tile.watch.find"), theme.VolumeUpIcon(), func() {
		if t.order != nil {
			s.order(*t.order)
		}
	})
	t.battery.Max = 100
	t.Tile = parts.NewTile(w.Name, container.NewBorder(nil, nil, t.pin, nil, t.place), t.battery, t.note, t.find)
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
	set(t.note, w.Note)
	t.order = w.Find
	visible(t.find, w.Find != nil)
	return t.Tile
}

type toyTile struct {
	*parts.Tile
	speed *parts.Speed
	note  *widget.Label
}

func (s *Screen) newToyTile(y model.Toy) *toyTile {
	t := &toyTile{note: wrapped("")}
	t.note.Importance = widget.WarningImportance
	t.speed = parts.NewSpeed(s.text("tile.toy.stop"),
		func(percent int) { s.order(model.Speed(y.ID, percent)) },
		func() { s.order(model.Speed(y.ID, 0)) })
	t.Tile = parts.NewTile(y.Name, t.note, t.speed)
	return t
}

func (t *toyTile) show(y model.Toy) fyne.CanvasObject {
	t.SetTitle(y.Name)
	t.SetNote(y.SpeedText)
	set(t.note, y.Note)
	t.speed.SetPercent(y.Speed)
	t.speed.Enable(y.Reachable)
	return t.Tile
}

// houseTile has the hub's own switches.
type houseTile struct {
	*parts.Tile
	s      *Screen
	box    *fyne.Container
	checks []*widget.Check
	shown  []model.Switch
}

func (s *Screen) newHouseTile() *houseTile {
	t := &houseTile{s: s, box: container.NewVBox()}
	t.Tile = parts.NewTile(s.text("tile.house"), t.box)
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
		c.OnChanged = func(on bool) { t.s.order(model.Turn(w, on)) }
	}
	return t.Tile
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
