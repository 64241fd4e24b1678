// Package pairing keeps who the hub is and which apps know it: the hub's key, the paired apps with
// their roles, and the codes with which further ones are let in.
//
// All of it is sealed in the store. But a locked hub must be itself too, or an app could not bring the
// password: so the hub's key, and of each app the pin and the role, lie beside the store in door.json,
// in the clear. What is there counts only while the store is closed, for the two things that a locked
// hub answers; once it is open the sealed copy does, and mends the file. docs/adr tells what that costs.
package pairing

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
)

const (
	firstTime = 10 * time.Minute // in which the first app must set the password
	maxApps   = 64
	seenStep  = time.Minute // how exactly it is known when an app last called
	seenKept  = time.Hour   // how exactly after a restart
)

// App is a paired app as the store has it.
type App struct {
	wire.App
	Pin string `json:"pin"`
}

// State is what is sealed.
type State struct {
	Key  []byte `json:"key"` // the hub's, an Ed25519 seed
	Apps []App  `json:"apps"`
}

// Store keeps the state. Load gives archive.ErrNone where it was never kept.
type Store interface {
	Load(ctx context.Context) (State, error)
	Save(ctx context.Context, s State) error
}

// Options are what New needs.
type Options struct {
	Dir     string            // of the hub
	API     func() string     // URL of the network listener, as others in the home can reach it now
	Claimed func() bool       // whether the hub has an owner
	Problem func(error) error // puts what a disk says into the words of the API; nil: as it is
	Log     *slog.Logger
	Notice  func(n Notice, about string) // hears what the household should know; nil: nobody
	Now     func() time.Time             // nil: the clock
}

// Notice is an occasion for the household to look who was let in.
type Notice uint8

// The notices, and what they are about.
const (
	NoticeWrongCode Notice = iota + 1 // the address of who tried one
	NoticePaired                      // the ID of an app
	NoticeRevoked                     // the ID of an app
)

// Book is the hub's identity and its apps. It is safe for concurrent use.
type Book struct {
	o    Options
	desk *claim.Desk

	mu    sync.Mutex
	cert  tls.Certificate
	pin   claim.Pin
	file  door
	first claim.App // what the first app said of itself; it is not written in the clear
	store Store     // nil while the hub is unclaimed or locked
	apps  []App     // while there is a store
	kept  time.Time // when the store last heard who was seen
	drop  func(app string)
}

// New reads who the hub is, or makes a new key. A disk that takes nothing gives a hub whose key lasts as
// long as the process: it works for whoever sits at it.
func New(o Options) (*Book, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Problem == nil {
		o.Problem = func(err error) error { return err }
	}
	if o.Notice == nil {
		o.Notice = func(Notice, string) {}
	}
	b := &Book{o: o, drop: func(string) {}, kept: o.Now()}
	found, err := readDoor(o.Dir)
	if err != nil {
		o.Log.Warn("who the hub is could not be read; the sealed copy will tell", "err", err)
	}
	b.file = found
	if len(b.file.Key) == 0 {
		b.file.Key = make([]byte, ed25519.SeedSize)
		rand.Read(b.file.Key)
		if err := b.put(b.file); err != nil {
			o.Log.Warn("who the hub is could not be kept", "err", err)
		}
	}
	b.desk = claim.NewDesk(claim.Options{Tries: b.file.Tries, Keep: b.keepTries, Admit: b.admit, Now: o.Now})
	return b, b.wear(b.file.Key)
}

// wear makes a key the hub's.
func (b *Book) wear(seed []byte) (err error) {
	key := ed25519.NewKeyFromSeed(seed)
	if b.cert, err = claim.Certificate(key); err == nil {
		b.pin, err = claim.PinOf(tls.ConnectionState{PeerCertificates: b.leaf()})
	}
	return err
}

// OnDrop says who ends the connections of an app that is none any more; it is called once, before
// anything else.
func (b *Book) OnDrop(drop func(app string)) { b.drop = drop }

// Certificate is the hub's.
func (b *Book) Certificate() *tls.Certificate {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &b.cert
}

// Serve is one claim on a connection that asked for it.
func (b *Book) Serve(ctx context.Context, conn *tls.Conn) {
	b.mu.Lock()
	pin := b.pin
	b.mu.Unlock()
	if err := b.desk.Serve(ctx, conn, pin); err != nil {
		b.o.Log.Warn("a claim failed", "err", err)
		if errors.Is(err, claim.ErrWrong) {
			host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
			b.o.Notice(NoticeWrongCode, host)
		}
	}
}

// Attacked says whether somebody tried wrong codes.
func (b *Book) Attacked() bool { return b.desk.Attacked() }

// Known is the app with a pin: while the hub is unclaimed, the one that has proven the code; while it is
// locked, one with no name.
func (b *Book) Known(pin claim.Pin) (wire.App, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := pin.String()
	switch {
	case b.store != nil:
		for _, a := range b.apps {
			if a.Pin == name {
				return a.App, true
			}
		}
	case b.pending() && b.file.First.Pin == name: // also while its password is being set
		return wire.App{ID: idOf(name), Role: wire.RoleOwner}, true
	case b.o.Claimed():
		for _, a := range b.file.Apps {
			if a.Pin == name {
				return wire.App{ID: idOf(name), Role: a.Role}, true
			}
		}
	}
	return wire.App{}, false
}

func idOf(pin string) string { return pin[:16] }

// pending says whether the first app may still set the password.
func (b *Book) pending() bool {
	left := b.file.First.Until.Sub(b.o.Now())
	return b.file.First.Pin != "" && left > 0 && left <= firstTime // a clock that went back opens nothing
}

// Open takes the sealed state once the store is open. First is the app that set the password just now;
// an app that has proven a code and did not is forgotten. A store that takes nothing is used all the same.
func (b *Book) Open(ctx context.Context, store Store, first string) error {
	s, err := store.Load(ctx)
	if err != nil && !errors.Is(err, archive.ErrNone) {
		return err
	}
	b.desk.Withdraw()
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := len(s.Key) != ed25519.SeedSize
	if changed {
		s.Key = b.file.Key
	}
	if first != "" && b.file.First.Pin != "" && idOf(b.file.First.Pin) == first { // it asked in time, however long it took
		s.Apps, changed = append(s.Apps, b.appOf(b.file.First.Pin, b.first, claim.Terms{Role: wire.RoleOwner})), true
		b.o.Notice(NoticePaired, first)
	}
	if err := b.wear(s.Key); err != nil {
		return err
	}
	b.store, b.apps = store, s.Apps
	if !bytes.Equal(b.file.Key, s.Key) {
		b.file.Key, b.file.written = s.Key, false
	}
	if changed {
		err = b.save(ctx)
	} else {
		err = b.mend()
	}
	if err != nil && first == "" {
		b.o.Log.Warn("who the hub is could not be kept", "err", err)
		return nil
	}
	return err
}

// Close forgets what is sealed.
func (b *Book) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.store, b.apps = nil, nil
}

func (b *Book) appOf(pin string, said claim.App, t claim.Terms) App {
	return App{Pin: pin, App: wire.App{ID: idOf(pin), Name: said.Name, Platform: said.Platform, Role: t.Role, Person: t.Person, Added: b.o.Now().UTC()}}
}

// save keeps the state sealed and then mends the file.
func (b *Book) save(ctx context.Context) error {
	if b.store == nil {
		return wire.Refuse(http.StatusLocked, wire.CodeLocked)
	}
	if err := b.store.Save(ctx, State{Key: b.file.Key, Apps: b.apps}); err != nil {
		return b.o.Problem(err)
	}
	b.kept = b.o.Now()
	return b.mend()
}

// mend has the file say what the store says.
func (b *Book) mend() error {
	next := door{Key: b.file.Key, Tries: b.file.Tries}
	for _, a := range b.apps {
		next.Apps = append(next.Apps, knock{a.Pin, a.Role})
	}
	return b.put(next)
}

// put writes the file where it differs.
func (b *Book) put(next door) error {
	if b.file.equal(next) && b.file.written {
		return nil
	}
	if err := next.write(b.o.Dir); err != nil {
		return b.o.Problem(err)
	}
	next.written = true
	b.file = next
	return nil
}

func (b *Book) keepTries(t claim.Tries) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.file
	next.Tries = t
	return b.put(next)
}

// admit makes a claimant an app: of an unclaimed hub the first, which may set the password and nothing
// else.
func (b *Book) admit(ctx context.Context, c claim.Claimant) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.store != nil {
		return b.add(ctx, b.appOf(c.Pin.String(), c.App, c.Terms))
	}
	if b.o.Claimed() {
		return wire.Refuse(http.StatusLocked, wire.CodeLocked)
	}
	next := b.file
	next.First = first{c.Pin.String(), b.o.Now().Add(firstTime).UTC()}
	if err := b.put(next); err != nil {
		return err
	}
	b.first = c.App
	return nil
}

// Key is the hub's, to sign what others can check against the pin that apps know.
func (b *Book) Key() ed25519.PrivateKey {
	b.mu.Lock()
	defer b.mu.Unlock()
	return ed25519.NewKeyFromSeed(b.file.Key)
}

// Anew makes the hub another one, with no apps: everything was forgotten. Nothing of before is known to it.
func (b *Book) Anew() error {
	b.desk.Withdraw()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.store, b.apps, b.first = nil, nil, claim.App{}
	next := door{Key: make([]byte, ed25519.SeedSize)}
	rand.Read(next.Key)
	if err := b.wear(next.Key); err != nil {
		return err
	}
	b.file = door{} // it has gone from the disk too
	return b.put(next)
}
