package blobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
)

// The kinds of record that a Store keeps in Rows.
const (
	kindKey     = "media-key"    // one per subject: 32 random bytes
	kindSegment = "segment"      // one per segment
	kindFolder  = "media-folder" // one: this database knows the folder
)

// Personal lists the kinds of record of a Store that are about somebody, for
// records.Open.
func Personal() []string { return []string{kindKey, kindSegment} }

// key reads the media key of a subject each time it is needed: what is in no
// memory does not outlive its row. ErrNotFound if there is none.
func (s *Store) key(ctx context.Context, subject string) ([]byte, error) {
	row, err := s.rows.Get(ctx, kindKey, subject)
	if errors.Is(err, records.ErrNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("blobs: media key: %w", err)
	}
	if len(row.Body) != keySize {
		return nil, fmt.Errorf("%w: a media key of %d bytes", ErrDamaged, len(row.Body))
	}
	return row.Body, nil
}

// ensureKey makes a subject's media key durable before anything is sealed
// under it. It is random: a derived key could be derived again.
func (s *Store) ensureKey(ctx context.Context, subject string) ([]byte, error) {
	s.altering.Lock() // two that begin at once must agree
	defer s.altering.Unlock()
	key, err := s.key(ctx, subject)
	if !errors.Is(err, ErrNotFound) {
		return key, err
	}
	// What there is of a subject without a key is left of a forgetting. Under the new key
	// it would seem to be damaged.
	left := s.pick(func(e *entry) bool { return e.Subject == subject })
	if err := s.remove(ctx, left); err != nil {
		return nil, fmt.Errorf("blobs: %w: %w", records.ErrForgetting, err)
	}
	key = make([]byte, keySize)
	rand.Read(key)
	// Put may keep Body; the caller clears its own copy.
	row := records.Record{Kind: kindKey, ID: subject, Subject: subject, Body: append([]byte{}, key...)}
	if err := s.meet(ctx, row); err != nil {
		return nil, fmt.Errorf("blobs: media key: %w", err)
	}
	return key, nil
}

// Forget destroys all segments of a subject. Those that are being read or
// written fail from now on with ErrNotFound; then the media key goes, and with
// it every copy of the files wherever it lies; then the files and rows, though ctx ends.
// A subject without segments is no error. After an error call it again; the next
// Open, Tidy or Create for the subject finishes it too.
//
// To forget all of a subject call records.Forget after this: it also ends the
// older copies of the media key's row in the database's log. It alone makes the
// segments as unreadable, and leaves the files to this or to the next Open.
func (s *Store) Forget(ctx context.Context, subject string) error {
	if subject == "" {
		return errors.New("blobs: forget: no subject")
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	s.altering.Lock()
	defer s.altering.Unlock()
	theirs := s.pick(func(e *entry) bool { return e.Subject == subject })
	s.expel(theirs)
	err := s.rows.Delete(ctx, kindKey, subject)
	if errors.Is(err, storage.ErrFull) && len(theirs) > 0 {
		// Even a deletion needs room in the database; the files make it.
		for _, e := range theirs {
			_ = s.doom(e.ID) // remove tries again, and tells
		}
		err = s.rows.Delete(ctx, kindKey, subject)
	}
	if err != nil {
		return fmt.Errorf("blobs: forget: %w", err)
	}
	return s.remove(context.WithoutCancel(ctx), theirs)
}

// Delete removes segments. Those that do not exist are no error; those in use
// fail with ErrNotFound from now on.
func (s *Store) Delete(ctx context.Context, ids ...string) error {
	s.altering.Lock()
	defer s.altering.Unlock()
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	return s.remove(ctx, s.pick(func(e *entry) bool { return wanted[e.ID] }))
}

func (s *Store) pick(wanted func(*entry) bool) []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*entry
	for _, e := range s.entries {
		if wanted(e) {
			found = append(found, e)
		}
	}
	return found
}

// expel ends all use of segments.
func (s *Store) expel(es []*entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range es {
		e.gone.Store(true)
		for r := range e.readers {
			r.shut(ErrNotFound)
		}
	}
}

// remove deletes files and rows. What cannot be deleted stays in the list, of
// no use to anyone, until another try. altering is held.
func (s *Store) remove(ctx context.Context, es []*entry) error {
	if len(es) == 0 {
		return nil
	}
	s.expel(es)
	var ids []string
	var errs []error
	for _, e := range es {
		if err := s.doom(e.ID); err != nil {
			errs = append(errs, err)
			continue
		}
		ids = append(ids, e.ID)
	}
	if err := s.drop(ctx, ids); err != nil {
		return errors.Join(append(errs, err)...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if e := s.entries[id]; !e.lost {
			s.stored -= e.Stored()
		}
		delete(s.entries, id)
	}
	return errors.Join(errs...)
}

// drop deletes the rows of doomed files and then the files.
func (s *Store) drop(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := storage.SyncDir(s.dir); err != nil {
		return err
	}
	if err := s.rows.Delete(ctx, kindSegment, ids...); err != nil {
		return fmt.Errorf("blobs: delete: %w", err)
	}
	var errs []error
	for _, id := range ids {
		errs = append(errs, s.unlink(id))
	}
	return errors.Join(append(errs, storage.SyncDir(s.dir))...)
}
