package onboard

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// find is the first step: which hub, and its code.
type find struct {
	g       *Guide
	stop    func()
	offers  []model.Offer
	own     wire.State // of the hub on this computer
	touched bool       // a person has chosen, so nothing is chosen for them any more

	hubs    *widget.RadioGroup
	looking *widget.Label
	address *parts.Entry
	code    *parts.Entry
	where   *fyne.Container // the field for an address
	proof   *fyne.Container // the field for the code
	signs   *widget.Label
	problem *widget.Label
	next    *parts.Button
}

func newFind(g *Guide) *find {
	f := &find{g: g, stop: func() {}, looking: frame.Low(g.text("onboard.looking")), signs: frame.Caption(""), problem: problem()}
	keys := parts.Keys{Cancel: func() {}, Confirm: f.goOn}
	f.address = parts.NewEntry(g.text("gate.pair.address"), false, keys)
	f.code = parts.NewEntry(g.text("gate.pair.code"), false, keys)
	f.code.TextStyle.Monospace = true
	f.code.OnChanged = func(string) { f.check() }
	f.where = frame.Tight(f.address, frame.Caption(g.text("onboard.address.form")))
	f.proof = container.NewVBox(frame.Tight(f.code, f.signs), frame.Low(g.text("gate.pair.text")))
	f.hubs = widget.NewRadioGroup(nil, func(string) { f.pick() })
	f.hubs.Required = true
	f.next = next(g.text("onboard.next"), f.goOn)
	f.take(nil)
	f.check()
	g.put(1, "onboard.find", f.next, f.looking, f.hubs, f.where, f.proof, f.problem, f.next)
	f.search()
	return f
}

// search goes on as long as the step is shown.
func (f *find) search() {
	own, stop := context.WithCancel(context.Background())
	f.stop = stop
	f.g.Desk.Work(func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(own, cancel)()
		f.g.Hub.Search(ctx, func(list []link.Found) {
			if ctx.Err() == nil {
				fyne.Do(func() { f.take(list) })
			}
		})
	})
}

// take shows the hubs that there are now. The one on this computer is chosen before all others: it needs no
// code.
func (f *find) take(list []link.Found) {
	old, had := f.choice()
	for _, l := range list {
		if l.Here {
			f.own = l.State
		}
	}
	f.offers = model.Offers(list, f.g.Desk.Texts)
	names := []string{}
	for _, o := range f.offers {
		names = append(names, o.Name)
	}
	names = append(names, f.g.text("onboard.elsewhere"))
	key := "onboard.looking"
	if len(list) > 0 {
		key = "onboard.seen"
	}
	frame.Set(f.looking, f.g.text(key))
	at := 0
	if i := slices.IndexFunc(f.offers, func(o model.Offer) bool { return o.Address == old.Address }); had && f.touched {
		at = i
	}
	if f.touched && (!had || at < 0) {
		at = len(f.offers)
	}
	f.hubs.Options, f.hubs.Selected = names, names[at]
	f.hubs.Refresh()
	f.chosen()
}

// choice is the hub that is chosen; false: an address is typed.
func (f *find) choice() (model.Offer, bool) {
	for _, o := range f.offers {
		if o.Name == f.hubs.Selected {
			return o, true
		}
	}
	return model.Offer{}, false
}

// pick is after a person chose: what that takes is typed next.
func (f *find) pick() {
	f.touched = true
	frame.Set(f.problem, "")
	f.chosen()
	o, listed := f.choice()
	switch c := f.g.Desk.Canvas(); {
	case c == nil || listed && o.Address == "":
	case listed:
		c.Focus(f.code)
	default:
		c.Focus(f.address)
	}
}

func (f *find) chosen() {
	o, listed := f.choice()
	frame.Visible(f.where, !listed)
	frame.Visible(f.proof, !listed || o.Address != "")
	f.g.settle()
}

// check says how far the code is.
func (f *find) check() {
	c := model.TypeCode(f.code.Text, f.g.Desk.Texts)
	f.signs.Importance = widget.LowImportance
	switch {
	case c.Wrong:
		f.signs.Importance = widget.DangerImportance
	case c.Whole:
		f.signs.Importance = widget.SuccessImportance
	}
	f.signs.SetText(c.Words)
}

func (f *find) goOn() {
	o, listed := f.choice()
	if listed && o.Address == "" {
		f.g.work(f.next, "gate.working", f.g.Hub.PairHere, f.here)
		return
	}
	address, code := o.Address, f.code.Text
	if !listed {
		address = f.address.Text
	}
	switch {
	case address == "":
		f.say(f.g.text("onboard.address.none"), f.address)
		return
	case !model.TypeCode(code, f.g.Desk.Texts).Whole:
		f.say(f.g.text("claim.form")+" "+f.g.text("claim.form.do"), f.code)
		return
	}
	f.g.work(f.next, "onboard.proving", func(ctx context.Context) error { return f.g.Hub.Pair(ctx, address, code) }, func(err error) {
		if err != nil {
			f.say(model.ClaimProblem(err, f.g.Desk.Texts), f.code)
		}
	})
}

// here is after the hub on this computer was taken.
func (f *find) here(err error) {
	if err != nil {
		f.say(model.Problem(err, f.g.Desk.Texts), nil)
		return
	}
	f.g.agreed = true
	f.g.Hub.Check()
	if f.own == wire.Unclaimed {
		f.g.Show(link.State{Phase: link.Unclaimed})
	}
}

func (f *find) say(words string, focus fyne.Focusable) {
	frame.Set(f.problem, words)
	f.g.settle()
	if c := f.g.Desk.Canvas(); c != nil && focus != nil {
		c.Focus(focus)
	}
}
