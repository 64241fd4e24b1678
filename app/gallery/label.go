package gallery

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// labels are those of the family's hub and things: one is well, one has much to fix.
func labels(now time.Time) []wire.Label {
	at := now.Add(-26 * time.Hour)
	until := at.AddDate(0, 0, 30)
	line := func(name, state, code string, args ...string) wire.LabelLine {
		l := wire.LabelLine{Line: name, State: state, Text: "label." + name + "." + code}
		for i := 0; i+1 < len(args); i += 2 {
			l.Args = map[string]string{args[i]: args[i+1]}
		}
		if state == wire.LabelFix || code == "not-looked" || code == "untested" {
			l.Step = l.Text + ".do"
		}
		if state == wire.LabelOK || state == wire.LabelFix {
			l.Method, l.At, l.Until = "measured", &at, &until
			l.Raw = []string{name + ": " + state + " (measured)"}
		}
		return l
	}
	hub := []wire.LabelLine{line("own-key", "ok", "tpm"), line("own-sandbox", "ok", "on"), line("own-dumps", "ok", "none"), line("own-listeners", "ok", "meant", "n", "4"),
		line("own-updates", "unknown", "none-yet"), line("own-support", "ok", "until", "date", "2031-12-31")}
	porch := []wire.LabelLine{line("own-password", "ok", "ok", "signs", "24"), line("contact", "unknown", "no-maker"), line("support", "unknown", "none"),
		line("anonymous-video", "ok", "asks"), line("anonymous-control", "ok", "asks"), line("other-accounts", "ok", "ours"), line("doors", "fix", "open", "doors", "23 (Telnet)"),
		line("tls", "fix", "http-only"), line("encrypted", "fix", "clear"), line("firmware", "unknown", "unlisted", "version", "V5.5.82 build 190120"), line("right-clock", "ok", "right"),
		line("offline", "unknown", "untested"), line("wipe", "ok", "hub")}
	garden := []wire.LabelLine{line("own-password", "fix", "factory"), line("contact", "unknown", "no-maker"), line("support", "unknown", "none"), line("anonymous-video", "fix", "open"),
		line("doors", "unknown", "not-looked"), line("tls", "unknown", "not-looked"), line("encrypted", "fix", "clear"), line("offline", "unknown", "untested")}
	watch := []wire.LabelLine{line("own-password", "unknown", "unknown"), line("contact", "unknown", "no-maker"), line("support", "unknown", "none"), line("doors", "not-applicable", "calls"),
		line("encrypted", "fix", "clear"), line("offline", "ok", "local"), line("wipe", "ok", "hub")}
	toy := []wire.LabelLine{line("own-password", "fix", "none"), line("contact", "unknown", "no-maker"), line("support", "unknown", "none"), line("encrypted", "ok", "yes"), line("wipe", "not-applicable", "nothing")}
	return []wire.Label{
		counted(wire.Label{Device: wire.HubLabel, Name: "Ingle", Kind: wire.HubLabel, Made: now, Lines: hub}),
		counted(wire.Label{Device: Porch, Name: "Porch", Kind: "camera", Maker: "Maker", Model: "Eye 5", Firmware: "V5.5.82 build 190120", Made: now, Lines: porch,
			Senses: []string{"video", "sound", "motion"}, Holds: []string{"holding.recordings"}, Doors: true, Consent: &at, Checked: &at,
			History: []wire.LabelState{{At: at, Line: "doors", State: wire.LabelFix, Text: "label.doors.open"}, {At: at.AddDate(0, 0, -4), Line: "own-password", State: wire.LabelOK, Text: "label.own-password.ok"}}}),
		counted(wire.Label{Device: Garden, Name: "Garden", Kind: "camera", Made: now, Lines: garden, Senses: []string{"video"}, Doors: true}),
		counted(wire.Label{Device: Watch, Name: "Mia's watch", Kind: "watch", Made: now, Lines: watch, Senses: []string{"where", "steps"}, Holds: []string{"holding.positions", "holding.contacts"}}),
		counted(wire.Label{Device: Rocket, Name: "Rocket", Kind: "toy", Made: now, Lines: toy}),
	}
}

// counted counts the lines.
func counted(l wire.Label) wire.Label {
	for _, one := range l.Lines {
		switch one.State {
		case wire.LabelOK:
			l.OK++
		case wire.LabelFix:
			l.Fix++
		case wire.LabelUnknown:
			l.Unknown++
		}
	}
	return l
}

// Labels lists the labels.
func (h *House) Labels(context.Context) ([]wire.Label, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.archive.labels), nil
}

// Label gives one.
func (h *House) Label(_ context.Context, id string) (wire.Label, error) {
	return h.labelled(id, func(*wire.Label) {})
}

// labelled changes a label, and gives it.
func (h *House) labelled(id string, change func(*wire.Label)) (wire.Label, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.archive.labels {
		if h.archive.labels[i].Device == id {
			change(&h.archive.labels[i])
			return h.archive.labels[i], nil
		}
	}
	return wire.Label{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
}

// CheckLabel knocks at nothing: the things are made up.
func (h *House) CheckLabel(_ context.Context, id string, q wire.LabelCheck) (wire.Label, error) {
	return h.labelled(id, func(l *wire.Label) {
		if q.Withdraw {
			l.Consent = nil
			return
		}
		now := h.now()
		next := now.AddDate(0, 0, 1)
		l.Consent, l.Checked, l.Next = &now, &now, &next
	})
}

// TestOffline begins and ends at once.
func (h *House) TestOffline(_ context.Context, id string, q wire.LabelOffline) (wire.Label, error) {
	return h.labelled(id, func(l *wire.Label) {
		if l.Offline = nil; q.Step == "start" {
			now := h.now()
			l.Offline = &now
		}
	})
}
