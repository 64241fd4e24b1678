package chain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

const saltLength = 32

// link is what of an entry is in the chain.
type link struct {
	Seq   uint64    `json:"seq"`
	At    time.Time `json:"at"`
	Kind  string    `json:"kind"`
	Prev  []byte    `json:"prev"`
	Parts []seal    `json:"parts,omitempty"`
	Note  []byte    `json:"note,omitempty"`
	Hash  []byte    `json:"hash"` // of all above
}

// seal is the commitment to a part.
type seal struct {
	Name string `json:"name"`
	Hash []byte `json:"hash"`
}

// sum is the hash of a link: SHA-256 over its fields, each with its length before it.
func (l link) sum(chain string) []byte {
	b := bind(nil, []byte("ingle chain 1"), []byte(chain), number(l.Seq), number(uint64(l.At.UnixNano())), []byte(l.Kind), l.Prev, l.Note)
	for _, s := range l.Parts {
		b = bind(b, []byte(s.Name), s.Hash)
	}
	h := sha256.Sum256(b)
	return h[:]
}

// commitment is the hash of a part with its salt, which makes it say nothing once both are gone.
func commitment(chain string, seq uint64, name, subject string, salted []byte) []byte {
	h := sha256.Sum256(bind(nil, []byte("ingle part 1"), []byte(chain), number(seq), []byte(name), []byte(subject), salted))
	return h[:]
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// bind joins parts so that no two lists of parts give the same bytes.
func bind(b []byte, parts ...[]byte) []byte {
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

func linkID(seq uint64) string { return fmt.Sprintf("%016d", seq) }

func partID(seq uint64, name string) string { return linkID(seq) + "/" + name }

// seqOf reads the number out of the ID of a link or a part.
func seqOf(id string) (seq uint64, name string, ok bool) {
	digits, name, _ := strings.Cut(id, "/")
	seq, err := strconv.ParseUint(digits, 10, 64)
	return seq, name, err == nil && linkID(seq) == digits
}

// scan is all that is stored of a chain.
type scan struct {
	links  map[uint64]link // those that could be read, by the number in their ID
	broken map[uint64]bool // those that could not
	parts  map[string]records.Record
	stray  int // records whose ID is none of ours
}

func (c *Chain) scan(ctx context.Context) (*scan, error) {
	s := &scan{links: map[uint64]link{}, broken: map[uint64]bool{}, parts: map[string]records.Record{}}
	rows, err := c.o.Store.List(ctx, c.o.Name)
	if err != nil {
		return nil, fmt.Errorf("chain: %s: %w", c.o.Name, err)
	}
	for _, r := range rows {
		seq, name, ok := seqOf(r.ID)
		if !ok || name != "" {
			s.stray++
			continue
		}
		var l link
		if json.Unmarshal(r.Body, &l) != nil || !r.At.Equal(l.At) {
			s.broken[seq] = true
			continue
		}
		s.links[seq] = l
	}
	rows, err = c.o.Store.List(ctx, c.partKind())
	if err != nil {
		return nil, fmt.Errorf("chain: %s: %w", c.o.Name, err)
	}
	for _, r := range rows {
		s.parts[r.ID] = r
	}
	return s, nil
}

// entry is a link with the parts that are still there.
func (s *scan) entry(l link) Entry {
	e := Entry{Seq: l.Seq, Draft: Draft{At: l.At, Kind: l.Kind, Note: l.Note}}
	for _, p := range l.Parts {
		r, ok := s.parts[partID(l.Seq, p.Name)]
		if !ok || len(r.Body) < saltLength {
			e.Gone = append(e.Gone, p.Name)
			continue
		}
		e.Parts = append(e.Parts, Part{Name: p.Name, Subject: r.Subject, Body: bytes.Clone(r.Body[saltLength:])})
	}
	return e
}

// order gives the links from first to last, those that could be read, by the number in their ID.
func (s *scan) order(first, last uint64) []link {
	var list []link
	for _, seq := range slices.Sorted(maps.Keys(s.links)) {
		if seq >= first && seq <= last {
			list = append(list, s.links[seq])
		}
	}
	return list
}
