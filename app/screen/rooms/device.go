package rooms

import (
	"context"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/model/safety"
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/app/screen/label"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Device is the screen of one thing: what it can be told, what it reports, how that went, and what is
// known of its safety.
type Device struct {
	*frame.Living[deviceView]
	d     *frame.Desk
	id    string
	now   deviceView
	asked bool         // what the hub kept of it, and its label, were asked for
	label []wire.Label // none where the hub does not tell this person
	speed *parts.Speed // lives as long as the page, so that it is not pulled from under a finger
}

type deviceView struct {
	model.Device
	There bool
	Safe  []safety.Card // its label, if there is one
}

// NewDevice makes the screen of the thing with an ID.
func NewDevice(d *frame.Desk, id string) *Device {
	p := &Device{d: d, id: id}
	p.speed = parts.NewSpeed(d.Text("tile.toy.stop"),
		func(percent int) { d.Order(model.Speed(id, percent)) },
		func() { d.Order(model.Speed(id, 0)) })
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Device) Show(s frame.State) {
	if at := slices.IndexFunc(s.Home.Accessories, func(a wire.Accessory) bool { return a.ID == p.id }); at >= 0 && !p.asked {
		p.asked = true
		p.d.Recall(s.Past, s.Home.Accessories[at:at+1], p.d.Again)
		p.judge(s.Home.Accessories[at])
	}
	v, there := model.DeviceOf(s.Home, p.id, s.Past, p.d.Texts, p.d.Place)
	p.now = deviceView{v, there, safety.CardsOf(p.label, p.d.Texts)}
	p.Update(p.now)
}

// Remove takes the thing out of the home, unless it is one of the hub's own.
func (p *Device) Remove() {
	if p.now.There && !own(p.now.Device) {
		p.remove(p.now.Device)
	}
}

// own says whether a thing is the hub's own: it has no driver.
func own(v model.Device) bool {
	return slices.ContainsFunc(v.Label, func(f model.Fact) bool { return f.Value == "" })
}

func (p *Device) build(v deviceView) []fyne.CanvasObject {
	if !v.There {
		return []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.device")), frame.Wrapped(p.d.Text("app.device.gone"))}
	}
	grid := frame.Grid()
	if use := p.use(v.Device); len(use) > 0 {
		grid.Add(frame.Section(p.d.Text("app.device.use"), use...))
	}
	if len(v.Facts) > 0 {
		grid.Add(frame.Section(p.d.Text("app.device.reports"), pairs(v.Facts)))
	}
	for _, c := range v.Charts {
		grid.Add(frame.Section(c.Name, chart(c), frame.Caption(p.d.Text("app.device.past"))))
	}
	grid.Add(p.safe(v))
	page := []fyne.CanvasObject{p.d.BackHead(v.Name), frame.Low(v.Where)}
	if v.Note != "" {
		note := frame.Wrapped(v.Note)
		note.Importance = widget.WarningImportance
		page = append(page, note)
	}
	page = append(page, grid)
	if own(v.Device) {
		return page
	}
	remove := frame.Button(p.d.Text("app.device.remove"), theme.DeleteIcon(), func() { p.remove(v.Device) })
	remove.Importance = widget.LowImportance
	return append(page, container.NewHBox(remove))
}

// safe is what is known of the thing's safety, with the way to all of it and to who looked.
func (p *Device) safe(v deviceView) fyne.CanvasObject {
	to := func(at model.Place) func() { return func() { p.d.Go(model.Route{Place: at, ID: p.id}) } }
	var body []fyne.CanvasObject
	for _, c := range v.Safe {
		if body = append(body, label.Counts(c.Counts)); len(c.Fixes) > 0 {
			body = append(body, frame.Wrapped(p.d.Text("app.safety.to-fix")+": "+strings.Join(c.Fixes, ", ")))
		}
	}
	if body = append(body, pairs(v.Label)); !own(v.Device) {
		body = append(body, frame.Button(p.d.Text("app.page.label"), theme.ConfirmIcon(), to(model.AtLabel)),
			frame.Button(p.d.Text("app.page.looks"), theme.VisibilityIcon(), to(model.AtLooks)))
	}
	return frame.Section(p.d.Text("app.device.label"), body...)
}

// judge asks how safe the thing is.
func (p *Device) judge(a wire.Accessory) {
	if a.Driver == "" {
		return
	}
	var got wire.Label
	p.d.Load(func(ctx context.Context) (err error) {
		got, err = p.d.Hub.Label(ctx, p.id)
		return err
	}, func() {
		p.label = []wire.Label{got}
		p.d.Again()
	})
}

func (p *Device) use(v model.Device) []fyne.CanvasObject {
	var use []fyne.CanvasObject
	if v.Toy != nil {
		p.speed.SetPercent(v.Toy.Speed)
		p.speed.Enable(v.Toy.Reachable)
		use = append(use, frame.Low(v.Toy.SpeedText), p.speed)
	}
	if v.Find != nil {
		use = append(use, frame.Button(p.d.Text("tile.watch.find"), theme.VolumeUpIcon(), func() { p.d.Order(*v.Find) }))
	}
	for _, w := range v.Switches {
		use = append(use, p.check(w.Name, w.On, func(on bool) { p.d.Order(model.Turn(w, on)) }))
	}
	if v.Camera != nil {
		use = append(use,
			p.check(p.d.Text("app.device.sound"), v.Camera.Sound, func(on bool) { p.set(wire.CameraRequest{Sound: &on}) }),
			p.check(p.d.Text("app.device.motion"), v.Camera.Motion, func(on bool) { p.set(wire.CameraRequest{Motion: &on}) }),
			frame.Button(p.d.Text("app.device.picture"), theme.MediaVideoIcon(), func() { p.d.Go(model.Route{Place: model.AtCamera, ID: v.ID}) }))
	}
	return use
}

func (p *Device) check(name string, on bool, changed func(bool)) fyne.CanvasObject {
	c := widget.NewCheck(name, nil)
	c.SetChecked(on)
	c.OnChanged = changed
	return c
}

func (p *Device) set(r wire.CameraRequest) {
	p.d.Try(func(ctx context.Context) error {
		_, err := p.d.Hub.SetCamera(ctx, p.id, r)
		return err
	}, nil)
}

func (p *Device) remove(v model.Device) {
	p.d.Later(v.ID, p.d.Texts.Text("app.device.removed", i18n.Args{"name": v.Name}), func(ctx context.Context) error {
		return p.d.Hub.Remove(ctx, v.ID)
	})
	p.d.Go(model.Route{Place: model.AtDevices})
}

func pairs(facts []model.Fact) fyne.CanvasObject {
	list := frame.Tight()
	for _, f := range facts {
		if f.Value != "" {
			list.Add(frame.Pair(f.Name, f.Value))
		}
	}
	return list
}

func chart(c model.Chart) fyne.CanvasObject {
	first, last := c.Points[0].At, c.Points[len(c.Points)-1].At
	span := max(1, last.Sub(first).Seconds())
	var marks []parts.Mark
	for _, p := range c.Points {
		marks = append(marks, parts.Mark{X: float32(p.At.Sub(first).Seconds() / span), Y: float32(p.Value / c.Peak)})
	}
	return parts.NewChart(c.Name, marks, c.Top, c.Low, c.From, c.To)
}
