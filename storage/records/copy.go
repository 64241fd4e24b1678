package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vfs"
	"github.com/mattn/go-sqlite3"
)

// copyPages is how many pages one step of a copy takes, between two looks at the
// context.
const copyPages = 256

// Copy writes both databases into dir, sealed under the keys of c, while others
// read and write: each as it is at one moment, telemetry first, so that whoever
// is in it is in core as well. progress, if not nil, is told how many of about how
// many pages are done. Errors: storage.ErrFull, ErrReadOnly, ErrDamaged if the copy
// is not whole; context.Canceled if ctx ended or if Forget, Rotate or Close, which do
// not wait for it, came in between.
func (s *Store) Copy(ctx context.Context, dir string, c *vault.Copy, progress func(done, of int)) error {
	if s.frozen {
		return ErrReadOnly
	}
	if err := s.Flush(ctx); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer s.checks.add(cancel)()
	err := s.copyInto(ctx, dir, c, progress)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("records: copy: %w", ctx.Err())
	}
	return explain("copy", err)
}

func (s *Store) copyInto(ctx context.Context, dir string, c *vault.Copy, progress func(done, of int)) (err error) {
	var fresh pair
	defer func() { err = errors.Join(err, fresh.close()) }()
	if fresh.wrap, err = wrapper(c); err != nil {
		return err
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	before := 0
	tell := func(done, of int) { progress(before+done, before+of) }
	if fresh.telemetry, err = s.telemetry.copyLive(ctx, pathOf(dir, telemetryRole, c), c, telemetryProfile, tell); err != nil {
		return err
	}
	if err := fresh.telemetry.write.QueryRowContext(ctx, "PRAGMA page_count").Scan(&before); err != nil {
		return err
	}
	if fresh.core, err = s.core.copyLive(ctx, pathOf(dir, coreRole, c), c, coreProfile, tell); err != nil {
		return err
	}
	if err := s.rewrap(ctx, fresh, c.Epoch()); err != nil {
		return err
	}
	if err := errors.Join(fresh.core.shrink(ctx), fresh.telemetry.shrink(ctx)); err != nil {
		return err
	}
	return storage.SyncDir(dir)
}

// copyLive copies the database as it is at one moment into a new file under other
// keys. On an error it gives what was opened.
func (db *database) copyLive(ctx context.Context, path string, k keySource, p profile, progress func(done, of int)) (*database, error) {
	fresh, err := openDatabase(ctx, path, k, p)
	if err != nil {
		return nil, err
	}
	// A connection of its own: the copy keeps it longer than readers may wait.
	own := pool(sql.OpenDB(db.vfs.Connector(db.path, vfs.Reader, "PRAGMA cache_size=-4000")), 1)
	defer own.Close()
	if err := copyMoment(ctx, own, fresh, progress); err != nil {
		return fresh, fmt.Errorf("copy %s: %w", p.role, err)
	}
	return fresh, nil
}

// copyMoment copies inside one read transaction: without it the copy would begin again
// after every commit.
func copyMoment(ctx context.Context, from *sql.DB, to *database, progress func(done, of int)) error {
	source, err := from.Conn(ctx)
	if err != nil {
		return err
	}
	defer source.Close()
	for _, statement := range []string{"BEGIN", "SELECT count(*) FROM sqlite_schema"} {
		if _, err := source.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return backup(ctx, source, to, progress)
}

// backup copies all pages through SQLite's backup API. progress, if not nil, is told how many of
// how many pages are done.
func backup(ctx context.Context, from *sql.Conn, to *database, progress func(done, of int)) error {
	target, err := to.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer target.Close()
	return raw(from, func(from *sqlite3.SQLiteConn) error {
		return raw(target, func(to *sqlite3.SQLiteConn) error {
			b, err := to.Backup("main", from, "main")
			if err != nil {
				return err
			}
			for done := false; !done && err == nil; {
				if err = ctx.Err(); err != nil {
					break
				}
				done, err = b.Step(copyPages)
				if progress != nil {
					progress(b.PageCount()-b.Remaining(), b.PageCount())
				}
			}
			return errors.Join(err, b.Finish())
		})
	})
}

// shrink takes out the free pages, which may hold what was deleted, empties the
// log, and looks whether all is whole.
func (db *database) shrink(ctx context.Context) error {
	err := db.giveBack(ctx)
	if err == nil {
		err = db.checkpoint(ctx)
	}
	if err == nil {
		err = db.ask(ctx, "PRAGMA integrity_check(1)")
	}
	return err
}
