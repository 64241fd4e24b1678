package records

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// A subject's key is random: a derived one could be derived again, and then
// nothing would be forgotten.

// keyring holds the subject keys in use.
type keyring struct {
	mu   sync.Mutex
	keys map[string]*[chacha20poly1305.KeySize]byte
}

func (k *keyring) get(subject string) (*[chacha20poly1305.KeySize]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.keys[subject]
	return key, ok
}

func (k *keyring) put(subject string, key *[chacha20poly1305.KeySize]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[subject] = key
}

func (k *keyring) drop(subject string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key := k.keys[subject]; key != nil {
		clear(key[:])
	}
	delete(k.keys, subject)
}

func (k *keyring) wipe() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for subject, key := range k.keys {
		clear(key[:])
		delete(k.keys, subject)
	}
}

var errNoKey = fmt.Errorf("%w: a subject has no key", ErrDamaged)

// subjectKey finds a subject's key: errNoKey if there is none, ErrForgetting if it
// went before the rest could.
func (s *Store) subjectKey(ctx context.Context, subject string) (*[chacha20poly1305.KeySize]byte, error) {
	if slices.Contains(s.forgetting, subject) {
		return nil, ErrForgetting
	}
	if key, ok := s.keys.get(subject); ok {
		return key, nil
	}
	var wrapped []byte
	err := s.core.read.QueryRowContext(ctx, "SELECT wrapped FROM subject_key WHERE subject=?", subject).Scan(&wrapped)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, explain("subject key", err)
	}
	plain, err := openBytes(s.wrap, wrapped, bind(string(s.vaultID), subject))
	if err != nil || len(plain) != chacha20poly1305.KeySize {
		return nil, fmt.Errorf("%w: a subject's key does not open", ErrDamaged)
	}
	key := (*[chacha20poly1305.KeySize]byte)(plain)
	s.keys.put(subject, key)
	return key, nil
}

// ensureKey makes a subject's key durable before anything is sealed under it. A subject
// that is only half forgotten gets none: what is left of it would seem to be under the
// new key, and damaged.
func (s *Store) ensureKey(ctx context.Context, subject string) (*[chacha20poly1305.KeySize]byte, error) {
	key, err := s.subjectKey(ctx, subject)
	if !errors.Is(err, errNoKey) {
		return key, err
	}
	fresh := make([]byte, chacha20poly1305.KeySize)
	rand.Read(fresh)
	wrapped := sealBytes(s.wrap, fresh, bind(string(s.vaultID), subject))
	clear(fresh)
	// Another caller may have been faster; then its key is the one.
	_, err = s.core.write.ExecContext(ctx,
		"INSERT INTO subject_key (subject, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING", subject, wrapped)
	if err != nil {
		return nil, explain("subject key", err)
	}
	return s.subjectKey(ctx, subject)
}

// seal checks a record and gives the form that is stored; role binds it to its
// database.
func (s *Store) seal(ctx context.Context, role string, r Record) (Record, error) {
	if s.frozen {
		return Record{}, ErrReadOnly
	}
	if err := s.check(r); err != nil {
		return Record{}, err
	}
	if r.Subject == "" {
		r.Body = append([]byte{}, r.Body...) // never NULL, and the caller keeps its own
		return r, nil
	}
	key, err := s.ensureKey(ctx, r.Subject)
	if err != nil {
		return Record{}, err
	}
	a, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return Record{}, fmt.Errorf("records: %w", err)
	}
	r.Body = sealBytes(a, r.Body, bindRecord(role, r))
	return r, nil
}

func (s *Store) unseal(ctx context.Context, role string, r Record) (Record, error) {
	if r.Subject == "" {
		return r, nil
	}
	key, err := s.subjectKey(ctx, r.Subject)
	if err != nil {
		return Record{}, err
	}
	a, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return Record{}, fmt.Errorf("records: %w", err)
	}
	if r.Body, err = openBytes(a, r.Body, bindRecord(role, r)); err != nil {
		return Record{}, err
	}
	return r, nil
}

// sealBytes puts the nonce before the ciphertext.
func sealBytes(a cipher.AEAD, plain, bound []byte) []byte {
	nonce := make([]byte, a.NonceSize(), a.NonceSize()+len(plain)+a.Overhead())
	rand.Read(nonce)
	return a.Seal(nonce, nonce, plain, bound)
}

func openBytes(a cipher.AEAD, sealed, bound []byte) ([]byte, error) {
	n := a.NonceSize()
	if len(sealed) < n {
		return nil, fmt.Errorf("%w: a sealed body is too short", ErrDamaged)
	}
	plain, err := a.Open(nil, sealed[:n], sealed[n:], bound)
	if err != nil {
		return nil, fmt.Errorf("%w: a sealed body does not open", ErrDamaged)
	}
	return plain, nil
}

func bindRecord(role string, r Record) []byte {
	b := bind(role, r.Kind, r.ID, r.Subject)
	b = binary.BigEndian.AppendUint64(b, uint64(toNano(r.At)))
	return binary.BigEndian.AppendUint64(b, uint64(toNano(r.Expires)))
}

// bind joins parts so that no two lists of parts give the same bytes.
func bind(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}
