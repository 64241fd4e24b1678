package clips

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/live"
	"github.com/ingle-home/ingle/hub/record"
)

// List gives the clips of a camera, or all for "", the newest first.
func (d *Desk) List(_ context.Context, camera string) ([]wire.Clip, error) {
	if d.Store == nil {
		return nil, closed()
	}
	if camera != "" {
		a, err := d.find(camera)
		if err != nil {
			return nil, err
		}
		camera = a.ID
	}
	var list []wire.Clip
	for _, c := range d.clips.List(camera) {
		list = append(list, wordsOf(c))
	}
	return list, nil
}

// find gives a camera by its ID or name.
func (d *Desk) find(camera string) (home.Accessory, error) {
	a, err := d.Home().Accessory(camera)
	switch {
	case d.Store == nil:
		return a, closed()
	case err != nil:
		return a, wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", camera)
	case a.Kind != "camera":
		return a, wire.Refuse(http.StatusUnprocessableEntity, "clips.no-camera", "name", a.Name)
	}
	return a, nil
}

// MaySee says whether an app may see a camera's clips, by its role and by whose it is.
func (d *Desk) MaySee(camera string, app wire.App) bool {
	return d.rules().Rule(camera).MaySee(home.Person{ID: app.Person, Role: home.Role(app.Role)})
}

// Show tells about one clip.
func (d *Desk) Show(_ context.Context, id string) (wire.Clip, error) {
	if d.Store == nil {
		return wire.Clip{}, closed()
	}
	c, err := d.clips.Find(id)
	return wordsOf(c), problem(err, id)
}

// Film opens a clip's film.
func (d *Desk) Film(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	if d.Store == nil {
		return nil, closed()
	}
	r, err := d.clips.Open(ctx, id)
	if err != nil {
		return nil, problem(err, id)
	}
	return r, nil
}

// Frames gives put the pictures of a clip, as JPEG, from a time on and as fast as they were taken.
func (d *Desk) Frames(ctx context.Context, id string, from time.Duration, l wire.Look, put func(frames.Frame) error) (err error) {
	if d.Store == nil {
		return closed()
	}
	r, err := d.clips.Open(ctx, id)
	if err != nil {
		return problem(err, id)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	err = d.Studio.Play(ctx, r, from, live.Sight(l), func(jpeg []byte, at time.Duration) error {
		return put(frames.Frame{JPEG: jpeg, Into: at})
	})
	if errors.Is(err, live.ErrBusy) {
		return wire.Refuse(http.StatusServiceUnavailable, wire.CodeDecoding)
	}
	return problem(err, id)
}

// Still gives the picture that stands for a clip.
func (d *Desk) Still(ctx context.Context, id string) ([]byte, error) {
	if d.Store == nil {
		return nil, closed()
	}
	jpeg, err := d.clips.Still(ctx, id)
	return jpeg, problem(err, id)
}

// Keep has a clip stay until somebody deletes it, or not any more.
func (d *Desk) Keep(ctx context.Context, id string, kept bool) (wire.Clip, error) {
	if d.Store == nil {
		return wire.Clip{}, closed()
	}
	c, err := d.clips.Keep(ctx, id, kept)
	if err == nil {
		d.Changed(c.Camera)
	}
	return wordsOf(c), problem(err, id)
}

// Delete deletes a clip, also one that is kept.
func (d *Desk) Delete(ctx context.Context, id string) error {
	if d.Store == nil {
		return closed()
	}
	c, err := d.clips.Find(id)
	if err == nil {
		err = d.clips.Delete(ctx, c.ID)
	}
	if err == nil {
		d.Changed(c.Camera)
	}
	return problem(err, id)
}

// Export writes a clip into a plain file: an app that was left open on a table is not enough.
func (d *Desk) Export(ctx context.Context, id string, q wire.ClipExportRequest) (made wire.ClipExport, err error) {
	if d.Store == nil {
		return made, closed()
	}
	if err := d.Prove(ctx, q.Password); err != nil {
		return made, err
	}
	r, err := d.clips.Open(ctx, id)
	if err != nil {
		return made, problem(err, id)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if r.Clip.State == record.Running {
		return made, wire.Refuse(http.StatusConflict, "clips.running")
	}
	name := "ingle-clip-" + d.fileName(r.Clip.Camera) + r.Clip.At.UTC().Format("20060102T150405Z") + ".mp4"
	made.Path, made.Size, err = d.File(ctx, q.Path, name, func(w io.Writer) error {
		_, err := io.Copy(w, reading{ctx, r})
		return problem(err, id)
	})
	return made, err
}

// fileName is a camera's name as part of a file's name: two cameras may see one event in the same second.
func (d *Desk) fileName(camera string) string {
	a, err := d.Home().Accessory(camera)
	if err != nil {
		return ""
	}
	return strings.Join(strings.FieldsFunc(a.Name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "-") + "-"
}

// reading ends with its context.
type reading struct {
	ctx  context.Context
	from io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

// Rule tells what is recorded of a camera.
func (d *Desk) Rule(_ context.Context, camera string) (wire.ClipRule, error) {
	a, err := d.find(camera)
	if err != nil {
		return wire.ClipRule{}, err
	}
	return ruleOf(d.rules().Rule(a.ID)), nil
}

// SetRule says what is recorded of a camera; it holds at once.
func (d *Desk) SetRule(ctx context.Context, camera string, w wire.ClipRule) (wire.ClipRule, error) {
	a, err := d.find(camera)
	if err != nil {
		return wire.ClipRule{}, err
	}
	r := record.Rule{On: w.On, Sound: w.Sound, Days: w.Days, Bytes: w.Bytes}
	if r.Bytes != 0 && r.Bytes < leastBytes {
		return wire.ClipRule{}, wire.Refuse(http.StatusUnprocessableEntity, "clips.small")
	}
	for _, who := range w.People {
		p, err := d.Home().Person(who)
		if err != nil {
			return wire.ClipRule{}, wire.Refuse(http.StatusNotFound, "export.person")
		}
		r.People = append(r.People, p.ID)
	}
	if _, err := d.change(ctx, func(s record.Settings) { s[a.ID] = r }); err != nil {
		return wire.ClipRule{}, problem(err, camera)
	}
	d.renew(a.ID)
	return d.Rule(ctx, a.ID)
}

// leastBytes is room for a few clips: with less each would push the one before it out.
const leastBytes = 100_000_000

// Record makes a clip of what a camera sees now.
func (d *Desk) Record(_ context.Context, camera string) error {
	a, err := d.find(camera)
	if err != nil {
		return err
	}
	r := d.recorder(a.ID)
	if r == nil {
		return wire.Refuse(http.StatusConflict, "clips.off", "name", a.Name)
	}
	if err := d.Barred(a.ID); err != nil {
		return err
	}
	r.Trigger(record.ByHand)
	return nil
}

// closed is the answer where the store of clips could not be opened.
func closed() error { return wire.Refuse(http.StatusServiceUnavailable, "clips.closed") }

// problem puts an error into the words of the API.
func problem(err error, id string) error {
	var already *wire.Problem
	switch {
	case err == nil || errors.As(err, &already):
		return err
	case errors.Is(err, record.ErrNotFound):
		return wire.Refuse(http.StatusNotFound, "clips.unknown", "id", id)
	case errors.Is(err, record.ErrDamaged):
		return wire.Refuse(http.StatusInternalServerError, "clips.damaged", "id", id)
	case errors.Is(err, record.ErrNoStill):
		return wire.Refuse(http.StatusNotFound, wire.CodeNoPicture)
	}
	return fmt.Errorf("clips: %w", err)
}

func wordsOf(c record.Clip) wire.Clip {
	return wire.Clip{
		ID: c.ID, Camera: c.Camera, Why: string(c.Why), At: c.At, Millis: c.Lasts.Round(time.Millisecond).Milliseconds(), Size: c.Size,
		Width: c.Width, Height: c.Height, Gaps: c.Gaps, Sound: c.Sound, Kept: c.Kept, Still: c.Still, State: string(c.State),
	}
}

func ruleOf(r record.Rule) wire.ClipRule {
	return wire.ClipRule{On: r.On, Sound: r.Sound, Days: r.Days, Bytes: r.Bytes, People: r.People}
}
