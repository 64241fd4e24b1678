package desk

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/label"
	"github.com/ingle-home/ingle/hub/label/probe"
)

// lookTime bounds a look.
const lookTime = 2 * time.Minute

// shortest is how long a test without the internet takes at least.
const shortest = 2 * time.Minute

// Labels gives the hub's label and those of all things.
func (d *Desk) Labels(ctx context.Context) ([]wire.Label, error) {
	list := []wire.Label{d.hub()}
	for _, a := range d.Home().Accessories {
		l, err := d.of(ctx, a)
		if err != nil {
			return nil, problem(err, a.ID)
		}
		list = append(list, l)
	}
	return list, nil
}

// Label gives the label of one, by ID or name; wire.HubLabel is the hub.
func (d *Desk) Label(ctx context.Context, which string) (wire.Label, error) {
	if which == wire.HubLabel {
		return d.hub(), nil
	}
	a, err := d.Home().Accessory(which)
	if err != nil {
		return wire.Label{}, problem(err, which)
	}
	l, err := d.of(ctx, a)
	return l, problem(err, which)
}

// Check looks at a thing's doors, with the household's consent.
func (d *Desk) Check(ctx context.Context, which string, q wire.LabelCheck) (wire.Label, error) {
	a, err := d.Home().Accessory(which)
	if err != nil {
		return wire.Label{}, problem(err, which)
	}
	if q.Withdraw {
		if err := d.edit(ctx, a.ID, func(r *label.Record) { r.Consent, r.Host = time.Time{}, "" }); err != nil {
			return wire.Label{}, problem(err, which)
		}
		return d.Label(ctx, a.ID)
	}
	if q.Consent {
		if err := d.Agree(ctx, a.ID); err != nil {
			return wire.Label{}, problem(err, which)
		}
	}
	looking, cancel := context.WithTimeout(d.life, lookTime) // there is one a day: who asked for it may go
	defer cancel()
	if err := d.look(looking, a); err != nil {
		return wire.Label{}, d.later(ctx, a, err)
	}
	return d.Label(ctx, a.ID)
}

// Agree notes that the household agreed to a look at a thing's doors. An earlier yes keeps its date.
func (d *Desk) Agree(ctx context.Context, id string) error {
	a, err := d.Home().Accessory(id)
	if err != nil {
		return err
	}
	return d.edit(ctx, id, func(r *label.Record) {
		if agreed(a, *r).IsZero() {
			r.Consent, r.Host = d.Clock.Now(), hostOf(a)
		}
	})
}

// agreed is when the household agreed to a look at a thing where it is now; zero if it never did. Whatever
// has taken the thing's place in the network since is another matter: it may be one that must not be touched.
func agreed(a home.Accessory, r label.Record) time.Time {
	if r.Host != hostOf(a) {
		return time.Time{}
	}
	return r.Consent
}

// target is where a thing may be looked at.
func (d *Desk) target(ctx context.Context, a home.Accessory, consent time.Time) (probe.Target, error) {
	known := map[string][]uint16{"onvif": {80}, "rtsp": {554}}[a.Driver]
	if strings.Contains(a.Address, "://") || portOf(a.Address) {
		known = nil // the address says it
	}
	return probe.Permit(ctx, probe.Request{Kind: a.Kind, Address: a.Address, Consent: consent, Known: known})
}

func portOf(address string) bool {
	_, _, err := net.SplitHostPort(address)
	return err == nil
}

func (d *Desk) look(ctx context.Context, a home.Accessory) error {
	r, err := d.Store.Load(ctx, a.ID)
	if err != nil {
		return err
	}
	t, err := d.target(ctx, a, agreed(a, r))
	if err != nil {
		return err
	}
	if d.Thing(a.ID).Refused { // it may have locked itself, or be about to
		return errors.Join(probe.ErrPaused, d.prober.Pause(ctx, t))
	}
	found, err := d.prober.Look(ctx, t, r.Doors)
	if len(found.Doors) > 0 {
		err = errors.Join(err, d.edit(ctx, a.ID, func(r *label.Record) { r.Learn(found) }))
	}
	d.Log.Info("looked at the doors of an accessory", "accessory", a.ID, "packets", found.Packets, "broken", found.Broken)
	if err == nil && found.Broken {
		return probe.ErrPaused
	}
	return err
}

// later turns a refusal into words, with the time from which it will not be refused.
func (d *Desk) later(ctx context.Context, a home.Accessory, why error) error {
	r, err := d.Store.Load(ctx, a.ID)
	if err != nil {
		return problem(why, a.ID)
	}
	t, err := d.target(ctx, a, agreed(a, r))
	if err != nil {
		return problem(why, a.ID)
	}
	next, _, err := d.prober.Next(ctx, t)
	if err != nil || next.IsZero() {
		return problem(why, a.ID)
	}
	return problem(why, a.ID, "next", next.Local().Format("2006-01-02 15:04"))
}

// Offline is the test without the internet. The hub itself never reaches for the internet, so it is the
// household that takes it away, and the hub that watches the thing's line.
func (d *Desk) Offline(ctx context.Context, which string, q wire.LabelOffline) (wire.Label, error) {
	a, err := d.Home().Accessory(which)
	if err != nil {
		return wire.Label{}, problem(err, which)
	}
	thing, now := d.Thing(a.ID), d.Clock.Now()
	var refused error
	err = d.edit(ctx, a.ID, func(r *label.Record) {
		since := r.Offline.Since
		switch {
		case q.Step == "start" && !thing.Open:
			refused = errors.New("label.offline-line")
		case q.Step == "start":
			r.Offline.Since = now
		case q.Step == "finish" && (since.IsZero() || now.Sub(since) < shortest):
			refused = errors.New("label.offline-short")
		case q.Step == "finish":
			r.Offline = label.Offline{Done: now, Took: now.Sub(since), Worked: thing.Open && !thing.Since.After(since)}
		default:
			r.Offline.Since = time.Time{}
		}
	})
	if err = errors.Join(refused, err); err != nil {
		return wire.Label{}, problem(err, which)
	}
	return d.Label(ctx, a.ID)
}

// judge makes the lines of a record.
func (d *Desk) judge(ctx context.Context, a home.Accessory, r label.Record) ([]label.Line, error) {
	var logins []label.Login
	for _, one := range d.Home().Accessories {
		secrets, err := d.Secrets(ctx, one.ID)
		if err != nil {
			return nil, err
		}
		logins = append(logins, loginsOf(one, secrets)...)
	}
	in := label.Input{Kind: a.Kind, Record: r, Facts: d.Facts}
	if d.Clock.Now().After(d.Facts.Expires.Time()) {
		in.Facts.Makers = nil // nobody should believe it any more
	}
	if p, holds := label.Passwords(logins)[a.ID]; holds {
		in.Password = &p
	}
	return label.Label(in, d.Clock.Now()), nil
}

// loginsOf finds the names that belong to a thing's passwords: "user" to "password", "admin" or
// "admin-user" to "admin-password".
func loginsOf(a home.Accessory, secrets map[string]string) []label.Login {
	var all []label.Login
	for key, password := range secrets {
		stem, is := strings.CutSuffix(key, "password")
		if !is || password == "" {
			continue
		}
		stem = strings.TrimSuffix(stem, "-")
		user := a.Fields["user"]
		for _, field := range []string{stem, stem + "-user"} {
			if a.Fields[field] != "" {
				user = a.Fields[field]
			}
		}
		all = append(all, label.Login{Device: a.ID, Host: hostOf(a), User: user, Password: password})
	}
	return all
}

// hostOf tells things apart that are reached at one address: on this machine by their ports.
func hostOf(a home.Accessory) string {
	rest := a.Address
	if u, err := url.Parse(a.Address); err == nil && u.Host != "" {
		rest = u.Host
	}
	host, _, err := net.SplitHostPort(rest)
	if ip := net.ParseIP(host); err == nil && (ip == nil || !ip.IsLoopback()) {
		return strings.ToLower(host)
	}
	if rest == "" {
		return a.ID
	}
	return strings.ToLower(rest)
}

func evidenceOf(list []device.Evidence) []label.Evidence {
	all := make([]label.Evidence, 0, len(list))
	for _, e := range list {
		answer := map[device.Answer]label.Answer{device.Yes: label.Yes, device.No: label.No, device.Unknown: label.NotSeen}[e.Answer]
		all = append(all, label.Evidence{Claim: e.Claim, Answer: answer, How: e.How, At: e.At.UTC()})
	}
	return all
}

// sensesOf lists what a thing can notice of the people in the house.
func sensesOf(t Thing) []string {
	senses := []string{}
	if v, ok := t.Session.(device.Viewable); ok {
		senses = append(senses, "video")
		for _, view := range v.Views() {
			if view.Sound != "" && !slices.Contains(senses, "sound") {
				senses = append(senses, "sound")
			}
		}
	}
	for _, sense := range []trait.Any{trait.Motion.Any(), trait.Where.Any(), trait.Steps.Any(), trait.Heart.Any(), trait.Fall.Any(), trait.TakenOff.Any()} {
		if _, offers := t.Offer.Offers(sense); offers {
			senses = append(senses, sense.ID())
		}
	}
	return senses
}

// problem puts an error into the words of the API.
func problem(err error, id string, pairs ...string) error {
	var already *wire.Problem
	switch {
	case err == nil || errors.As(err, &already):
		return err
	case errors.Is(err, home.ErrUnknown):
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
	}
	for _, known := range []error{probe.ErrConsent, probe.ErrNever, probe.ErrNoDoors, probe.ErrDaily, probe.ErrPaused} {
		if errors.Is(err, known) {
			return wire.Refuse(http.StatusConflict, known.Error(), pairs...)
		}
	}
	for _, code := range []string{"label.offline-line", "label.offline-short"} {
		if err.Error() == code {
			return wire.Refuse(http.StatusConflict, code)
		}
	}
	return err
}
