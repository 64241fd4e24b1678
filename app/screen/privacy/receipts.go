package privacy

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/model/keeping"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Receipts lists what was forgotten, each with its proof.
type Receipts struct {
	*frame.Living[receiptsView]
	d     *frame.Desk
	list  []wire.PrivacyReceipt
	asked bool
	state frame.State
}

type receiptsView struct {
	Slips []keeping.Slip
	Known bool
}

// NewReceipts makes it.
func NewReceipts(d *frame.Desk) *Receipts {
	p := &Receipts{d: d}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *Receipts) Show(s frame.State) {
	p.state = s
	if !p.asked {
		p.asked = true
		var list []wire.PrivacyReceipt
		p.d.Load(func(ctx context.Context) (err error) {
			list, err = p.d.Hub.Receipts(ctx)
			return err
		}, func() {
			p.list = append([]wire.PrivacyReceipt{}, list...)
			p.Show(p.state)
		})
	}
	p.Update(receiptsView{keeping.SlipsOf(p.list, p.d.Texts, p.d.Place), p.list != nil})
}

func (p *Receipts) build(v receiptsView) []fyne.CanvasObject {
	page := []fyne.CanvasObject{p.d.BackHead(p.d.Text("app.page.receipts")), frame.Low(p.d.Text("app.receipt.text"))}
	grid := frame.Grid()
	for _, s := range v.Slips {
		grid.Add(p.card(s))
	}
	if v.Known && len(v.Slips) == 0 {
		grid.Add(frame.Section("", frame.Wrapped(p.d.Text("app.receipt.empty"))))
	}
	check := frame.Button(p.d.Text("app.receipt.judge"), theme.SearchIcon(), p.judge)
	return append(page, grid, container.NewHBox(check))
}

func (p *Receipts) card(s keeping.Slip) fyne.CanvasObject {
	icon := theme.ConfirmIcon()
	if s.Waiting {
		icon = theme.HistoryIcon()
	}
	line := container.NewBorder(nil, nil, widget.NewIcon(icon), widget.NewIcon(theme.NavigateNextIcon()), lines(s.Title, "", "", s.When, s.State))
	card := parts.NewCard("", func() { p.d.Go(model.Route{Place: model.AtReceipt, ID: s.ID}) }, line)
	card.SetTitle(s.Title + ", " + s.When + ", " + s.State)
	return card
}

// judge reads a file that somebody kept and says here, without the hub, whether it is genuine.
func (p *Receipts) judge() {
	folder, _ := os.UserHomeDir()
	p.d.Ask(frame.Question{Title: p.d.Text("app.receipt.judge"), Text: p.d.Text("app.receipt.judge.text"), Yes: p.d.Text("app.receipt.judge.yes"),
		Fields: []frame.Field{{Name: p.d.Text("onboard.save.path"), Value: filepath.Join(folder, "ingle-receipt.json")}},
		Do: func(_ context.Context, a []frame.Answer) (string, error) {
			raw, err := read(a[0].Text)
			if err != nil {
				return "", err
			}
			return keeping.Judge(raw, p.d.Texts, p.d.Place)
		},
		Then: func(said string) {
			p.d.Ask(frame.Question{Title: p.d.Text("app.receipt.genuine"), Text: said, Yes: p.d.Text("app.close")})
		}})
}

// read takes no more of a file than a receipt may have.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
		return nil, wire.Refuse(0, "receipt.form")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, wire.Refuse(0, "receipt.form")
	}
	return raw, nil
}

// Receipt shows one proof: what there was and is, what became of each place, what remains and why.
type Receipt struct {
	*frame.Living[keeping.Proof]
	d     *frame.Desk
	id    string
	file  string
	asked bool
	done  func() // of a proof that stands where the home was; nil as a rule
}

// NewReceipt makes the page of the receipt with an ID.
func NewReceipt(d *frame.Desk, id string) *Receipt {
	p := &Receipt{d: d, id: id}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// NewLast makes the page of a receipt that the hub has no more to show; done is called when somebody is
// through with it.
func NewLast(d *frame.Desk, r wire.PrivacyReceipt, done func()) *Receipt {
	p := NewReceipt(d, r.ID)
	p.file, p.asked, p.done = r.File, true, done
	p.Show(frame.State{})
	return p
}

// Show brings it up to date.
func (p *Receipt) Show(frame.State) {
	if !p.asked {
		p.asked = true
		p.load()
	}
	p.Update(keeping.ProofOf(p.file, p.d.Texts, p.d.Place))
}

func (p *Receipt) load() {
	var list []wire.PrivacyReceipt
	p.d.Load(func(ctx context.Context) (err error) {
		list, err = p.d.Hub.Receipts(ctx)
		return err
	}, func() {
		if at := slices.IndexFunc(list, func(r wire.PrivacyReceipt) bool { return r.ID == p.id }); at >= 0 {
			p.file = list[at].File
			p.Show(frame.State{})
		}
	})
}

func (p *Receipt) build(v keeping.Proof) []fyne.CanvasObject {
	var page []fyne.CanvasObject
	switch {
	case p.done != nil:
		page = append(page, frame.Head(p.d.Text("receipt.title")))
	default:
		page = append(page, p.d.BackHead(p.d.Text("app.page.receipt")))
	}
	if p.file == "" {
		return page
	}
	if !v.Sound {
		bad := frame.Wrapped(p.d.Text("receipt.forged"))
		bad.Importance = widget.DangerImportance
		return append(page, frame.Section("", bad))
	}
	page = append(page, frame.Buttons(
		frame.Button(p.d.Text("app.receipt.save"), theme.DocumentSaveIcon(), func() {
			p.d.SaveAs(p.d.Text("app.receipt.save"), p.d.Text("app.receipt.save.text"), "ingle-receipt-"+v.Slip.ID+".json", []byte(p.file))
		}),
		frame.Button(p.d.Text("onboard.print"), theme.DocumentPrintIcon(), func() { p.d.Print(keeping.Page(p.file, p.d.Texts)) })))
	page = append(page, frame.Grid(append([]fyne.CanvasObject{p.summary(v)}, p.proof(v)...)...))
	if p.done != nil {
		end := frame.Button(p.d.Text("app.receipt.end"), theme.ConfirmIcon(), p.done)
		end.Importance = widget.HighImportance
		page = append(page, end)
	}
	return page
}

func (p *Receipt) summary(v keeping.Proof) fyne.CanvasObject {
	icon := theme.ConfirmIcon()
	if v.Slip.Waiting {
		icon = theme.HistoryIcon()
	}
	stand := frame.Wrapped(v.Slip.State)
	body := []fyne.CanvasObject{frame.Wrapped(v.Slip.Title), frame.Signed(icon, stand),
		frame.Pair(p.d.Text("receipt.begun"), v.Begun), frame.Pair(p.d.Text("receipt.made"), v.Slip.When), frame.Caption(p.d.Text("app.receipt.nobody"))}
	return frame.Section(p.d.Text("app.receipt.genuine"), body...)
}

// proof are the parts of a receipt; what there is nothing of is left out.
func (p *Receipt) proof(v keeping.Proof) []fyne.CanvasObject {
	var tiles []fyne.CanvasObject
	if len(v.Counts) > 0 {
		list := frame.Tight()
		for _, f := range v.Counts {
			list.Add(frame.Pair(f.Name, f.Value))
		}
		tiles = append(tiles, frame.Section(p.d.Text("receipt.counts"), list))
	}
	if len(v.Waiting) > 0 {
		tiles = append(tiles, frame.Section(p.d.Text("privacy.expect.waiting"), steps(theme.HistoryIcon(), v.Waiting)...))
	}
	if len(v.Not) > 0 {
		tiles = append(tiles, frame.Section(p.d.Text("privacy.expect.impossible"), steps(theme.WarningIcon(), v.Not)...))
	}
	if len(v.Done) > 0 {
		tiles = append(tiles, frame.Section(p.d.Text("receipt.places"), steps(theme.ConfirmIcon(), v.Done)...))
	}
	if len(v.Remains) > 0 {
		var list []fyne.CanvasObject
		for _, f := range v.Remains {
			list = append(list, lines(f.Name, f.Value, ""))
		}
		tiles = append(tiles, frame.Section(p.d.Text("receipt.remains"), list...))
	}
	proof := []fyne.CanvasObject{frame.Wrapped(v.Search), frame.Caption(p.d.Text("receipt.keys"))}
	for _, k := range v.Keys {
		proof = append(proof, mono(k))
	}
	proof = append(proof, frame.Caption(p.d.Text("receipt.pin")), mono(v.Pin))
	return append(tiles, frame.Section(p.d.Text("receipt.proof"), proof...))
}

// mono is a fingerprint, to be compared and copied.
func mono(text string) fyne.CanvasObject {
	l := frame.Wrapped(text)
	l.TextStyle.Monospace, l.Selectable, l.SizeName = true, true, theme.SizeNameCaptionText
	return l
}
