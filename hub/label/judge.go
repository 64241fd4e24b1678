package label

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/label/facts"
)

// aged is the age from which firmware that nobody says anything about counts as old.
const aged = 3 * 365 * 24 * time.Hour

// Input is all that a label is made of.
type Input struct {
	Kind     string // camera, watch, toy
	Record   Record
	Password *Password   // nil where the hub holds none
	Facts    facts.Facts // the zero value where there are none
}

// Label judges a device. The three lines that the law asks makers for come first.
func Label(in Input, now time.Time) []Line {
	lines := []Line{
		in.ownPassword(now), in.contact(now), in.support(now),
		in.anonymousVideo(), in.anonymousControl(), in.accounts(), in.doors(), in.tls(now), in.encrypted(),
		in.firmware(now), in.holes(now), in.clock(), in.offline(), in.wipe(),
	}
	for i, l := range lines {
		lines[i] = dated(l, now)
	}
	return lines
}

// Count is how many lines stand so.
func Count(lines []Line, s State) (n int) {
	for _, l := range lines {
		if l.State == s {
			n++
		}
	}
	return n
}

// said is what the driver says to a claim.
func (in Input) said(claim string) (Evidence, bool) {
	i := slices.IndexFunc(in.Record.Evidence, func(e Evidence) bool { return e.Claim == claim })
	if i < 0 {
		return Evidence{}, false
	}
	return in.Record.Evidence[i], true
}

// from gives a line the method and the raw form of evidence.
func (in Input) from(e Evidence, l Line) Line {
	switch e.How {
	case "measured":
		l.Method = Measured
	case "said by the device":
		l.Method = Said
	default:
		l.Method = Inferred
	}
	l.At = e.At
	l.Raw = append(l.Raw, fmt.Sprintf("%s: %s (%s)", e.Claim, e.Answer, e.How))
	return l
}

// claimed is a line that is one claim of the driver: good says which answer is. A driver that does not make
// the claim leaves it unknown.
func (in Input) claimed(name string, good Answer, ok, fix string) Line {
	e, seen := in.said(name)
	switch {
	case !seen || e.Answer != Yes && e.Answer != No:
		return blank(name, Unknown, "unknown")
	case e.Answer == good:
		return in.from(e, line(name, OK, ok, Measured, e.At))
	}
	return in.from(e, line(name, Fix, fix, Measured, e.At))
}

func (in Input) camera() bool { return in.Kind == "camera" }

func (in Input) anonymousVideo() Line {
	if !in.camera() {
		return blank("anonymous-video", NotApplicable, "none")
	}
	return in.claimed("anonymous-video", No, "asks", "open")
}

func (in Input) anonymousControl() Line {
	if !in.camera() {
		return blank("anonymous-control", NotApplicable, "none")
	}
	return in.claimed("anonymous-control", No, "asks", "open")
}

// accounts are those that neither the hub made nor the household gave it.
func (in Input) accounts() Line {
	if !in.camera() {
		return blank("other-accounts", NotApplicable, "none")
	}
	return in.claimed("other-accounts", No, "ours", "left")
}

func (in Input) encrypted() Line { return in.claimed("encrypted", Yes, "yes", "clear") }

// clock is right where a device has one that counts: a wrong clock makes logins and recordings wrong.
func (in Input) clock() Line {
	if !in.camera() {
		return blank("right-clock", NotApplicable, "none")
	}
	return in.claimed("right-clock", Yes, "right", "wrong")
}

// offline is whether it works without the internet. What leaves the home cannot be seen from here.
func (in Input) offline() Line {
	const name = "offline"
	test := in.Record.Offline
	minutes := fmt.Sprint(int(test.Took.Minutes()))
	switch e, seen := in.said("no-cloud"); {
	case !test.Done.IsZero() && test.Worked:
		return line(name, OK, "worked", Measured, test.Done, "minutes", minutes)
	case !test.Done.IsZero():
		return line(name, Fix, "failed", Measured, test.Done, "minutes", minutes)
	case seen && e.Answer == Yes:
		return in.from(e, line(name, OK, "local", Inferred, e.At))
	}
	l := blank(name, Unknown, "untested")
	l.Step = l.Text + ".do"
	return l
}

func (in Input) wipe() Line {
	const name = "wipe"
	if holds := in.Record.Holds; holds != nil && len(holds) == 0 {
		return line(name, NotApplicable, "nothing", Said, in.Record.Told)
	}
	e, seen := in.said("can-be-wiped")
	switch {
	case !seen || e.Answer == NotSeen:
		return blank(name, Unknown, "unknown")
	case e.Answer == Yes:
		return in.from(e, line(name, OK, "hub", Inferred, e.At))
	}
	return in.from(e, line(name, Fix, "by-hand", Inferred, e.At))
}

// listed gives a line what the list says of its source. The list as a whole ends some day.
func (in Input) listed(l Line, s facts.Source) Line {
	l.Source, l.Until = s.Address, in.Facts.Expires.Time()
	l.Raw = append(l.Raw, fmt.Sprintf("list of %s, read on %s: %s", in.Facts.Made, s.Read, s.Address))
	return l
}

func (in Input) contact(now time.Time) Line {
	const name = "contact"
	maker, _, known := in.Facts.Of(in.Record.Maker, in.Record.Model)
	switch {
	case in.Record.Maker == "":
		return blank(name, Unknown, "no-maker")
	case !known || maker.Contact == nil:
		l := blank(name, Unknown, "none")
		l.Args = map[string]string{"maker": in.Record.Maker}
		return l
	}
	return in.listed(line(name, OK, "page", Listed, now, "address", maker.Contact.Address), maker.Contact.Source)
}

func (in Input) support(now time.Time) Line {
	const name = "support"
	_, model, known := in.Facts.Of(in.Record.Maker, in.Record.Model)
	if !known || model.Support == nil || model.Support.Until.Time().IsZero() {
		return blank(name, Unknown, "none")
	}
	state, code := OK, "until"
	if !now.Before(model.Support.Until.Time().Add(24 * time.Hour)) {
		state, code = Fix, "ended"
	}
	return in.listed(line(name, state, code, Listed, now, "date", string(model.Support.Until)), model.Support.Source)
}

// firmware is judged by the list, and by its age where the list knows nothing.
func (in Input) firmware(now time.Time) Line {
	const name = "firmware"
	version := in.Record.Firmware
	if version == "" {
		return blank(name, Unknown, "untold")
	}
	_, model, known := in.Facts.Of(in.Record.Maker, in.Record.Model)
	if known && model.Firmware != nil {
		if order, ok := facts.Compare(version, model.Firmware.Version); ok && order < 0 {
			return in.listed(line(name, Fix, "old", Listed, in.Record.Told, "version", version, "newest", model.Firmware.Version), model.Firmware.Source)
		} else if ok {
			return in.listed(line(name, OK, "newest", Listed, in.Record.Told, "version", version), model.Firmware.Source)
		}
	}
	if built := facts.Built(version); !built.IsZero() && now.Sub(built) > aged {
		return line(name, Fix, "aged", Said, in.Record.Told, "version", version, "date", built.Format(time.DateOnly))
	}
	return line(name, Unknown, "unlisted", Said, in.Record.Told, "version", version)
}

// holes are good only where the list has this very model and nothing fits: no line on a list proves nothing.
func (in Input) holes(now time.Time) Line {
	const name = "holes"
	_, model, known := in.Facts.Of(in.Record.Maker, in.Record.Model)
	if !known || in.Record.Firmware == "" {
		return blank(name, Unknown, "no-list")
	}
	var ids []string
	var source facts.Source
	doubt := false
	for _, h := range model.Holes {
		has, sure := h.In(in.Record.Firmware)
		doubt = doubt || !sure
		if has && sure {
			ids, source = append(ids, h.ID), h.Source
		}
	}
	switch {
	case len(ids) > 0:
		return in.listed(line(name, Fix, "known", Listed, now, "holes", strings.Join(ids, ", "), "version", in.Record.Firmware), source)
	case doubt || model.Firmware == nil:
		return line(name, Unknown, "unsure", Listed, now)
	}
	return in.listed(line(name, OK, "none-known", Listed, now), model.Firmware.Source)
}
