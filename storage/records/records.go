// Package records keeps what a hub knows, sealed, in two databases.
//
// Core holds what must not be lost: one record per kind and id, durable when
// Put returns. Telemetry holds readings and events: many per kind and id,
// appended in batches, of which a power cut may take the last two seconds.
// Both lie under storage/vfs, so every byte on disk is ciphertext.
//
// A record that concerns someone names a Subject. Its body is sealed once more
// under a random key of that subject, and Forget destroys rows and key
// together. The package knows bytes, kinds, subjects and times; what they mean
// is the caller's.
package records

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/ingle-home/ingle/storage/vault"
	"golang.org/x/crypto/chacha20poly1305"
)

var (
	// ErrNotFound says that there is no such record.
	ErrNotFound = errors.New("records: not found")
	// ErrNoSubject says that a record of a personal kind names no subject.
	ErrNoSubject = errors.New("records: a personal record must say whose it is")
	// ErrDamaged says that a page or body is not authentic, or that the files
	// do not belong together or to this vault. Nothing was changed.
	ErrDamaged = errors.New("records: the stored data is damaged")
)

// Record is one thing stored.
type Record struct {
	Kind    string // what it is, such as "person"; required
	ID      string // which one; required
	Subject string // whose personal data it is; "" if nobody's
	At      time.Time
	Expires time.Time // when Sweep deletes it; zero for never
	Body    []byte
}

// Store is an open pair of databases. It is safe for concurrent use.
type Store struct {
	dir             string
	core, telemetry *database
	personal        map[string]bool
	vaultID         []byte
	wrap            cipher.AEAD  // seals subject keys
	step            func(string) // called at each step of Rotate and Forget; nil but in tests

	// Forget, Sweep, Rotate and Close hold erasing, before mu: while readings are copied
	// none may go, nor the databases.
	erasing sync.Mutex

	// Everything but Forget, Rotate and Close holds mu for reading: while a
	// subject is forgotten nobody seals under its key, and no reader keeps an old
	// page in the WAL.
	mu         sync.RWMutex
	keys       keyring
	forgetting []string // subjects whose key is gone and whose readings are not; changed with mu held for writing

	unforgotten error // what the disk said to Open
	checks      checks
	frozen      bool // opened by OpenDamaged
	batch       batch
	open        context.Context // ends when Close begins, and a rotation with it
	stop        context.CancelFunc
	closed      bool
	flushing    sync.WaitGroup
}

// Open opens the databases of the vault in dir, which the caller has acquired,
// and creates them on first use; a store that was there before is opened by Reopen.
// personal lists the kinds of which every record must name a Subject. It looks for
// damage, in a large store only for some seconds. Errors: storage.ErrInUse, storage.ErrFull, ErrDamaged; with a *Damage, and with
// storage.ErrReadOnlyDisk, what is left can be read by OpenDamaged. The vault may be
// closed afterwards.
func Open(dir string, v *vault.Vault, personal ...string) (*Store, error) {
	return openWhole(dir, v, false, personal)
}

// Reopen is Open for a store that the caller knows was there before. Of one whose files
// look like new, since all that was in them is lost, it says ErrDamaged.
func Reopen(dir string, v *vault.Vault, personal ...string) (*Store, error) {
	return openWhole(dir, v, true, personal)
}

func openWhole(dir string, v *vault.Vault, known bool, personal []string) (_ *Store, err error) {
	s, err := newStore(dir, v, personal)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.closeDatabases()
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if err := errors.Join(missing(dir, v), newer(dir, v)); err != nil {
		return nil, err
	}
	if err := s.openDatabases(ctx, dir, v, known); err != nil {
		return nil, err
	}
	if err := removeOthers(dir, v); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	if err := s.resumeForgetting(ctx); err != nil {
		return nil, err
	}
	s.flushing.Go(s.flushLate)
	return s, nil
}

func newStore(dir string, v *vault.Vault, personal []string) (*Store, error) {
	wrap, err := wrapper(v)
	if err != nil {
		return nil, err
	}
	s := &Store{
		dir:      dir,
		personal: make(map[string]bool, len(personal)),
		vaultID:  v.ID(),
		wrap:     wrap,
		keys:     keyring{keys: make(map[string]*[chacha20poly1305.KeySize]byte)},
		batch:    batch{first: make(chan struct{}, 1)},
	}
	s.open, s.stop = context.WithCancel(context.Background())
	for _, kind := range personal {
		s.personal[kind] = true
	}
	return s, nil
}

// openDatabases never lets a database that has gone missing look like a new one
// beside the other, which remembers it; nor does it make one there, which the next start
// would take for the old one.
func (s *Store) openDatabases(ctx context.Context, dir string, v *vault.Vault, known bool) (err error) {
	corePath, telemetryPath := pathOf(dir, coreRole, v), pathOf(dir, telemetryRole, v)
	hadTelemetry := sizeOf(telemetryPath) > 0

	core := coreProfile
	core.known = known || hadTelemetry // which is made once core is durable
	if s.core, err = openDatabase(ctx, corePath, v, core); err != nil {
		return err
	}
	epoch, err := s.core.meta(ctx, "epoch", fmt.Sprint(v.Epoch()))
	if err != nil {
		return err
	}
	if epoch != fmt.Sprint(v.Epoch()) {
		return s.core.damaged(fmt.Errorf("%w: core is of epoch %s", ErrDamaged, epoch))
	}
	if seen, err := s.core.meta(ctx, "telemetry", ""); err != nil {
		return err
	} else if seen != "" && !hadTelemetry {
		return &Damage{telemetryRole, filepath.Base(telemetryPath), fmt.Errorf("%w: telemetry is gone", ErrDamaged)}
	}
	if s.telemetry, err = openDatabase(ctx, telemetryPath, v, telemetryProfile); err != nil {
		return err
	}
	_, err = s.core.meta(ctx, "telemetry", "1")
	return err
}

// Close writes what is still queued, closes both databases and wipes the keys. A
// rotation that is under way is given up, or finished if it has committed; a forgetting
// is finished. Its error is of rows that could not be written; the store is closed
// anyway.
func (s *Store) Close() error {
	s.stop()
	s.erasing.Lock()
	defer s.erasing.Unlock()
	s.alone()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.flushing.Wait()
	err := s.flush()
	s.keys.wipe()
	return errors.Join(err, s.closeDatabases())
}

func (s *Store) closeDatabases() error {
	return errors.Join(s.core.close(), s.telemetry.close())
}

func (s *Store) check(r Record) error {
	if r.Kind == "" || r.ID == "" {
		return errors.New("records: a record needs a kind and an id")
	}
	if s.personal[r.Kind] && r.Subject == "" {
		return fmt.Errorf("%w: kind %s", ErrNoSubject, r.Kind)
	}
	for _, t := range []time.Time{r.At, r.Expires} {
		if !t.IsZero() && (t.Year() < 1700 || t.Year() > 2200) {
			return errors.New("records: a time outside the years 1700 to 2200")
		}
	}
	return nil
}
