// Package frame is what all screens stand on: what they may ask of the hub, how they show a state,
// ask a question, say that something failed and offer to undo. Pages are in the packages beside it.
package frame

import (
	"context"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Hub is what pages ask of the hub. Each call may take long and is made where nobody waits for it.
type Hub interface {
	Do(ctx context.Context, id string, d wire.Do) error
	Find(ctx context.Context, d time.Duration) ([]wire.Found, error)
	Add(ctx context.Context, r wire.AddRequest) (wire.Accessory, error)
	Remove(ctx context.Context, id string) error
	AddPerson(ctx context.Context, p wire.Person) (wire.Person, error)
	AddZone(ctx context.Context, z wire.Zone) (wire.Zone, error)
	Cameras
	Keys
	Archive
	Labels
	Witness
	Holdings(ctx context.Context) ([]wire.Holding, error)
	History(ctx context.Context, id, trait string, from, to time.Time, points int) (wire.History, error)
	Export(ctx context.Context, r wire.ExportRequest) (wire.Export, error)
	Backup(ctx context.Context, r wire.BackupRequest) (wire.Backup, error)
	Backups(ctx context.Context) (wire.BackupStatus, error)
	ScheduleBackups(ctx context.Context, s wire.BackupSchedule) (wire.BackupStatus, error)
}

// Cameras is what pages ask about cameras and their recordings.
type Cameras interface {
	SetCamera(ctx context.Context, id string, r wire.CameraRequest) (wire.Accessory, error)
	Secure(ctx context.Context, id string) error
	Clips(ctx context.Context, camera string) ([]wire.Clip, error)
	ClipStill(ctx context.Context, id string) ([]byte, error)
	ClipFrames(ctx context.Context, id string, from time.Duration, l wire.Look, put func(frames.Frame) error) error
	KeepClip(ctx context.Context, id string, kept bool) (wire.Clip, error)
	DeleteClip(ctx context.Context, id string) error
	ExportClip(ctx context.Context, id string, r wire.ClipExportRequest) (wire.ClipExport, error)
	ClipRule(ctx context.Context, camera string) (wire.ClipRule, error)
	SetClipRule(ctx context.Context, camera string, r wire.ClipRule) (wire.ClipRule, error)
	Record(ctx context.Context, camera string) error
}

// Keys is what pages ask about the way into the store.
type Keys interface {
	Unlock(ctx context.Context, password string) error
	ChangePassword(ctx context.Context, present, next string) error
	NewRecoveryCode(ctx context.Context, password string) (wire.RecoveryCode, error)
	ConfirmRecovery(ctx context.Context, code string) error
	SetBoot(ctx context.Context, r wire.BootRequest) (wire.BootAnswer, error)
	SetLanguage(ctx context.Context, language string) (wire.Language, error)
	Apps(ctx context.Context) ([]wire.App, error)
	Invite(ctx context.Context, i wire.Invitation) (wire.ClaimCode, error)
	RevokeApp(ctx context.Context, id string) error
	Page(ctx context.Context) (wire.Page, error)
	SetPage(ctx context.Context, on bool) (wire.Page, error)
}

// Updater is a hub that knows about newer versions of itself.
type Updater interface {
	Release(ctx context.Context) (model.Release, error)
}

// Taste is what a person likes: the language (empty: the system's) and how light the app is.
type Taste struct {
	Language string
	Mood     parts.Mood
}

// State is what pages show: the home as it is now, and what was reported since the app looks.
type State struct {
	Home  wire.Snapshot
	Past  *model.Past
	Lost  bool // the line to the hub is; Home is what was last seen
	Films int  // grows when what was recorded may not be what it was
}

// Page is one screen of an open home. Its methods are for the window's goroutine.
type Page interface {
	Content() fyne.CanvasObject
	Show(State)
}

// Leaver is a page that does something while somebody looks at it. Leave ends that.
type Leaver interface{ Leave() }

// Remover is a page of one thing that the key Delete takes away, with time to undo that.
type Remover interface{ Remove() }

// Viewer is a page with pictures of cameras.
type Viewer interface {
	Cameras() (ids []string, live bool) // live: somebody looks closely at this one
	Picture(id string, p link.Picture)  // without an image: it has none now
	Filled() bool                       // every camera on view has its picture
}

// Desk is what a page works with. Work runs a function elsewhere and waits for it before the app
// ends; After calls f on the window's goroutine later, unless stopped. Proof shows the receipt of what was
// just forgotten.
type Desk struct {
	Hub      Hub
	Texts    *i18n.Texts
	Place    *time.Location
	Now      func() time.Time
	Work     func(func(ctx context.Context))
	After    func(d time.Duration, f func()) (stop func())
	Go       func(model.Route)
	Back     func()
	Again    func()         // shows the page anew
	Hold     func(yes bool) // keeps what is on view whatever becomes of the hub
	Proof    func(wire.PrivacyReceipt)
	Canvas   func() fyne.Canvas
	Taste    Taste
	SetTaste func(Taste)

	toasts *Toasts
	gone   map[string]bool
	modals []func() // that cancel the open ones, the last on top
}

// Text gives the text of a key.
func (d *Desk) Text(key string) string { return d.Texts.Text(key, nil) }

// Try runs do elsewhere. If it fails a toast says why; then runs here when it went well, and may be nil.
func (d *Desk) Try(do func(ctx context.Context) error, then func()) {
	d.Work(func(ctx context.Context) {
		err := do(ctx)
		if ctx.Err() != nil {
			return
		}
		fyne.Do(func() {
			switch {
			case wire.Code(err) == wire.CodeConfirm:
				d.confirm(func() { d.Try(do, then) })
			case err != nil:
				d.Again() // a slider goes back to what is
				d.Fail(err)
			case then != nil:
				then()
			}
		})
	})
}

// Fail says what went wrong.
func (d *Desk) Fail(err error) { d.toasts.say(model.Problem(err, d.Texts), "", true, nil) }

// Load is Try for what a page shows by itself: where the hub does not tell this person, nothing is said
// and then does not run.
func (d *Desk) Load(do func(ctx context.Context) error, then func()) {
	d.LoadOr(do, then, func() {})
}

// LoadOr is Load that runs denied where the hub does not tell this person.
func (d *Desk) LoadOr(do func(ctx context.Context) error, then, denied func()) {
	told := true
	d.Try(func(ctx context.Context) error {
		err := do(ctx)
		if told = wire.Code(err) != wire.CodeForbidden; !told {
			return nil
		}
		return err
	}, func() {
		if told {
			then()
			return
		}
		denied()
	})
}

// confirm asks for the password, as the hub does of an app elsewhere before what cannot be undone.
func (d *Desk) confirm(again func()) {
	d.Ask(Question{Title: d.Text("app.confirm"), Text: d.Text("app.confirm.text"), Yes: d.Text("app.confirm.yes"),
		Fields: []Field{{Name: d.Text("gate.password"), Secret: true}},
		Do:     func(ctx context.Context, a []Answer) (string, error) { return "", d.Hub.Unlock(ctx, a[0].Text) },
		Then:   func(string) { again() }})
}

// Order sends a command.
func (d *Desk) Order(o model.Order) {
	d.Try(func(ctx context.Context) error { return d.Hub.Do(ctx, o.Accessory, o.Do) }, nil)
}

// Leave asks whether the app shall forget its hub, and has it do so.
func (d *Desk) Leave(forget func(context.Context) error) {
	d.Ask(Question{Title: d.Text("app.settings.leave"), Text: d.Text("app.settings.leave.text"), Yes: d.Text("app.settings.leave.yes"), Danger: true,
		Do: func(ctx context.Context, _ []Answer) (string, error) { return "", forget(ctx) }})
}

// Forgetter is a hub that the app can forget.
type Forgetter interface {
	Unpair(ctx context.Context) error
}

// Gone says whether a thing is about to be deleted.
func (d *Desk) Gone(id string) bool { return d.gone[id] }
