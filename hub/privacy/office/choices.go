package office

import (
	"context"
	"net/http"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/privacy"
)

// Retention lists how long what is kept: everybody's rules, with what is usual where nobody said anything,
// then those of single persons.
func (o *Office) Retention(ctx context.Context) ([]wire.RetentionRule, error) {
	c, err := o.Choices.Load(ctx)
	if err != nil {
		return nil, err
	}
	var list []wire.RetentionRule
	for _, category := range privacy.Keepable() {
		list = append(list, wire.RetentionRule{Category: string(category), Days: int(c.Lasts(category, "") / (24 * time.Hour))})
	}
	for _, r := range c.Rules {
		if r.Person != "" {
			list = append(list, wire.RetentionRule{Category: string(r.Category), Person: r.Person, Days: r.Days})
		}
	}
	return list, nil
}

// SetRetention says how long a category is kept.
func (o *Office) SetRetention(ctx context.Context, w wire.RetentionRule) error {
	person, err := o.person(w.Person)
	if err != nil {
		return err
	}
	r := privacy.Rule{Category: privacy.Category(w.Category), Person: person, Days: w.Days}
	if !r.Fits() {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid)
	}
	return o.Choices.Change(ctx, func(c *privacy.Choices) { c.Set(r) })
}

// Consents lists who agreed to what, the oldest first.
func (o *Office) Consents(ctx context.Context) ([]wire.Consent, error) {
	c, err := o.Choices.Load(ctx)
	list := []wire.Consent{}
	for _, n := range c.Consents {
		list = append(list, wire.Consent{Person: n.Person, What: n.What, Version: n.Version, Given: n.Given, At: at(n.At)})
	}
	return list, err
}

// NoteConsent notes that somebody agreed, or takes it back, by the hub's clock. Who takes one back has their
// recording rest until Pause says otherwise.
func (o *Office) NoteConsent(ctx context.Context, w wire.Consent) error {
	person, err := o.person(w.Person)
	if err != nil {
		return err
	}
	if person == "" || w.What == "" {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid)
	}
	n := privacy.Consent{Person: person, What: w.What, Version: w.Version, Given: w.Given, At: o.Now().UTC()}
	return o.Choices.Change(ctx, func(c *privacy.Choices) {
		if c.Note(n); !n.Given {
			c.Rest(person, n.At)
		}
	})
}

// Pause has the recording of somebody rest, or go on.
func (o *Office) Pause(ctx context.Context, w wire.PausePerson) error {
	person, err := o.person(w.Person)
	if err != nil {
		return err
	}
	if person == "" {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid)
	}
	return o.Choices.Change(ctx, func(c *privacy.Choices) {
		if w.Paused {
			c.Rest(person, o.Now().UTC())
		} else {
			delete(c.Paused, person)
		}
	})
}

// Paused lists whose recording rests.
func (o *Office) Paused(ctx context.Context) ([]wire.PausePerson, error) {
	c, err := o.Choices.Load(ctx)
	list := []wire.PausePerson{}
	for person, since := range c.Paused {
		list = append(list, wire.PausePerson{Person: person, Paused: true, Since: at(since)})
	}
	return list, err
}

// Cleanup are the forgettings of which an app has still to drop what it shows.
func (o *Office) Cleanup(ctx context.Context, app string) (wire.Cleanup, error) {
	c, err := o.Choices.Load(ctx)
	return wire.Cleanup{IDs: append([]string{}, c.Due(app)...)}, err
}

// Cleaned notes that an app dropped it.
func (o *Office) Cleaned(ctx context.Context, app string, w wire.Cleanup) error {
	return o.Choices.Change(ctx, func(c *privacy.Choices) { c.Cleaned(app, w.IDs...) })
}
