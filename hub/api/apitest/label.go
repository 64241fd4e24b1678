package apitest

import (
	"context"
	"net/http"
	"time"

	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// labels are made up: one line of each state for every thing.
type labels struct {
	home   *Home
	agreed map[string]time.Time
}

// Labels are the labels of the home's things.
func (h *Home) Labels() server.Labels { return h.labels }

func (l *labels) Labels(ctx context.Context) ([]wire.Label, error) {
	s, err := l.home.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	list := []wire.Label{l.of(wire.Accessory{ID: wire.HubLabel, Name: "Ingle", Kind: wire.HubLabel})}
	for _, a := range s.Accessories {
		if a.Driver != "" {
			list = append(list, l.of(a))
		}
	}
	return list, nil
}

// Label finds one by its ID or name.
func (l *labels) Label(ctx context.Context, id string) (wire.Label, error) {
	list, err := l.Labels(ctx)
	for _, one := range list {
		if one.Device == id || one.Name == id {
			return one, err
		}
	}
	return wire.Label{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
}

func (l *labels) Check(ctx context.Context, id string, c wire.LabelCheck) (wire.Label, error) {
	one, err := l.Label(ctx, id)
	if err != nil {
		return one, err
	}
	l.home.mu.Lock()
	_, agreed := l.agreed[one.Device]
	if c.Consent && !agreed {
		l.agreed[one.Device] = time.Now().UTC()
	}
	l.home.mu.Unlock()
	if !agreed && !c.Consent {
		return wire.Label{}, wire.Refuse(http.StatusConflict, "label.consent")
	}
	return l.Label(ctx, id)
}

func (l *labels) Offline(ctx context.Context, id string, o wire.LabelOffline) (wire.Label, error) {
	if o.Step == "finish" {
		return wire.Label{}, wire.Refuse(http.StatusConflict, "label.offline-short")
	}
	return l.Label(ctx, id)
}

func (l *labels) of(a wire.Accessory) wire.Label {
	l.home.mu.Lock()
	defer l.home.mu.Unlock()
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	until := at.AddDate(0, 0, 30)
	w := wire.Label{
		Device: a.ID, Name: a.Name, Kind: a.Kind, Maker: "Maker", Model: "Model 1", Firmware: "V5.5.82 build 190120", Made: at, OK: 1, Fix: 1, Unknown: 1,
		Senses: []string{"video", "sound"}, Holds: []string{"holding.recordings"}, Doors: a.Kind == "camera",
		Lines: []wire.LabelLine{
			{Line: "own-password", State: wire.LabelOK, Text: "label.own-password.ok", Args: map[string]string{"signs": "18"}, Method: "measured", At: &at, Until: &until},
			{Line: "contact", State: wire.LabelUnknown, Text: "label.contact.no-maker"},
			{Line: "encrypted", State: wire.LabelFix, Text: "label.encrypted.clear", Step: "label.encrypted.clear.do", Method: "measured", At: &at, Until: &until, Raw: []string{"encrypted: no (measured)"}},
			{Line: "right-clock", State: wire.LabelNone, Text: "label.right-clock.none"},
		},
	}
	if agreed, has := l.agreed[a.ID]; has {
		w.Consent, w.Checked = &agreed, &agreed
	}
	return w
}
