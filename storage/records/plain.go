package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"

	"github.com/ingle-home/ingle/storage"
)

// walkStep is how many rows Walk holds at once.
const walkStep = 500

// Plain is a database in the clear, in a file that its owner chose a place for and that
// has no name there, so that nothing is left when the process or the power goes. It has
// one connection, so rows must be closed before the next statement.
type Plain struct {
	*sql.DB
	file *os.File
}

// OpenPlain makes an empty one with the tables of schema. It needs the name path,
// which nothing may have (fs.ErrExist), for a moment in which nothing else is in it;
// where an open file cannot lose its name, until Close. Errors: storage.ErrFull,
// storage.ErrReadOnlyDisk.
func OpenPlain(ctx context.Context, path, schema string) (_ Plain, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, storage.FileMode)
	if err != nil {
		return Plain{}, fmt.Errorf("records: plain: %w", storage.Full(err))
	}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=rw"}
	db, err := sql.Open("sqlite3", name.String())
	if err != nil {
		return Plain{}, errors.Join(explain("plain", err), f.Close(), os.Remove(path))
	}
	p := Plain{pool(db, 1), f}
	for _, statement := range []string{
		"PRAGMA temp_store=MEMORY", "PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA locking_mode=EXCLUSIVE", plainCache, schema,
	} {
		if _, err := p.ExecContext(ctx, statement); err != nil {
			return Plain{}, errors.Join(explain("plain", err), p.Close())
		}
	}
	_ = os.Remove(path) // Close tries again
	return p, nil
}

// plainCache bounds what is in memory of it, in KiB.
const plainCache = "PRAGMA cache_size=-8000"

// Close removes it.
func (p Plain) Close() error {
	err := errors.Join(p.DB.Close(), p.file.Close())
	if gone := os.Remove(p.file.Name()); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// Fill runs do in a transaction; after an error nothing in it can be relied on.
// Errors: those of do, storage.ErrFull, storage.ErrReadOnlyDisk.
func (p Plain) Fill(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := p.BeginTx(ctx, nil)
	if err != nil {
		return explain("plain", err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // there is no journal to go back by
		return explain("plain", err)
	}
	return explain("plain", tx.Commit())
}

// Write writes it as a file that every SQLite opens.
func (p Plain) Write(ctx context.Context, to io.Writer) error {
	size, err := p.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("records: plain: %w", err)
	}
	from := io.NewSectionReader(p.file, 0, size)
	for buffer := make([]byte, 1<<20); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("records: plain: %w", err)
		}
	}
}

// Walk gives f all rows of telemetry that are there when it begins, those of subject
// if that is not "", in the order in which they were written and few at a time.
// Progress, if not nil, is told how many of about how many rows were looked at. Rows
// that are forgotten meanwhile are left out.
func (s *Store) Walk(ctx context.Context, subject string, progress func(done, of int64), f func(Record) error) error {
	first, last, err := s.span(ctx)
	if err != nil {
		return err
	}
	for at := first; at <= last; {
		some, next, err := s.walkOn(ctx, subject, at, last)
		if err != nil {
			return err
		}
		for _, r := range some {
			if err := f(r); err != nil {
				return err
			}
		}
		at = next
		if progress != nil {
			progress(min(at, last+1)-first, last+1-first)
		}
	}
	return nil
}

// Undisturbed gives a context that ends with ctx and also when Forget, Rotate or Close
// come in between: what was read before must not stay then. Its caller cancels it.
func (s *Store) Undisturbed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	remove := s.checks.add(cancel)
	return ctx, func() { remove(); cancel() }
}

// span is the first and the last row of telemetry; 1 and 0 if there is none.
func (s *Store) span(ctx context.Context) (first, last int64, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_ = s.flush() // on a full disk what was stored must still be readable
	err = s.telemetry.read.QueryRowContext(ctx, "SELECT ifnull(min(seq), 1), ifnull(max(seq), 0) FROM reading").Scan(&first, &last)
	return first, last, explain("walk", err)
}

// walkOn reads the next rows from at on, and says where to go on.
func (s *Store) walkOn(ctx context.Context, subject string, at, last int64) ([]Record, int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	next := last
	err := s.telemetry.read.QueryRowContext(ctx, fmt.Sprintf(
		"SELECT ifnull(max(seq), ?2) FROM (SELECT seq FROM reading WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT %d)", walkStep),
		at, last).Scan(&next)
	if err != nil {
		return nil, 0, explain("walk", err)
	}
	living, but := s.leaveOut()
	some, err := s.collect(ctx, s.telemetry, telemetryRole, `SELECT kind, id, subject, at, expires, body FROM reading
		WHERE seq BETWEEN ?1 AND ?2 AND (?3='' OR subject=?3)`+living+" ORDER BY seq", append([]any{at, next, subject}, but...)...)
	return some, next + 1, err
}
