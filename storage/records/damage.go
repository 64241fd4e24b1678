package records

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vfs"
)

// ErrReadOnly says that the store was opened with OpenDamaged and takes nothing new.
var ErrReadOnly = errors.New("records: the store is opened for reading only")

// Damage says which database is damaged. It is an ErrDamaged.
type Damage struct {
	Database string // "core" or "telemetry"
	File     string // its name in the store's folder
	Err      error  // what was found
}

// Error names the file and what was found in it.
func (d *Damage) Error() string { return fmt.Sprintf("records: %s is damaged: %v", d.File, d.Err) }

// Is makes every Damage an ErrDamaged.
func (d *Damage) Is(target error) bool { return target == ErrDamaged }

// Unwrap gives what was found.
func (d *Damage) Unwrap() error { return d.Err }

const (
	// startCheck is how long Open looks for damage in each database. A small store
	// is read whole; of a large one the weekly Check reads the rest.
	startCheck = 2 * time.Second
	// progressEvery is how often Check tells how far it is.
	progressEvery = 250 * time.Millisecond
)

// OpenDamaged opens a store in which Open or Check found damage, or one on a disk that
// may not be written, for reading only.
// No byte on disk changes, so that what is there can still be copied or replaced by
// a backup. What lies on sound pages is given as ever, all else is an ErrDamaged,
// and every change an ErrReadOnly. Damage says what is damaged. An error if not
// even one of the two databases can be read.
func OpenDamaged(dir string, v *vault.Vault, personal ...string) (*Store, error) {
	s, err := newStore(dir, v, personal)
	if err != nil {
		return nil, err
	}
	s.frozen = true
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	var coreErr, telemetryErr error
	s.core, coreErr = openFrozen(ctx, pathOf(dir, coreRole, v), v, coreProfile)
	s.telemetry, telemetryErr = openFrozen(ctx, pathOf(dir, telemetryRole, v), v, telemetryProfile)
	if coreErr != nil && telemetryErr != nil {
		s.closeDatabases()
		return nil, errors.Join(coreErr, telemetryErr)
	}
	for _, db := range []*database{s.core, s.telemetry} {
		if db.damage == nil {
			db.damage = db.lookOver(ctx, startCheck)
		}
	}
	s.forgetting, _ = s.halfForgotten(ctx) // of a core that cannot be read Damage tells
	s.flushing.Go(s.flushLate)
	return s, nil
}

// Damage gives what OpenDamaged found: one *Damage, or two joined; nil for a store
// that is whole as far as it was read.
func (s *Store) Damage() error { return errors.Join(s.core.damage, s.telemetry.damage) }

// openFrozen always gives a database: one that cannot be opened gives its damage to
// whoever reads it.
func openFrozen(ctx context.Context, path string, v keySource, p profile) (*database, error) {
	db := &database{role: p.role, path: path, write: sql.OpenDB(refusing{ErrReadOnly})}
	err := db.thaw(ctx, path, v, p)
	if err != nil {
		err = db.damaged(err)
		db.damage = err
		db.read = sql.OpenDB(refusing{err})
	}
	return db, err
}

func (db *database) thaw(ctx context.Context, path string, v keySource, p profile) error {
	// An empty file would be made a database, and a missing one created.
	if sizeOf(path) == 0 {
		return fmt.Errorf("%w: the file is missing or empty", ErrDamaged)
	}
	sealed, err := vfs.RegisterFrozen(p.keys(v))
	if err != nil {
		return err
	}
	read := pool(sql.OpenDB(sealed.Connector(path, vfs.Reader, p.pragmas...)), readers)
	var done int
	err = read.QueryRowContext(ctx, "PRAGMA user_version").Scan(&done)
	if err == nil && done == 0 {
		err = errGone
	}
	if err != nil {
		return errors.Join(explain("open "+p.role, err), read.Close())
	}
	db.vfs, db.read = sealed, read
	return nil
}

// refusing is a database whose every connection is an error.
type refusing struct{ err error }

func (r refusing) Connect(context.Context) (driver.Conn, error) { return nil, r.err }
func (r refusing) Driver() driver.Driver                        { return nil }

// Check reads every page of both databases and compares every index with its table.
// It may take minutes; others read and write meanwhile. progress, if not nil, is told
// about how many of the pages are done, from the caller's goroutine. Errors: *Damage
// (one, or two joined), context.Canceled if ctx ended or if Forget or Close, which
// do not wait for it, came in between.
func (s *Store) Check(ctx context.Context, progress func(done, of int)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer s.checks.add(cancel)()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if progress == nil {
		progress = func(int, int) {}
	}
	pages := make(map[*database]int)
	all, before := 0, 0
	for _, db := range []*database{s.core, s.telemetry} {
		var n int
		if err := db.read.QueryRowContext(ctx, "PRAGMA page_count").Scan(&n); err == nil {
			pages[db], all = n, all+n
		}
	}
	var found []error
	for _, db := range []*database{s.core, s.telemetry} {
		err := db.check(ctx, "PRAGMA integrity_check(10)", func(done int) {
			progress(before+min(done, pages[db]), all)
		})
		if ctx.Err() != nil {
			return fmt.Errorf("records: check: %w", ctx.Err())
		}
		before += pages[db]
		found = append(found, err)
	}
	progress(all, all)
	return errors.Join(found...)
}

// lookOver reads what it can within limit, but does not compare indexes.
func (db *database) lookOver(ctx context.Context, limit time.Duration) error {
	short, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := db.check(short, "PRAGMA quick_check(1)", func(int) {})
	if ctx.Err() == nil && short.Err() != nil {
		return nil
	}
	return err
}

// check runs one of SQLite's own checks, which are silent until they end; the VFS
// counts the pages that were read meanwhile.
func (db *database) check(ctx context.Context, pragma string, progress func(pages int)) error {
	if db.vfs == nil {
		return db.damage
	}
	start, verdict := db.vfs.PagesRead(), make(chan error, 1)
	go func() { verdict <- db.ask(ctx, pragma) }()
	every := time.NewTicker(progressEvery)
	defer every.Stop()
	for {
		select {
		case err := <-verdict:
			return err
		case <-every.C:
			progress(int(db.vfs.PagesRead() - start))
		}
	}
}

// ask uses a connection of its own: one of the pool would answer from its cache.
func (db *database) ask(ctx context.Context, pragma string) error {
	fresh := pool(sql.OpenDB(db.vfs.Connector(db.path, vfs.Reader, "PRAGMA cache_size=-4000")), 1)
	defer fresh.Close()
	var first string
	err := fresh.QueryRowContext(ctx, pragma).Scan(&first)
	switch {
	case err != nil:
		return db.damaged(explain("check", err))
	case first != "ok":
		return db.damaged(fmt.Errorf("%w: %s", ErrDamaged, first))
	}
	return nil
}

// damaged says of which database an ErrDamaged is; other errors stay as they are.
func (db *database) damaged(err error) error {
	var already *Damage
	if errors.As(err, &already) || !errors.Is(err, ErrDamaged) {
		return err
	}
	return &Damage{Database: db.role, File: filepath.Base(db.path), Err: err}
}

// sizeOf asks for the size without opening the file: closing it again would
// drop the lock that SQLite holds on it.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
