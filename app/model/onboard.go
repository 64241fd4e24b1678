package model

import (
	"errors"
	"html"
	"net"
	"strconv"
	"strings"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

const (
	codeSigns  = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // of a claim code: no I, L, O and U
	codeLength = 10
	codeGroup  = 5
	usual      = "8443" // the port that nobody needs to read
)

// Offer is a hub that can be chosen.
type Offer struct {
	Name    string
	Address string // empty: the hub on this computer, which needs no code
}

// Offers names the hubs that were found.
func Offers(found []link.Found, t *i18n.Texts) (out []Offer) {
	for _, f := range found {
		if f.Here {
			out = append(out, Offer{Name: t.Text("onboard.here", nil)})
			continue
		}
		shown := f.Address
		if host, port, err := net.SplitHostPort(f.Address); err == nil && port == usual {
			shown = host
		}
		key := "onboard.owned"
		if f.State == wire.Unclaimed {
			key = "onboard.fresh"
		}
		out = append(out, Offer{t.Text(key, i18n.Args{"address": shown}), f.Address})
	}
	return out
}

// Typed is a claim code as far as it was typed.
type Typed struct {
	Shown string // in capitals and groups of five
	Words string // what is missing or wrong; empty: nothing
	Whole bool
	Wrong bool // there is a sign in it that no code has
}

// TypeCode looks at a code while it is typed: small letters, hyphens and spaces do not matter, nor do O for
// 0 and I or L for 1.
func TypeCode(typed string, t *i18n.Texts) Typed {
	plain := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(typed))
	var b strings.Builder
	var odd string
	n := 0
	for _, r := range plain {
		if n == codeGroup {
			b.WriteByte('-')
		}
		b.WriteRune(r)
		n++
		if !strings.ContainsRune(codeSigns, r) && odd == "" {
			odd = string(r)
		}
	}
	c := Typed{Shown: b.String(), Wrong: odd != "" || n > codeLength, Whole: odd == "" && n == codeLength}
	switch {
	case odd != "":
		c.Words = t.Text("onboard.code.odd", i18n.Args{"sign": odd})
	case n > codeLength:
		c.Words = t.Text("onboard.code.long", nil)
	case n == 0:
		c.Words = t.Text("onboard.code.form", nil)
	case n < codeGroup:
		c.Words = t.Text("onboard.code.first", i18n.Args{"count": strconv.Itoa(n)})
	case n < codeLength:
		c.Words = t.Text("onboard.code.second", i18n.Args{"count": strconv.Itoa(n - codeGroup)})
	default:
		c.Words = t.Text("onboard.code.whole", i18n.Args{"code": c.Shown})
	}
	return c
}

// ClaimProblem says why a hub did not take a code, with the tries that are left.
func ClaimProblem(err error, t *i18n.Texts) string {
	words := Problem(err, t)
	var p *wire.Problem
	if errors.As(err, &p) && p.Args["left"] != "" {
		if p.Args["left"] == "0" {
			return t.Text("onboard.void", nil)
		}
		words += "\n" + t.Text("onboard.left", i18n.Args{"left": p.Args["left"]})
	}
	return words
}

// Strength is what is said of a password: Share of the meter, from 0 to 1.
type Strength struct {
	Share  float64
	Words  string
	Enough bool
}

// StrengthOf puts the hub's verdict into words. Half of the meter is enough; the rest is length.
func StrengthOf(v wire.Verdict, t *i18n.Texts) Strength {
	s := Strength{Share: min(1, float64(v.Percent)/200), Enough: v.Code == ""}
	switch {
	case !s.Enough:
		s.Words = t.Advice(v.Code, v.Args)
	case v.Percent < 160:
		s.Words = t.Text("onboard.meter.good", nil)
	default:
		s.Words = t.Text("onboard.meter.best", nil)
	}
	return s
}

// Candidate is a thing on the network that could be added.
type Candidate struct {
	wire.Found
	Title string
	Asks  []wire.Question // that must be answered
}

// CandidatesOf lists what could be added: what the home has is left out.
func CandidatesOf(found []wire.Found) (out []Candidate) {
	for _, f := range found {
		if f.Known != "" {
			continue
		}
		d := Candidate{Found: f, Title: f.Name}
		if d.Title == "" {
			d.Title = f.Address
		}
		for _, q := range f.Ask {
			// A camera that lets everybody in is none to keep: its name and password are asked for, and may stay empty.
			if q.Secret || !q.Optional || q.Key == "user" {
				d.Asks = append(d.Asks, q)
			}
		}
		out = append(out, d)
	}
	return out
}

// Request asks the hub to add a device with the answers to what it asks.
func (d Candidate) Request(answers []string) wire.AddRequest {
	r := wire.AddRequest{Driver: d.Driver, Name: d.Title, Address: d.Address, Fields: map[string]string{}, Secret: map[string]string{}}
	for k, v := range d.Fields {
		r.Fields[k] = v
	}
	for i, q := range d.Asks {
		switch {
		case i >= len(answers) || answers[i] == "":
		case q.Secret:
			r.Secret[q.Key] = answers[i]
		default:
			r.Fields[q.Key] = answers[i]
		}
	}
	return r
}

// Lines breaks what is read by groups into two lines, between groups.
func Lines(groups string) string {
	list := strings.Split(groups, "-")
	if len(list) < 4 {
		return groups
	}
	half := (len(list) + 1) / 2
	return strings.Join(list[:half], "-") + "-\n" + strings.Join(list[half:], "-")
}

// Sheet is the page with the recovery code, to print or to keep.
func Sheet(code, day string, t *i18n.Texts) []byte {
	e := html.EscapeString
	return []byte("<!doctype html><html lang=\"" + e(t.Lang()) + "\"><meta charset=\"utf-8\"><title>" + e(t.Text("onboard.sheet.title", nil)) + "</title>" +
		"<style>body{font:16pt/1.5 sans-serif;margin:3cm 2cm}code{display:block;font:bold 22pt monospace;border:2pt solid;padding:1cm;margin:1cm 0;text-align:center}</style>" +
		"<h1>" + e(t.Text("onboard.sheet.title", nil)) + "</h1><p>" + e(t.Text("onboard.sheet.text", nil)) + "</p><code>" + e(code) + "</code><p>" +
		e(t.Text("onboard.sheet.keep", nil)) + "</p><p>" + e(day) + "</p>")
}
