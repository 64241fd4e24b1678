package label

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/label/probe"
)

// doors judges what was seen at the doors. One that is open and that the hub does not use is unknown, if
// it is none of the bad ones: nobody here knows what it is for.
func (in Input) doors() Line {
	const name = "doors"
	seen := in.Record.Doors
	switch {
	case in.Kind == "watch":
		return blank(name, NotApplicable, "calls")
	case in.Record.Looked.IsZero():
		l := blank(name, Unknown, "not-looked")
		l.Step = l.Text + ".do"
		return l
	}
	var bad, odd, unasked []string
	for _, d := range probe.Doors() {
		i := slices.IndexFunc(seen, func(s probe.Seen) bool { return s.Port == d.Port() })
		word := fmt.Sprintf("%d (%s)", d.Port(), d.Name())
		switch {
		case i < 0 || seen[i].State == probe.Unasked || seen[i].State == probe.Silent:
			unasked = append(unasked, word)
		case seen[i].State != probe.Open:
		case d.Bad():
			bad = append(bad, word)
		case slices.Contains([]uint16{5000, 8000, 8080, 8554}, d.Port()):
			odd = append(odd, word)
		}
	}
	l := line(name, OK, "shut", Measured, oldest(seen))
	switch {
	case len(bad) > 0:
		l = line(name, Fix, "open", Measured, l.At, "doors", strings.Join(bad, ", "))
	case len(odd) > 0:
		l = line(name, Unknown, "odd", Measured, l.At, "doors", strings.Join(odd, ", "))
	case len(unasked) > 0:
		l = line(name, Unknown, "silent", Measured, l.At, "doors", strings.Join(unasked, ", "))
	}
	for _, s := range seen {
		l.Raw = append(l.Raw, rawDoor(s))
	}
	return l
}

// oldest is when the line began to be known: it is as old as the oldest look that it rests on.
func oldest(seen []probe.Seen) time.Time {
	var at time.Time
	for _, s := range seen {
		if s.State != probe.Unasked && (at.IsZero() || s.At.Before(at)) {
			at = s.At
		}
	}
	return at
}

func rawDoor(s probe.Seen) string {
	text := fmt.Sprintf("%d %s", s.Port, s.State)
	if s.Banner != "" {
		text += ` "` + s.Banner + `"`
	}
	return text
}

// tls judges the certificates. One that nobody known vouches for is unknown: from here one cannot tell whose
// it is.
func (in Input) tls(now time.Time) Line {
	const name = "tls"
	if in.Kind == "watch" {
		return blank(name, NotApplicable, "none")
	}
	var shown []probe.Seen
	web, shut := false, false
	for _, s := range in.Record.Doors {
		switch {
		case s.TLS != nil:
			shown = append(shown, s)
		case (s.Port == 80 || s.Port == 8080) && s.State == probe.Open:
			web = true
		case s.Port == 443:
			shut = s.State == probe.Shut
		}
	}
	at := oldest(in.Record.Doors)
	switch {
	case in.Record.Looked.IsZero():
		return blank(name, Unknown, "not-looked")
	case len(shown) > 0:
		return in.worstCertificate(shown, now)
	case web && shut:
		return line(name, Fix, "http-only", Measured, at)
	case shut:
		return line(name, NotApplicable, "none", Measured, at)
	}
	return blank(name, Unknown, "unknown")
}

func (in Input) worstCertificate(shown []probe.Seen, now time.Time) Line {
	var worst Line
	for _, s := range shown {
		l := in.certificate(s, now)
		l.Raw = []string{rawCertificate(s)}
		if worst.Name == "" || l.State == Fix && worst.State != Fix || l.State == Unknown && worst.State == OK {
			worst = l
		}
	}
	return worst
}

func (in Input) certificate(s probe.Seen, now time.Time) Line {
	const name = "tls"
	c, pin := s.TLS, in.Record.Pins[s.Port]
	found := func(state State, code string, pairs ...string) Line {
		return line(name, state, code, Measured, s.At, append(pairs, "port", fmt.Sprint(s.Port))...)
	}
	switch {
	case c.Version == 0:
		return found(Unknown, "unread")
	case pin.Before != "":
		return found(Fix, "changed", "date", pin.Since.Format(time.DateOnly))
	case c.Old():
		return found(Fix, "old", "version", tls.VersionName(c.Version))
	case now.After(c.Until):
		return found(Fix, "expired", "date", c.Until.Format(time.DateOnly))
	case now.Before(c.From):
		return found(Fix, "early", "date", c.From.Format(time.DateOnly))
	case c.Weak:
		return found(Fix, "weak", "key", c.Key)
	case c.SelfSigned:
		return found(Unknown, "self-signed", "date", pin.Since.Format(time.DateOnly))
	case !c.Trusted:
		return found(Unknown, "untrusted", "date", pin.Since.Format(time.DateOnly))
	}
	return found(OK, "ok", "version", tls.VersionName(c.Version))
}

func rawCertificate(s probe.Seen) string {
	c := s.TLS
	return fmt.Sprintf("%d %s, %s, %s to %s, self-signed %v, key %.16s", s.Port, tls.VersionName(c.Version), c.Key,
		c.From.Format(time.DateOnly), c.Until.Format(time.DateOnly), c.SelfSigned, c.Pin)
}
