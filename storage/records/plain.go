package records

import (
	"context"
	"database/sql"
	"fmt"
	"io"

	"github.com/mattn/go-sqlite3"
)

// walkStep is how many rows Walk holds at once.
const walkStep = 500

// Plain is a database in the clear that lives in memory only: nothing of it is on a
// disk unless its owner writes it there. It has one connection, so rows must be
// closed before the next statement.
type Plain struct{ *sql.DB }

// OpenPlain makes an empty one with the tables of schema.
func OpenPlain(ctx context.Context, schema string) (Plain, error) {
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return Plain{}, explain("plain", err)
	}
	p := Plain{pool(db, 1)}
	for _, statement := range []string{"PRAGMA temp_store=MEMORY", "PRAGMA journal_mode=OFF", schema} {
		if _, err := p.ExecContext(ctx, statement); err != nil {
			_ = p.Close() // it holds nothing
			return Plain{}, explain("plain", err)
		}
	}
	return p, nil
}

// Write writes it as a file that every SQLite opens.
func (p Plain) Write(ctx context.Context, to io.Writer) error {
	conn, err := p.Conn(ctx)
	if err != nil {
		return explain("plain", err)
	}
	defer conn.Close()
	var file []byte
	err = raw(conn, func(c *sqlite3.SQLiteConn) (err error) {
		file, err = c.Serialize("main")
		return err
	})
	if err != nil {
		return explain("plain", err)
	}
	defer clear(file)
	_, err = to.Write(file)
	return err
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
