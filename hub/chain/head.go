package chain

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
)

// maxFile bounds what is read of the file beside the store.
const maxFile = 4 << 10

// head is where a chain ends, and where what is left of it begins.
type head struct {
	Last     uint64 `json:"last"` // number of the newest entry; 0: none yet
	Hash     []byte `json:"hash"` // of it
	First    uint64 `json:"first"`
	Anchor   []byte `json:"anchor"` // hash of the entry before First
	Restores int    `json:"restores"`
	Key      []byte `json:"key"` // seals the file
}

func newHead(name string, restores int) head {
	start := sha256.Sum256([]byte("ingle chain 1 " + name))
	h := head{Hash: start[:], First: 1, Anchor: start[:], Restores: restores, Key: make([]byte, chacha20poly1305.KeySize)}
	rand.Read(h.Key)
	return h
}

// mark is what the file holds.
type mark struct {
	Last uint64 `json:"last"`
	Hash []byte `json:"hash"`
}

// write puts the mark beside the store. It is sealed: how often somebody looked is nobody's business.
func (h head) write(path, name string) error {
	a, err := chacha20poly1305.NewX(h.Key)
	if err != nil {
		return fmt.Errorf("chain: head: %w", err)
	}
	plain, err := json.Marshal(mark{h.Last, h.Hash})
	if err != nil {
		return fmt.Errorf("chain: head: %w", err)
	}
	nonce := make([]byte, a.NonceSize(), a.NonceSize()+len(plain)+a.Overhead())
	rand.Read(nonce)
	return storage.Place(path, a.Seal(nonce, nonce, plain, []byte(name)))
}

var errMark = errors.New("chain: the head beside the store does not open")

// read gives the mark: errMark where it was made with another key, fs.ErrNotExist where there is none.
func (h head) read(path, name string) (mark, error) {
	var m mark
	raw, err := storage.ReadFile(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EIO) {
		return m, err
	} else if err != nil { // nothing that this hub wrote
		return m, errMark
	}
	a, err := chacha20poly1305.NewX(h.Key)
	if err != nil || len(raw) < a.NonceSize() {
		return m, errMark
	}
	plain, err := a.Open(nil, raw[:a.NonceSize()], raw[a.NonceSize():], []byte(name))
	if err != nil || json.Unmarshal(plain, &m) != nil {
		return m, errMark
	}
	return m, nil
}

// compare says how the mark beside the store contradicts the store; nil if it does not. One that is
// behind is from before a power cut.
func (c *Chain) compare(ctx context.Context) (*Flaw, error) {
	m, err := c.head.read(c.file, c.o.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errMark):
		return &Flaw{Entry: c.head.Last, What: FlawHead}, nil
	case err != nil:
		return nil, fmt.Errorf("chain: head: %w", err)
	case m.Last > c.head.Last:
		return &Flaw{Entry: c.head.Last + 1, What: FlawRolledBack}, nil
	case m.Last < c.head.First-1:
		return nil, nil // it had its time meanwhile
	case m.Last == c.head.First-1:
		return differs(m, c.head.Anchor), nil
	}
	r, err := c.o.Store.Get(ctx, c.o.Name, linkID(m.Last))
	if errors.Is(err, records.ErrNotFound) {
		return &Flaw{Entry: m.Last, What: FlawRemoved}, nil
	} else if err != nil {
		return nil, fmt.Errorf("chain: head: %w", err)
	}
	var l link
	if json.Unmarshal(r.Body, &l) != nil {
		return &Flaw{Entry: m.Last, What: FlawChanged}, nil
	}
	return differs(m, l.Hash), nil
}

func differs(m mark, hash []byte) *Flaw {
	if bytes.Equal(m.Hash, hash) {
		return nil
	}
	return &Flaw{Entry: m.Last, What: FlawForked}
}
