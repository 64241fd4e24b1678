// Package chain keeps entries that nobody can change, remove or swap without that being noticed. Each
// entry holds the hash of the one before; the newest hash stands in a head, which is kept a second time,
// sealed, in a file beside the store, so that a store that was put back is noticed too.
//
//	link.go    what is hashed
//	head.go    the newest hash, twice
//	verify.go  what is noticed, and where
//	trim.go    retention and forgetting, which leave a chain that can still be verified
//	pen.go     writes without keeping anybody waiting, and makes one entry of what repeats
//
// What an entry says about somebody is in its Parts, which are records of their own, sealed under the
// subject's key. The chain holds a commitment to each part: a hash over it and 32 random bytes that are
// sealed with it. Once a part is forgotten the commitment says nothing of anybody, and the chain is whole.
//
// What cannot be noticed: whoever can open the store and may write to its folder can make a whole new
// chain, and its head. Entries that were being written when the power went may be missing. A hub that
// was restored from a backup has the chain of that day; an entry says so.
package chain

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

// The kinds of entries that the chain makes of itself.
const (
	kindCheckpoint = "chain-checkpoint" // older entries had their time
	kindForgotten  = "chain-forgotten"  // parts of older entries were forgotten
	kindLost       = "chain-lost"       // newer entries were there, says the file beside the store
	kindRestored   = "chain-restored"   // the store came out of a backup
)

// own says whether an entry is the chain's, not its owner's.
func own(kind string) bool { return strings.HasPrefix(kind, "chain-") }

// Part is what an entry says about one subject.
type Part struct {
	Name    string // which part: unique within the entry
	Subject string // whose; required
	Body    []byte
}

// Draft is an entry to be. Note must name nobody: it stays when the parts are forgotten.
type Draft struct {
	At    time.Time
	Kind  string
	Parts []Part
	Note  []byte
}

// Entry is one that is in the chain. Gone are the names of the parts that are there no more.
type Entry struct {
	Draft
	Seq  uint64
	Gone []string
}

// Part gives the body of a part; nil where it is gone or never was.
func (e Entry) Part(name string) []byte {
	for _, p := range e.Parts {
		if p.Name == name {
			return p.Body
		}
	}
	return nil
}

// Options are what Open needs.
type Options struct {
	Store    *records.Store
	Name     string        // of the chain; its kinds of record are Name, Name-part and Name-head
	Dir      string        // for the file Name.head
	Keep     time.Duration // how long entries stay, in steps of a day: up to one less
	Most     int           // entries at most
	Restores int           // how often the store came out of a backup
	Undone   bool          // it is here because a restore was undone, for the first time since
	Log      *slog.Logger
	Now      func() time.Time // nil: the clock
}

// Chain is safe for concurrent use.
type Chain struct {
	o    Options
	file string

	mu   sync.Mutex
	head head
}

// household is the subject of what says nothing of anybody.
const household = "household"

// Open takes the chain up where it ended; an empty one begins with the first entry. A head beside the
// store that knows more than the store makes an entry that says so.
func Open(ctx context.Context, o Options) (*Chain, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Chain{o: o, file: filepath.Join(o.Dir, o.Name+".head")}
	r, err := o.Store.Get(ctx, o.Name+"-head", "head")
	switch {
	case errors.Is(err, records.ErrNotFound):
		c.head = newHead(o.Name, o.Restores)
		return c, nil
	case err != nil:
		return nil, fmt.Errorf("chain: %s: %w", o.Name, err)
	}
	if err := json.Unmarshal(r.Body, &c.head); err != nil {
		return nil, fmt.Errorf("chain: %s: head: %w", o.Name, err)
	}
	if err := c.reconcile(ctx); err != nil && !errors.Is(err, records.ErrReadOnly) {
		o.Log.Warn("the head of a chain is not as it was", "chain", o.Name, "err", err)
	}
	return c, nil
}

// reconcile notes in the chain how the head beside the store differs, if it does.
func (c *Chain) reconcile(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	flaw, err := c.compare(ctx)
	if err != nil {
		return err
	}
	now := c.o.Now().UTC()
	if c.head.Restores != c.o.Restores || c.o.Undone {
		c.head.Restores = c.o.Restores
		return c.append(ctx, nil, Draft{At: now, Kind: kindRestored})
	}
	if flaw == nil {
		return nil
	}
	note, err := json.Marshal(flaw)
	if err != nil {
		return fmt.Errorf("chain: %w", err)
	}
	return c.append(ctx, nil, Draft{At: now, Kind: kindLost, Note: note})
}

// Append adds entries, all or none, and gives their numbers; they are durable then.
func (c *Chain) Append(ctx context.Context, drafts ...Draft) ([]uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.head.Last + 1
	if err := c.append(ctx, nil, drafts...); err != nil {
		return nil, err
	}
	seqs := make([]uint64, len(drafts))
	for i := range drafts {
		seqs[i] = first + uint64(i)
	}
	return seqs, nil
}

// append writes entries and the head in one transaction, then the file. Trim, if not nil, changes the
// head with them. c.mu is held.
func (c *Chain) append(ctx context.Context, trim func(*head), drafts ...Draft) error {
	next := c.head
	var rows []records.Record
	for _, d := range drafts {
		l := link{Seq: next.Last + 1, At: d.At.UTC(), Kind: d.Kind, Prev: next.Hash, Note: d.Note}
		for _, p := range d.Parts {
			salted := append(salt32(), p.Body...)
			l.Parts = append(l.Parts, seal{p.Name, commitment(c.o.Name, l.Seq, p.Name, p.Subject, salted)})
			rows = append(rows, records.Record{Kind: c.partKind(), ID: partID(l.Seq, p.Name), Subject: p.Subject, At: l.At, Body: salted})
		}
		l.Hash = l.sum(c.o.Name)
		body, err := json.Marshal(l)
		if err != nil {
			return fmt.Errorf("chain: %w", err)
		}
		rows = append(rows, records.Record{Kind: c.o.Name, ID: linkID(l.Seq), Subject: household, At: l.At, Body: body})
		next.Last, next.Hash = l.Seq, l.Hash
	}
	if trim != nil {
		trim(&next)
	}
	body, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("chain: %w", err)
	}
	rows = append(rows, records.Record{Kind: c.o.Name + "-head", ID: "head", Subject: household, At: c.o.Now().UTC(), Body: body})
	if err := c.o.Store.Put(ctx, rows...); err != nil {
		return fmt.Errorf("chain: %s: %w", c.o.Name, err)
	}
	c.head = next
	if err := c.head.write(c.file, c.o.Name); err != nil {
		c.o.Log.Warn("the head of a chain is behind on disk", "chain", c.o.Name, "err", err)
	}
	return nil
}

// Entries gives the entries from a time, the oldest first; the chain's own are left out.
func (c *Chain) Entries(ctx context.Context, since time.Time) ([]Entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.scan(ctx)
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, l := range s.order(c.head.First, c.head.Last) {
		if !own(l.Kind) && !l.At.Before(since) {
			list = append(list, s.entry(l))
		}
	}
	return list, nil
}

func (c *Chain) partKind() string { return c.o.Name + "-part" }

// Kinds are the kinds of record of a chain, Personal those of them that are about somebody.
func Kinds(name string) []string { return []string{name, name + "-part", name + "-head"} }

// salt32 is the salt of a commitment, with room behind it.
func salt32() []byte {
	salt := make([]byte, saltLength, saltLength+256)
	rand.Read(salt) // crypto/rand ends the program rather than fail
	return salt
}
