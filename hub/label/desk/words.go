package desk

import (
	"context"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/label"
)

// of makes a thing's label in the words of the API.
func (d *Desk) of(ctx context.Context, a home.Accessory) (wire.Label, error) {
	r, err := d.Store.Load(ctx, a.ID)
	if err != nil {
		return wire.Label{}, err
	}
	lines, err := d.judge(ctx, a, r)
	if err != nil {
		return wire.Label{}, err
	}
	w := wire.Label{
		Device: a.ID, Name: a.Name, Kind: a.Kind, Maker: r.Maker, Model: r.Model, Firmware: r.Firmware, Senses: []string{}, Holds: []string{},
		Consent: when(agreed(a, r)), Checked: when(r.Looked), Offline: when(r.Offline.Since),
	}
	w.Senses, w.Holds = append(w.Senses, r.Senses...), append(w.Holds, r.Holds...)
	for _, c := range r.History {
		w.History = append(w.History, wire.LabelState{At: c.At, Line: c.Line, State: string(c.State), Text: c.Text})
	}
	consent := agreed(a, r)
	if consent.IsZero() {
		consent = d.Clock.Now() // only to learn whether there is anything to agree to
	}
	if t, err := d.target(ctx, a, consent); err == nil {
		w.Doors = true
		next, _, err := d.prober.Next(ctx, t)
		if err != nil {
			return wire.Label{}, err
		}
		w.Next = when(next)
	}
	d.fill(&w, lines)
	return w, nil
}

// hub is the hub's own label.
func (d *Desk) hub() wire.Label {
	w := wire.Label{Device: wire.HubLabel, Name: "Ingle", Kind: wire.HubLabel, Senses: []string{}, Holds: []string{}}
	d.fill(&w, label.OfHub(d.Own(), d.Clock.Now()))
	return w
}

func (d *Desk) fill(w *wire.Label, lines []label.Line) {
	w.Made = d.Clock.Now()
	w.OK, w.Fix, w.Unknown = label.Count(lines, label.OK), label.Count(lines, label.Fix), label.Count(lines, label.Unknown)
	w.Lines = make([]wire.LabelLine, 0, len(lines))
	for _, l := range lines {
		w.Lines = append(w.Lines, wire.LabelLine{
			Line: l.Name, State: string(l.State), Text: l.Text, Args: l.Args, Step: l.Step, Method: string(l.Method),
			At: when(l.At), Until: when(l.Until), Source: l.Source, Raw: l.Raw,
		})
	}
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
