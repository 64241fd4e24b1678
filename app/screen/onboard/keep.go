package onboard

import (
	"context"
	"net/url"
	"os"
	"path/filepath"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// keep is the end of the second step: the recovery code, until somebody says that they have it.
type keep struct {
	g       *Guide
	answer  wire.SetupAnswer
	note    *widget.Label
	kept    *widget.Check
	next    *parts.Button
	printed *parts.Button
}

func newKeep(g *Guide, answer wire.SetupAnswer) *keep {
	g.step, g.held, g.choose = atRecovery, true, nil
	k := &keep{g: g, answer: answer, note: frame.Low("")}
	k.note.Hide()
	words := frame.Wrapped(model.Lines(answer.RecoveryCode))
	words.SizeName, words.Selectable, words.Alignment = theme.SizeNameSubHeadingText, true, fyne.TextAlignCenter
	words.TextStyle = fyne.TextStyle{Bold: true, Monospace: true}
	k.printed = frame.Button(g.text("onboard.print"), theme.DocumentPrintIcon(), k.print)
	save := frame.Button(g.text("onboard.save"), theme.DocumentSaveIcon(), k.save)
	k.next = next(g.text("onboard.next"), k.goOn)
	k.next.Disable()
	k.kept = widget.NewCheck(g.text("onboard.kept"), func(yes bool) {
		if k.next.Enable(); !yes {
			k.next.Disable()
		}
	})
	level := frame.Low(g.text("protection." + string(answer.Protection)))
	g.keep = k
	g.put(2, "gate.recovery", k.printed, words, frame.Buttons(k.printed, save), k.note, k.kept, level, k.next)
	return k
}

func (k *keep) page() []byte {
	return model.Sheet(k.answer.RecoveryCode, k.g.Desk.Now().In(k.g.Desk.Place).Format("2006-01-02"), k.g.Desk.Texts)
}

// print shows the sheet in the browser, which prints; nothing is written to a disk by this app.
func (k *keep) print() {
	page := k.page()
	k.g.work(k.printed, "onboard.printing", func(ctx context.Context) error {
		return k.g.Print(ctx, page, func(at *url.URL) error {
			var err error
			fyne.DoAndWait(func() { err = fyne.CurrentApp().OpenURL(at) })
			return err
		})
	}, func(err error) {
		key := "onboard.printed"
		if err != nil {
			key = "onboard.unprinted"
		}
		k.say(k.g.text(key))
	})
}

// save writes the sheet where a person says, and nowhere else.
func (k *keep) save() {
	at := "ingle-recovery.html"
	if home, err := os.UserHomeDir(); err == nil {
		at = filepath.Join(home, at)
	}
	page := k.page()
	k.g.Desk.Ask(frame.Question{
		Title: k.g.text("onboard.save"), Text: k.g.text("onboard.save.text"), Yes: k.g.text("onboard.save.yes"),
		Fields: []frame.Field{{Name: k.g.text("onboard.save.path"), Value: at}},
		Do: func(_ context.Context, a []frame.Answer) (string, error) {
			return a[0].Text, frame.Write(a[0].Text, page)
		},
		Then: func(path string) { k.say(k.g.Desk.Texts.Text("onboard.saved", i18n.Args{"path": path})) },
	})
}

func (k *keep) say(words string) {
	frame.Set(k.note, words)
	k.g.settle()
}

func (k *keep) goOn() {
	code, servers := k.answer.RecoveryCode, k.answer.HomeKit
	k.answer.RecoveryCode = ""
	k.g.Desk.Work(func(ctx context.Context) {
		_ = k.g.Hub.ConfirmRecovery(ctx, code) // or else the hub goes on saying that nobody has it
	})
	newHome(k.g, servers)
}

// beside stands one button beside words.
func beside(words fyne.CanvasObject, b fyne.CanvasObject) fyne.CanvasObject {
	return container.NewBorder(nil, nil, nil, container.NewCenter(b), words)
}
