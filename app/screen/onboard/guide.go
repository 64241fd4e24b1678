// Package onboard is how a household and its hub meet, in three steps: find the hub and prove its code,
// choose the password, add the home to Apple Home. Each step presets what is safe; a step that was done is
// not asked again when the app is closed half-way, because where it stands is what the hub says.
//
// Keys: Tab reaches all, Space chooses, Enter in a field or on a button goes on.
package onboard

import (
	"context"
	"net/url"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Hub is what the steps ask of a hub, and of the network before there is one.
type Hub interface {
	Search(ctx context.Context, found func([]link.Found))
	Pair(ctx context.Context, address, code string) error
	PairHere(ctx context.Context) error
	Suggest(ctx context.Context, language string) (wire.Passphrase, error)
	Judge(ctx context.Context, password string) (wire.Verdict, error)
	Setup(ctx context.Context, password, language string) (wire.SetupAnswer, error)
	ConfirmRecovery(ctx context.Context, code string) error
	Find(ctx context.Context, d time.Duration) ([]wire.Found, error)
	Add(ctx context.Context, r wire.AddRequest) (wire.Accessory, error)
	Check()
}

// Options are what a guide needs. Done is called when the household is through; Print shows a page to be
// printed, without a file.
type Options struct {
	Hub   Hub
	Desk  *frame.Desk
	Done  func()
	Print func(ctx context.Context, page []byte, open func(*url.URL) error) error
}

// Guide is the three steps. Its methods are for the window's goroutine.
type Guide struct {
	Options
	holder *fyne.Container
	step   step
	find   *find
	choose *choose
	keep   *keep
	held   bool // the recovery code or Apple Home is shown: it goes on whatever the hub says
	agreed bool // a person chose the hub on this computer
	first  fyne.Focusable
}

type step uint8

const (
	nowhere step = iota
	atFind
	atPassword
	atRecovery
	atHome
)

// New makes a guide that shows nothing yet.
func New(o Options) *Guide { return &Guide{Options: o, holder: container.NewStack()} }

// Content is the page.
func (g *Guide) Content() fyne.CanvasObject { return g.holder }

// Held says that a step goes on whatever the hub says: the recovery code is shown only once.
func (g *Guide) Held() bool { return g.held }

// First is what has the focus at first; nil: nothing.
func (g *Guide) First() fyne.Focusable { return g.first }

// Show brings the guide to the step that the hub is at.
func (g *Guide) Show(s link.State) {
	next := atFind
	if s.Phase == link.Unclaimed && (s.Known || g.agreed) {
		next = atPassword
	}
	if g.held || g.step == next {
		return
	}
	g.Close()
	if g.step = next; next == atPassword {
		g.choose = newChoose(g)
		return
	}
	g.find = newFind(g)
	if s.Why != nil {
		g.find.say(model.Problem(s.Why, g.Desk.Texts), nil)
	}
}

// Close ends what the guide does in the background.
func (g *Guide) Close() {
	if g.find != nil {
		g.find.stop()
	}
	g.step, g.find, g.choose, g.keep = nowhere, nil, nil, nil
}

func (g *Guide) text(key string) string { return g.Desk.Text(key) }

// put shows a step: which of the three it is, a title, a text and what there is to do.
func (g *Guide) put(number int, key string, first fyne.Focusable, body ...fyne.CanvasObject) {
	head := frame.Wrapped(g.text(key + ".title"))
	head.SizeName, head.TextStyle = theme.SizeNameHeadingText, fyne.TextStyle{Bold: true}
	list := append([]fyne.CanvasObject{g.steps(number), head, frame.Wrapped(g.text(key + ".text"))}, body...)
	column := container.New(&parts.Middle{Width: 560, Margin: 12}, parts.NewTile("", list...))
	page := container.NewVScroll(container.NewVBox(layout.NewSpacer(), column, layout.NewSpacer()))
	g.holder.Objects = []fyne.CanvasObject{page}
	g.holder.Refresh()
	g.first = first
	if c := g.Desk.Canvas(); c != nil && first != nil {
		c.Focus(first)
	}
}

// steps says where one is.
func (g *Guide) steps(number int) fyne.CanvasObject {
	return frame.Caption(g.Desk.Texts.Text("onboard.step", i18n.Args{"number": string(rune('0' + number)), "name": g.text("onboard.step." + string(rune('0'+number)))}))
}

// settle lays the page out again after words have changed.
func (g *Guide) settle() { g.holder.Refresh() }

// work runs do elsewhere and then its end here, with the button saying so meanwhile.
func (g *Guide) work(b *parts.Button, meanwhile string, do func(ctx context.Context) error, then func(error)) {
	if b.Works() {
		return
	}
	over := b.Busy(g.text(meanwhile))
	g.Desk.Work(func(ctx context.Context) {
		err := do(ctx)
		if ctx.Err() != nil {
			return
		}
		fyne.Do(func() {
			over()
			then(err)
		})
	})
}

// problem is a label for what went wrong; hidden while nothing did.
func problem() *widget.Label {
	l := frame.Wrapped("")
	l.Importance = widget.DangerImportance
	l.Hide()
	return l
}

// next is the button that goes on.
func next(text string, tapped func()) *parts.Button {
	b := parts.NewButton(text, nil, tapped, nil)
	b.Importance = widget.HighImportance
	return b
}

// Next goes on from the step that is shown, as its button does.
func (g *Guide) Next() {
	switch {
	case g.find != nil:
		g.find.goOn()
	case g.choose != nil:
		g.choose.goOn()
	case g.keep != nil:
		g.keep.goOn()
	}
}

// Prove writes a code into the first step and goes on.
func (g *Guide) Prove(code string) {
	if g.find != nil {
		g.find.code.SetText(code)
		g.find.goOn()
	}
}
