package records

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/vfs"
	"github.com/mattn/go-sqlite3"
)

const (
	readers     = 4
	openTimeout = 30 * time.Second
)

//go:embed core.sql
var coreSchema string

//go:embed telemetry.sql
var telemetrySchema string

// profile is what distinguishes the two databases.
type profile struct {
	role    string // part of the keys: a page of one is noise to the other
	pragmas []string
	steps   []string // migrations; the database's user_version counts those done
	known   bool     // it was here before: nothing is made in its place
}

var coreProfile = profile{
	role:    coreRole,
	pragmas: append([]string{"PRAGMA synchronous=FULL", "PRAGMA secure_delete=ON"}, shared...),
	steps:   []string{coreSchema},
}

var telemetryProfile = profile{
	role:    telemetryRole,
	pragmas: append([]string{"PRAGMA synchronous=NORMAL", "PRAGMA secure_delete=FAST"}, shared...),
	steps:   []string{telemetrySchema},
}

// shared pragmas: the cache is per connection, in KiB when negative; the limit
// is of the WAL after a checkpoint, in bytes.
var shared = []string{
	"PRAGMA foreign_keys=ON",
	"PRAGMA trusted_schema=OFF",
	"PRAGMA cache_size=-16000",
	"PRAGMA journal_size_limit=16777216",
}

// database is one file with its writer and its readers.
type database struct {
	role, path  string
	write, read *sql.DB
	vfs         *vfs.VFS // nil if it could not be opened at all
	damage      error    // a *Damage that OpenDamaged found
}

func (p profile) keys(v keySource) vfs.Keys {
	return vfs.Keys{Page: v.Key("hub/db/page/" + p.role), WALHeader: v.Key("hub/db/walhdr/" + p.role)}
}

func openDatabase(ctx context.Context, path string, v keySource, p profile) (_ *database, err error) {
	if p.known && sizeOf(path) == 0 {
		return nil, (&database{role: p.role, path: path}).damaged(errGone)
	}
	if err := provide(path); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	sealed, err := vfs.Register(p.keys(v))
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	db := &database{
		role: p.role, path: path, vfs: sealed,
		write: pool(sql.OpenDB(sealed.Connector(path, vfs.Writer, p.pragmas...)), 1),
		read:  pool(sql.OpenDB(sealed.Connector(path, vfs.Reader, p.pragmas...)), readers),
	}
	err = db.migrate(ctx, p)
	if err == nil {
		err = db.lookOver(ctx, startCheck)
	}
	if err != nil {
		db.close()
		if isBusy(err) {
			return nil, storage.ErrInUse
		}
		return nil, db.damaged(explain("open "+p.role, err))
	}
	return db, nil
}

// provide creates the file, readable by its owner only; SQLite would let the
// umask decide.
func provide(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, storage.FileMode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return storage.Full(err)
	}
	f.Close()
	return storage.SyncDir(filepath.Dir(path))
}

func pool(db *sql.DB, size int) *sql.DB {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}

// errGone says that all of a database is gone, or all but a page without a table.
var errGone = fmt.Errorf("%w: what was in it is gone", ErrDamaged)

// migrate runs the steps that this file has not seen, each in a transaction.
func (db *database) migrate(ctx context.Context, p profile) error {
	var done int
	if err := db.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&done); err != nil {
		return err
	}
	if done == 0 && p.known {
		return errGone
	}
	if done > len(p.steps) {
		return fmt.Errorf("written by a newer version (%d)", done)
	}
	for ; done < len(p.steps); done++ {
		err := db.change(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, p.steps[done]+fmt.Sprintf("\n;PRAGMA user_version=%d", done+1))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// change runs do in one transaction of the writer.
func (db *database) change(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// meta gives the stored value of name and stores value if there is none yet; an
// empty value stores nothing.
func (db *database) meta(ctx context.Context, name, value string) (string, error) {
	var have string
	err := db.write.QueryRowContext(ctx, "SELECT value FROM meta WHERE name=?", name).Scan(&have)
	if err == nil {
		return have, nil
	}
	if !errors.Is(err, sql.ErrNoRows) || value == "" {
		return "", explainUnlessMissing("meta", err)
	}
	_, err = db.write.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES (?, ?)", name, value)
	return value, explain("meta", err)
}

// checkpoint moves all of the WAL into the database and empties it, so that no
// older version of a page stays on disk.
func (db *database) checkpoint(ctx context.Context) error {
	var busy, frames, moved int
	err := db.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	if err == nil && busy != 0 {
		err = errors.New("a reader holds the log")
	}
	return explain("checkpoint", err)
}

func (db *database) close() error {
	if db == nil {
		return nil
	}
	// The writer last: closing the last connection checkpoints the WAL.
	err := errors.Join(db.read.Close(), db.write.Close())
	if db.vfs != nil {
		db.vfs.Revoke()
	}
	return explain("close", err)
}

func isBusy(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked)
}

// explain gives SQLite's errors the meaning that callers can act on.
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	var e sqlite3.Error
	switch {
	case !errors.As(err, &e):
	// Before the others: here the system's error is one of an earlier call.
	case e.Code == sqlite3.ErrCorrupt, e.Code == sqlite3.ErrNotADB, e.ExtendedCode == ioErrData:
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	case e.Code == sqlite3.ErrFull, errors.Is(e.SystemErrno, syscall.ENOSPC), errors.Is(e.SystemErrno, syscall.EFBIG):
		err = fmt.Errorf("%w: %w", storage.ErrFull, err)
	case e.Code == sqlite3.ErrReadonly, errors.Is(e.SystemErrno, syscall.EROFS):
		err = fmt.Errorf("%w: %w", storage.ErrReadOnlyDisk, err)
	case e.Code == sqlite3.ErrIoErr:
		err = fmt.Errorf("%w: %w", storage.ErrDisk, err)
	}
	return fmt.Errorf("records: %s: %w", doing, err)
}

// ioErrData is what the VFS answers for a page that is not authentic.
const ioErrData = 10 | 32<<8

func explainUnlessMissing(doing string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return explain(doing, err)
}
