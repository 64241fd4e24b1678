package views

import (
	"context"
	"os"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Camera is one camera: what it sees now, and what it recorded. A recording plays where its picture stands;
// its film can be saved as a file that any player plays, with its sound.
type Camera struct {
	*frame.Living[cameraView]
	d     *frame.Desk
	id    string
	live  *frame.Eye
	film  *projector
	clips []wire.Clip
	rule  wire.ClipRule
	known bool // the recordings were asked for
	shut  bool // … and are not for this person
	at    string
	state frame.State
	films int // of the state when they were asked for
}

type cameraView struct {
	Camera model.Camera
	There  bool
	Rule   wire.ClipRule
	Reel   model.Reel
	At     string // ID of the recording that is chosen
	Known  bool
	Shut   bool
}

// NewCamera makes the screen of the camera with an ID.
func NewCamera(d *frame.Desk, id string) *Camera {
	p := &Camera{d: d, id: id, live: frame.NewEye(d, d.Text("app.page.camera")), film: newProjector(d), films: -1}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// load asks for the recordings; what cannot be read shows none.
func (p *Camera) load() {
	var clips []wire.Clip
	var rule wire.ClipRule
	p.films = p.state.Films
	p.d.LoadOr(func(ctx context.Context) (err error) {
		if rule, err = p.d.Hub.ClipRule(ctx, p.id); err != nil {
			return err
		}
		clips, err = p.d.Hub.Clips(ctx, p.id)
		return err
	}, func() {
		p.clips, p.rule, p.known = clips, rule, true
		p.Show(p.state)
	}, func() {
		p.shut = true
		p.Show(p.state)
	})
}

// Show brings it up to date.
func (p *Camera) Show(s frame.State) {
	p.state = s
	if p.films != s.Films {
		p.load()
	}
	v := cameraView{Rule: p.rule, Known: p.known, Shut: p.shut}
	for _, c := range model.Of(s.Home, p.d.Texts, p.d.Place).Cameras {
		if c.ID == p.id {
			v.Camera, v.There = c, true
		}
	}
	left := slices.DeleteFunc(slices.Clone(p.clips), func(c wire.Clip) bool { return p.d.Gone(c.ID) })
	v.Reel = model.ReelOf(left, p.d.Texts, p.d.Place, p.d.Now().Truncate(time.Minute))
	at := slices.IndexFunc(v.Reel.Clips, func(c model.Clip) bool { return c.ID == p.at })
	if p.at = ""; len(left) > 0 {
		at = max(0, at)
		p.at = left[at].ID
		p.film.load(v.Reel.Clips[at])
	} else {
		p.film.load(model.Clip{})
	}
	v.At = p.at
	p.live.Show(v.Camera)
	p.Update(v)
}

// choose puts another recording in.
func (p *Camera) choose(id string) {
	p.at = id
	p.Show(p.state)
}

// Remove deletes the recording that is chosen.
func (p *Camera) Remove() {
	if p.at != "" && !p.shut {
		p.remove(model.Clip{ID: p.at})
	}
}

// Leave stops what plays.
func (p *Camera) Leave() { p.film.pause() }

func (p *Camera) build(v cameraView) []fyne.CanvasObject {
	if !v.There {
		return []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.camera")), frame.Wrapped(p.d.Text("app.device.gone"))}
	}
	settings := parts.NewSign(p.d.Text("app.page.device"), theme.SettingsIcon(), func() { p.d.Go(model.Route{Place: model.AtDevice, ID: p.id}) })
	now := parts.NewTile(p.d.Text("app.camera.now"), p.live.Picture)
	now.SetNote(v.Camera.Room)
	if v.Camera.Reachable && !v.Camera.Private && v.Camera.Note != "" {
		now.SetNote(v.Camera.Note)
	}
	grid := frame.Grid(now)
	if !v.Shut {
		grid.Add(p.recordings(v))
	}
	return []fyne.CanvasObject{p.d.BackHead(v.Camera.Name, settings), grid}
}

func (p *Camera) recordings(v cameraView) fyne.CanvasObject {
	rule := "app.camera.rule.off"
	if v.Rule.On {
		rule = "app.camera.rule.on"
	}
	change := frame.Button(p.d.Text("app.camera.rule.button"), theme.SettingsIcon(), p.askRule)
	box := []fyne.CanvasObject{frame.Low(p.d.Text(rule))}
	buttons := frame.Buttons(change)
	if v.Rule.On {
		buttons = frame.Buttons(frame.Button(p.d.Text("app.camera.record"), theme.MediaRecordIcon(), p.record), change)
	}
	at := slices.IndexFunc(v.Reel.Clips, func(c model.Clip) bool { return c.ID == v.At })
	switch {
	case !v.Known:
		box = append(box, frame.Low(p.d.Text("tile.camera.wait")))
	case at < 0:
		box = append(box, frame.Low(p.d.Text("clips.none")))
	default:
		box = append(box, p.reel(v.Reel, at)...)
	}
	return frame.Section(p.d.Text("holding.recordings"), append(box, buttons)...)
}

func (p *Camera) reel(r model.Reel, at int) []fyne.CanvasObject {
	c := r.Clips[at]
	var spans []parts.Span
	for _, one := range r.Clips {
		spans = append(spans, parts.Span{From: one.Span[0], To: one.Span[1], Name: one.Title})
	}
	line := parts.NewTimeline(p.d.Text("holding.recordings"), spans, at, r.From, r.To, func(i int) { p.choose(r.Clips[i].ID) })
	line.Play, line.Remove = p.film.toggle, func() { p.remove(c) }
	p.film.bar.Remove = line.Remove
	keep := widget.NewCheck(p.d.Text("app.clip.keep"), nil)
	keep.SetChecked(c.Kept)
	keep.OnChanged = func(on bool) { p.keep(c.ID, on) }
	save := frame.Button(p.d.Text("app.clip.save"), theme.DocumentSaveIcon(), func() { p.save(c) })
	if !c.Whole {
		save.Disable()
	}
	title := frame.Wrapped(c.Title)
	title.TextStyle.Bold = true
	remove := frame.Button(p.d.Text("app.clip.delete"), theme.DeleteIcon(), func() { p.remove(c) })
	about := frame.Tight(title, frame.Low(c.Detail))
	if c.Sound {
		about.Add(frame.Caption(p.d.Text("app.clip.silent")))
	}
	return []fyne.CanvasObject{p.film.screen, p.film.bar, line, about, keep, frame.Buttons(save, remove)}
}

func (p *Camera) record() {
	p.d.Try(func(ctx context.Context) error { return p.d.Hub.Record(ctx, p.id) }, func() {
		p.d.Say(p.d.Text("app.camera.recording"))
		p.load()
	})
}

func (p *Camera) keep(id string, on bool) {
	p.d.Try(func(ctx context.Context) error {
		_, err := p.d.Hub.KeepClip(ctx, id, on)
		return err
	}, p.load)
}

func (p *Camera) remove(c model.Clip) {
	p.d.Later(c.ID, p.d.Text("clips.deleted"), func(ctx context.Context) error { return p.d.Hub.DeleteClip(ctx, c.ID) })
}

// save writes the film as a file on the hub's machine: whoever has it can see it, so the password is
// asked for again.
func (p *Camera) save(c model.Clip) {
	folder, _ := os.UserHomeDir()
	p.d.Ask(frame.Question{Title: p.d.Text("app.clip.save"), Text: p.d.Text("clips.clear"), Yes: p.d.Text("app.save"),
		Fields: []frame.Field{{Name: p.d.Text("app.path"), Value: folder}, {Name: p.d.Text("gate.password"), Secret: true}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			made, err := p.d.Hub.ExportClip(ctx, c.ID, wire.ClipExportRequest{Path: a[0].Text, Password: a[1].Text})
			return p.d.Texts.Text("clips.exported", i18n.Args{"path": made.Path, "size": p.d.Texts.Size(made.Size)}), err
		}, Then: p.d.Say})
}

func (p *Camera) askRule() {
	days := []int{1, 3, 7, 14, 30}
	options := []string{p.d.Text("app.camera.rule.none")}
	for _, n := range days {
		options = append(options, p.d.Texts.Count("app.camera.rule.days", n))
	}
	p.d.Ask(frame.Question{Title: p.d.Text("app.camera.rule.title"), Text: p.d.Text("app.camera.rule.text"), Yes: p.d.Text("app.save"),
		Fields: []frame.Field{{Name: p.d.Text("app.camera.rule.stay"), Options: options}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			rule := p.rule
			if rule.On = a[0].Option > 0; rule.On {
				rule.Days = days[a[0].Option-1]
			}
			_, err := p.d.Hub.SetClipRule(ctx, p.id, rule)
			return "", err
		}, Then: func(string) { p.load() }})
}

// Cameras is this camera, looked at closely.
func (p *Camera) Cameras() (ids []string, live bool) {
	if p.live.Wanted() {
		return []string{p.id}, true
	}
	return nil, true
}

// Picture shows its newest picture.
func (p *Camera) Picture(_ string, m link.Picture) { p.live.Take(m) }

// Filled says whether it has one.
func (p *Camera) Filled() bool { return p.live.Filled() }
