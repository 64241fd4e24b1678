package keeping

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/i18n"
)

// Slip is a receipt in a list.
type Slip struct {
	ID, Title, When, State string
	Waiting                bool
}

// SlipsOf lists receipts in the order of the hub's list.
func SlipsOf(list []wire.PrivacyReceipt, t *i18n.Texts, place *time.Location) []Slip {
	var slips []Slip
	for _, r := range list {
		slips = append(slips, Slip{r.ID, word("app.receipt.of."+r.Scope, t), day(r.Made, place, t), state(r.Done, t), !r.Done})
	}
	return slips
}

func state(done bool, t *i18n.Texts) string {
	if done {
		return t.Text("receipt.state.done", nil)
	}
	return t.Text("receipt.state.waiting", nil)
}

// Proof is a receipt to read. Sound says that its signature fits; nothing else of it is worth anything
// where it does not.
type Proof struct {
	Sound   bool
	Slip    Slip
	Begun   string
	Counts  []model.Fact // how much there was and is, by kind
	Done    []Step       // what became of each place
	Waiting []Step
	Not     []Step
	Remains []model.Fact
	Search  string
	Keys    []string // fingerprints of the keys that were destroyed
	Pin     string   // the fingerprint of the hub that signed it, in groups
}

// ProofOf judges a receipt here, without the hub, and gives what it says.
func ProofOf(file string, t *i18n.Texts, place *time.Location) Proof {
	v, err := receipt.Verify([]byte(file))
	if err != nil {
		return Proof{}
	}
	p := Proof{Sound: true, Keys: v.Keys, Pin: grouped(v.Pin), Begun: day(v.Begun, place, t),
		Slip: Slip{v.ID, word("app.receipt.of."+v.Scope, t), day(v.Made, place, t), state(v.Done, t), !v.Done}}
	for _, c := range v.Counts {
		name := word("privacy.kind."+c.Kind, t)
		if c.Where != "hub" && c.Where != "" {
			name += " (" + t.Text("privacy.where."+c.Where, nil) + ")"
		}
		p.Counts = append(p.Counts, model.Fact{Name: name, Value: fmt.Sprintf("%d %s · %d %s", c.Before, t.Text("receipt.before", nil), c.After, t.Text("receipt.after", nil))})
	}
	for _, one := range v.Places {
		s := Step{Place: word("privacy.holder."+one.Holder, t), Why: why(one.Why, t)}
		switch one.Outcome {
		case receipt.Gone:
			p.Done = append(p.Done, s)
		case receipt.Waiting:
			p.Waiting = append(p.Waiting, s)
		default:
			p.Not = append(p.Not, s)
		}
	}
	for _, r := range v.Remains {
		p.Remains = append(p.Remains, model.Fact{Name: word("privacy.kind."+r.What, t), Value: why(r.Why, t)})
	}
	if p.Search = t.Text("receipt.not-searched", nil); v.Search.Words > 0 {
		p.Search = t.Text("receipt.searched", i18n.Args{"bytes": strconv.FormatInt(v.Search.Bytes, 10), "found": strconv.Itoa(v.Search.Found)})
	}
	return p
}

// Page is a receipt to print; empty where it is none.
func Page(file string, t *i18n.Texts) []byte {
	v, err := receipt.Verify([]byte(file))
	if err != nil {
		return nil
	}
	page, err := receipt.Page(v, []byte(file), t)
	if err != nil {
		return nil
	}
	return []byte(page)
}

// Judge reads a file that somebody kept and says whether it is a receipt, and of which hub.
func Judge(raw []byte, t *i18n.Texts, place *time.Location) (string, error) {
	v, err := receipt.Verify(raw)
	if err != nil {
		return "", wire.Refuse(0, err.Error())
	}
	return t.Text("app.receipt.judged", i18n.Args{"what": word("app.receipt.of."+v.Scope, t), "time": day(v.Made, place, t), "pin": grouped(v.Pin)}), nil
}

// grouped writes a fingerprint so that people can compare it.
func grouped(pin string) string {
	var groups []string
	for len(pin) > 4 {
		groups, pin = append(groups, pin[:4]), pin[4:]
	}
	return strings.Join(append(groups, pin), " ")
}
