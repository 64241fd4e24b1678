package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/cameras"
	"github.com/ingle-home/ingle/hub/holdings"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/hub/privacy/holders"
	"github.com/ingle-home/ingle/hub/privacy/office"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/hub/privacy/wipe"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/vault"
)

const waitTime = 5 * time.Second // between two looks whether what a forgetting waits for is there

// secrecy is what the house does about what it keeps.
type secrecy struct {
	office  *office.Office
	desk    *privacy.Desk
	devices *holders.OnDevices
	choices *holders.Choices
	rows    holders.Rows
	films   holders.Films

	mu      sync.Mutex
	leaving map[string]bool // devices that are being forgotten: nothing new of them is kept
}

// openPrivacy readies what forgets.
func (h *house) openPrivacy(ctx context.Context, v *vault.Vault) error {
	p := &h.secrecy
	p.leaving = map[string]bool{}
	var err error
	if p.choices, err = holders.OpenChoices(ctx, h.store); err != nil && h.unsound == nil {
		return err
	}
	h.readings.Lasts = p.choices.Lasts
	p.rows = holders.Rows{Store: h.store, Home: h.home}
	p.devices = &holders.OnDevices{Home: h.home.Contents, Session: h.session}
	p.films = holders.Films{Clips: func() record.Clips { return h.clips.Recordings() }, Drop: h.clips.Forget}
	journal := holders.Journal{Store: h.store, Choices: p.choices, Older: func() ([][]byte, error) { return wipe.Receipts(h.settings.dir) }}
	entries, err := journal.Entries(ctx)
	if err != nil && h.unsound == nil {
		return err
	}
	for _, e := range entries {
		h.before(e.Scope)
	}
	p.desk = privacy.New(privacy.Options{
		Holders: h.holders(), Journal: journal, Sealer: sealer{h, v}, Key: h.Key, Before: h.before, Log: h.log,
		Search: func(ctx context.Context, words []string) (int64, int, error) {
			return holders.Search(ctx, h.settings.dir, words)
		},
		Emptied: func(epoch uint64) (bool, error) { return holders.Emptied(h.settings.dir, epoch) },
	})
	p.office = office.New(office.Options{
		Desk: p.desk, Choices: p.choices, Home: h.home.Contents, Wipe: h.wipe,
		Apps:  func(ctx context.Context) ([]wire.App, error) { return h.Apps(ctx, "") },
		Prove: func(ctx context.Context, password string) error { return problem(h.Prove(ctx, password)) },
	})
	return nil
}

// holders are all that keep something about somebody, in the order in which they forget.
func (h *house) holders() []privacy.Holder {
	p := &h.secrecy
	apps := func(ctx context.Context) ([]wire.App, error) { return h.Apps(ctx, "") }
	return []privacy.Holder{
		holders.Witness{Count: h.stand.Inventory, Drop: h.stand.Forget},
		p.rows,
		p.films,
		p.devices,
		holders.Things{Home: h.home, Waits: p.devices.Waits, Remove: h.Remove},
		holders.Names{Home: h.home},
		h.papers(),
		holders.Apps{List: apps, Revoke: h.RevokeApp, Rename: h.RenameApp},
		holders.Caches{List: apps, Choices: p.choices},
		holders.Backups{Files: func(context.Context) ([]string, bool) { return h.shelf.Files() }, Gone: func(ctx context.Context) error { return h.shelf.Gone(ctx) }},
		holders.Replaced{There: func() bool { return backup.AsideIn(h.settings.dir) != nil }, Drop: func() error { return backup.Settle(h.settings.dir) }},
		holders.Memory{Shown: h.shown, Drop: h.dropShown},
	}
}

// papers are the documents that name people and things by their IDs.
func (h *house) papers() holders.Papers {
	list := holders.Papers{
		holders.Times("presence", h.presence, func(privacy.Scope) {}),
		holders.Times("held", h.alarms, func(s privacy.Scope) { h.latch.Answer(s.Person) }),
		holders.Rules(h.clips), h.switchPaper(), holders.Choice(h.secrecy.choices),
	}
	return append(list, holders.Numbers(h.numbers, h.home.Contents, h.show), holders.Pairing(h.store, homekitServers, h.home.Contents))
}

// numbers are HomeKit's; nil where HomeKit stays away.
func (h *house) numbers() holders.Register {
	if h.bridges == nil {
		return nil
	}
	return h.bridges.shown
}

// switchPaper is what was decided about cameras.
func (h *house) switchPaper() holders.Paper {
	return holders.Paper{Kind: "switches",
		Count: func(ctx context.Context, s privacy.Scope) (n int, err error) {
			set, err := recall(ctx, h, h.switches, switches{})
			for id := range set.Cameras {
				if holders.About(s, id) {
					n++
				}
			}
			return n, err
		},
		Strip: func(ctx context.Context, s privacy.Scope) error {
			return h.remember(ctx, func(all *switches) {
				maps.DeleteFunc(all.Cameras, func(id string, _ cameras.Settings) bool { return holders.About(s, id) })
			})
		}}
}

// session is the line to a thing, if there is one.
func (h *house) session(id string) device.Session {
	if k := h.find(id); k != nil {
		return k.keeper.Session()
	}
	return nil
}

// shown counts what is shown of who or what goes.
func (h *house) shown(s privacy.Scope) (n int) {
	if !s.Whole() {
		return 0
	}
	for _, a := range h.accessories() {
		if a.Person != "" && a.Person == s.Person || slices.Contains(s.Zones, a.Zone) && a.Zone != "" || a.ID == s.Device && !h.secrecy.devices.Waits(a.ID) {
			n++
		}
	}
	return n
}

// dropShown has everybody who looks at the home see it as it is now.
func (h *house) dropShown(_ context.Context, s privacy.Scope) error {
	h.feed.Forget()
	h.shared.Forget()
	if !s.Whole() {
		h.bus.DropIf(h.newest(s))
		h.show()
		return nil
	}
	for _, id := range h.bus.Accessories() {
		if holders.About(s, id) && h.find(id) == nil {
			h.bus.Drop(id)
		}
	}
	h.show()
	return nil
}

// newest gives what picks the newest readings of a category or a time: each is shown until another comes.
func (h *house) newest(s privacy.Scope) func(bus.Change) bool {
	wears := map[string]string{}
	for _, a := range h.home.Contents().Accessories {
		wears[a.ID] = a.Person
	}
	return func(c bus.Change) bool {
		kind, personal := privacy.OfTrait(c.Reading.Trait.ID())
		return personal && s.Takes(kind.ID, wears[c.Accessory], c.Accessory) && s.In(c.Reading.At)
	}
}

// before keeps what is about to be forgotten from being kept anew.
func (h *house) before(s privacy.Scope) {
	if !s.Whole() {
		return
	}
	h.secrecy.mu.Lock()
	defer h.secrecy.mu.Unlock()
	for _, id := range s.Things() {
		h.secrecy.leaving[id] = true
	}
}

// keeps says whether a reading is kept: not of whom or what is being forgotten, and, events apart, of nobody
// whose recording rests.
func (h *house) keeps(a home.Accessory, r trait.Reading) bool {
	if a.Person != "" {
		if _, err := h.home.Contents().Person(a.Person); err != nil {
			return false
		}
	}
	h.secrecy.mu.Lock()
	defer h.secrecy.mu.Unlock()
	return !h.secrecy.leaving[a.ID] && (r.Trait.Kind() == trait.Event || !h.secrecy.choices.Rests(a.Person))
}

// whenOpen is closed once there is an open house.
func (d *daemon) whenOpen() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened
}

// forgets goes on with what a power cut ended, and with what waits.
func (h *house) forgets(ctx context.Context) error {
	select {
	case <-h.whenOpen():
	case <-ctx.Done():
		return nil
	}
	tick := time.NewTicker(waitTime)
	defer tick.Stop()
	for {
		if _, err := h.secrecy.desk.Resume(ctx); err != nil && ctx.Err() == nil {
			h.log.Warn("a forgetting goes on later", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// expire erases what has had its time by the household's rules.
func (h *house) expire(ctx context.Context, now time.Time) (int, error) {
	c, err := h.secrecy.choices.Load(ctx)
	if err != nil {
		return 0, err
	}
	return holders.Expire(ctx, h.secrecy.rows, h.secrecy.films, c, now)
}

// sealer seals the store anew.
type sealer struct {
	house *house
	vault *vault.Vault
}

func (s sealer) Epoch() uint64                   { return s.vault.Epoch() }
func (s sealer) Renew(ctx context.Context) error { return s.house.Renew(ctx) }

// wipe forgets everything of an open house: devices and backups while there is something that knows them,
// then the store.
func (h *house) wipe(ctx context.Context) ([]byte, error) {
	n := h.note()
	var err error
	if n.Receipt.Counts, err = h.secrecy.desk.Counts(ctx, privacy.Scope{Everything: true}); err != nil {
		h.log.Warn("everything is forgotten, and not counted", "err", err)
	}
	n.Receipt.Places = append(n.Receipt.Places, unreached("privacy.why.cut")...)
	words := office.Names(h.home.Contents())
	h.daemon.opening.Lock()
	defer h.daemon.opening.Unlock()
	if h.daemon.inside() != h { // somebody else had it forgotten meanwhile
		return nil, wire.Refuse(http.StatusForbidden, wire.CodeUnclaimed)
	}
	return h.daemon.wipeAll(ctx, n, h.beyond, func(ctx context.Context) (s receipt.Search, err error) {
		s.Words = len(words)
		s.Bytes, s.Found, err = holders.Search(ctx, h.settings.dir, words)
		return s, err
	})
}

// beyond has devices and backups erased while somebody knows them, and notes what is left of both.
func (h *house) beyond(ctx context.Context, r *receipt.Receipt) {
	all := privacy.Scope{Everything: true}
	files := func(context.Context) ([]string, bool) { return h.shelf.Files() }
	for _, place := range []struct { // devices take their time, and are the last
		in privacy.Place
		privacy.Holder
	}{{privacy.InBackup, holders.Backups{Files: files, Gone: func(context.Context) error { return nil }}}, {privacy.OnDevice, h.secrecy.devices}} {
		o, err := place.Forget(ctx, all)
		if err != nil || o.State == privacy.Waiting {
			o.State = privacy.Impossible // nothing will know it afterwards
		}
		r.Places = slices.DeleteFunc(r.Places, func(p receipt.Place) bool { return p.Holder == place.Name() })
		r.Places = append(r.Places, receipt.Place{Holder: place.Name(), Outcome: string(o.State), Why: o.Why, Many: o.Many})
		if left, err := place.Inventory(ctx, all); err == nil {
			privacy.Recount(r.Counts, place.in, left)
		}
	}
}

// note is the journal of a wipe.
func (d *daemon) note() wipe.Note {
	return wipe.Note{Seed: d.Key().Seed(), Receipt: receipt.Receipt{ID: "r-" + strings.ToLower(rand.Text()[:16]), Scope: "everything", Begun: time.Now().UTC(),
		Places:  []receipt.Place{{Holder: "store", Outcome: receipt.Gone}, {Holder: "apps", Outcome: receipt.Gone}},
		Remains: []receipt.Remain{{What: "export", Why: "privacy.why.export"}, {What: "log", Why: "privacy.why.log"}, {What: "apple-home", Why: "privacy.why.apple"}, {What: "app-cache", Why: "privacy.why.app-wiped"}, {What: "keys", Why: "privacy.why.flash"}}}}
}

// unreached is what a wipe knows of devices and backups as long as nobody has asked them.
func unreached(why string) (list []receipt.Place) {
	for _, holder := range []string{"devices", "backups"} {
		list = append(list, receipt.Place{Holder: holder, Outcome: receipt.Impossible, Why: why})
	}
	return list
}

// Wipe implements server.Hub: who sits at the hub may forget everything, also without the password.
func (d *daemon) Wipe(ctx context.Context, r wire.WipeRequest) (wire.PrivacyReceipt, error) {
	if r.Word != wire.ForgetWord {
		return wire.PrivacyReceipt{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeForgetWord, "word", wire.ForgetWord)
	}
	var raw []byte
	var err error
	if h := d.inside(); h != nil {
		raw, err = h.wipe(ctx)
	} else {
		d.opening.Lock()
		defer d.opening.Unlock()
		if !vault.Exists(d.settings.dir) { // likewise
			return wire.PrivacyReceipt{}, wire.Refuse(http.StatusForbidden, wire.CodeUnclaimed)
		}
		n := d.note()
		n.Receipt.Places = append(n.Receipt.Places, unreached("privacy.why.locked")...)
		raw, err = d.wipeAll(ctx, n, func(context.Context, *receipt.Receipt) {}, nil)
	}
	if err != nil {
		return wire.PrivacyReceipt{}, err
	}
	return office.WordsOf(raw)
}

// wipeAll journals, has others forget what only the house knows, closes it and takes everything away. Callers
// hold opening.
func (d *daemon) wipeAll(ctx context.Context, n wipe.Note, first func(context.Context, *receipt.Receipt), look func(context.Context) (receipt.Search, error)) ([]byte, error) {
	ctx = context.WithoutCancel(ctx) // who asked may hang up
	if err := wipe.Begin(d.settings.dir, n); err != nil {
		return nil, problem(err)
	}
	first(ctx, &n.Receipt)
	if err := wipe.Begin(d.settings.dir, n); err != nil {
		return nil, problem(err)
	}
	d.closeHouse()
	if err := wipe.Finish(ctx, d.settings.dir, wipe.Watch{Look: look}); err != nil {
		return nil, problem(err)
	}
	if err := errors.Join(d.Book.Anew(), d.Ring.Fresh(), d.stand.Fresh(ctx)); err != nil {
		return nil, problem(err)
	}
	status := d.Status(ctx)
	d.feed.Publish(wire.Change{Status: &status})
	return os.ReadFile(filepath.Join(d.settings.dir, "receipts", n.Receipt.ID+".json"))
}

// Privacy implements server.Hub.
func (d *daemon) Privacy() server.Privacy { return d.inside().secrecy.office }

// Export implements server.Exports: an app that was left open on a table is not enough.
func (d *daemon) Export(ctx context.Context, q wire.ExportRequest) (wire.Export, error) {
	if err := d.Prove(ctx, q.Password); err != nil {
		return wire.Export{}, problem(err)
	}
	q.Language = cmp.Or(q.Language, d.Lang())
	return d.inside().desk.Make(ctx, q)
}

// Exporting implements server.Exports.
func (d *daemon) Exporting(context.Context) (wire.ExportStatus, error) {
	return d.inside().desk.Status(), nil
}

// Holdings implements server.Exports.
func (d *daemon) Holdings(ctx context.Context) ([]wire.Holding, error) {
	h := d.inside()
	return holdings.Places{Readings: h.readings,
		Clips: func(ctx context.Context) ([]wire.Clip, error) { return h.clips.List(ctx, "") },
		Apps:  func(ctx context.Context) ([]wire.App, error) { return d.Apps(ctx, "") },
	}.Count(ctx)
}
