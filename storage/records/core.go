package records

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const coreRole = "core"

// Put stores records in core, all or none, and returns when they are durable. A
// record of the same kind and id is replaced. Errors: ErrNoSubject,
// ErrForgetting, storage.ErrFull.
func (s *Store) Put(ctx context.Context, rs ...Record) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sealed := make([]Record, len(rs))
	for i, r := range rs {
		var err error
		if sealed[i], err = s.seal(ctx, coreRole, r); err != nil {
			return err
		}
	}
	return explain("put", s.core.change(ctx, func(tx *sql.Tx) error {
		for _, r := range sealed {
			_, err := tx.ExecContext(ctx,
				`INSERT INTO record (kind, id, subject, at, expires, body) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (kind, id) DO UPDATE SET subject=excluded.subject, at=excluded.at,
				expires=excluded.expires, body=excluded.body`,
				r.Kind, r.ID, r.Subject, toNano(r.At), toNano(r.Expires), r.Body)
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// Get gives the record of core with this kind and id, or ErrNotFound. A record
// that has expired is there until Sweep.
func (s *Store) Get(ctx context.Context, kind, id string) (Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	row := s.core.read.QueryRowContext(ctx,
		"SELECT kind, id, subject, at, expires, body FROM record WHERE kind=? AND id=?", kind, id)
	r, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return Record{}, ErrNotFound
	}
	if err != nil {
		return Record{}, explain("get", err)
	}
	return s.unseal(ctx, coreRole, r)
}

// List gives all records of a kind in core, by id.
func (s *Store) List(ctx context.Context, kind string) ([]Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.collect(ctx, s.core, coreRole,
		"SELECT kind, id, subject, at, expires, body FROM record WHERE kind=? ORDER BY id", kind)
}

// Delete removes records from core, all or none, and returns when that is
// durable. Those that do not exist are no error.
func (s *Store) Delete(ctx context.Context, kind string, ids ...string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return explain("delete", s.core.change(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, "DELETE FROM record WHERE kind=? AND id=?", kind, id); err != nil {
				return err
			}
		}
		return nil
	}))
}

// collect reads all rows before it opens a body: finding a subject's key may
// need another reader.
func (s *Store) collect(ctx context.Context, db *database, role, query string, args ...any) ([]Record, error) {
	found, err := fetch(ctx, db, query, args...)
	if err != nil {
		return nil, explain("read", err)
	}
	for i := range found {
		if found[i], err = s.unseal(ctx, role, found[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func fetch(ctx context.Context, db *database, query string, args ...any) ([]Record, error) {
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

func scan(row interface{ Scan(...any) error }) (Record, error) {
	var r Record
	var at, expires int64
	err := row.Scan(&r.Kind, &r.ID, &r.Subject, &at, &expires, &r.Body)
	r.At, r.Expires = fromNano(at), fromNano(expires)
	return r, err
}

func toNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
