package frame

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"fyne.io/fyne/v2"

	"github.com/ingle-home/ingle/app/sheet"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Archive is what pages ask about what is kept, and how it is forgotten.
type Archive interface {
	PrivacyInventory(ctx context.Context, s wire.PrivacyScope, room string) ([]wire.PrivacyItem, error)
	PlanForgetting(ctx context.Context, s wire.PrivacyScope) (wire.PrivacyPlan, error)
	Forget(ctx context.Context, r wire.ForgetRequest) (wire.PrivacyReceipt, error)
	Receipts(ctx context.Context) ([]wire.PrivacyReceipt, error)
	Retention(ctx context.Context) ([]wire.RetentionRule, error)
	SetRetention(ctx context.Context, r wire.RetentionRule) error
	Consents(ctx context.Context) ([]wire.Consent, error)
	NoteConsent(ctx context.Context, n wire.Consent) error
	Paused(ctx context.Context) ([]wire.PausePerson, error)
	PausePerson(ctx context.Context, p wire.PausePerson) error
}

// Labels is what pages ask about how safe things are.
type Labels interface {
	Labels(ctx context.Context) ([]wire.Label, error)
	Label(ctx context.Context, id string) (wire.Label, error)
	CheckLabel(ctx context.Context, id string, q wire.LabelCheck) (wire.Label, error)
	TestOffline(ctx context.Context, id string, q wire.LabelOffline) (wire.Label, error)
}

// Witness is what pages ask about who looked, and what happened to the hub's security.
type Witness interface {
	Ledger(ctx context.Context, q wire.LedgerQuery) ([]wire.Viewing, error)
	VerifyLedger(ctx context.Context) (wire.ChainCheck, error)
	Security(ctx context.Context) (wire.Security, error)
	VerifySecurity(ctx context.Context) (wire.ChainCheck, error)
	AcknowledgeAlert(ctx context.Context, id string) error
}

// Print shows a page in the browser, which prints; this app writes nothing to a disk.
func (d *Desk) Print(page []byte) {
	d.Try(func(ctx context.Context) error {
		err := sheet.Print(ctx, page, func(at *url.URL) error {
			var err error
			fyne.DoAndWait(func() { err = fyne.CurrentApp().OpenURL(at) })
			return err
		})
		if err != nil {
			return wire.Refuse(0, "app.print.failed")
		}
		return nil
	}, func() { d.Say(d.Text("app.print.done")) })
}

// SaveAs asks where to write something to, and writes it there for its owner alone.
func (d *Desk) SaveAs(title, text, name string, content []byte) {
	at := name
	if home, err := os.UserHomeDir(); err == nil {
		at = filepath.Join(home, name)
	}
	d.Ask(Question{Title: title, Text: text, Yes: d.Text("app.save"), Fields: []Field{{Name: d.Text("onboard.save.path"), Value: at}},
		Do:   func(_ context.Context, a []Answer) (string, error) { return a[0].Text, Write(a[0].Text, content) },
		Then: func(path string) { d.Say(d.Texts.Text("onboard.saved", i18n.Args{"path": path})) }})
}

// Write makes a file that only its owner can read; none is written over.
func Write(path string, page []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return wire.Refuse(0, "onboard.save.exists", "path", path)
	case err != nil:
		return wire.Refuse(0, "onboard.save.failed", "path", path)
	}
	_, err = f.Write(page)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(path)
		return wire.Refuse(0, "onboard.save.failed", "path", path)
	}
	return nil
}
