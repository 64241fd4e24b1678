package records

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"
)

const (
	telemetryRole = "telemetry"
	batchRows     = 500             // a batch of this size is written at once
	batchAge      = 2 * time.Second // and an older one in any case
	maxQueued     = 10 * batchRows  // rows kept for another try while the disk is full
	flushTimeout  = 30 * time.Second
)

// batch holds sealed rows that are not written yet, oldest first.
type batch struct {
	mu    sync.Mutex
	rows  []Record
	first chan struct{} // says that rows is no longer empty
}

// Query selects rows of telemetry; what is left zero selects everything.
type Query struct {
	Kind, ID, Subject string
	Since             time.Time // inclusive
	Until             time.Time // exclusive
	Limit             int       // at most so many, the newest
}

// Append queues a record for telemetry. It is written with the next batch,
// within two seconds; Flush, Query and Close write it sooner. storage.ErrFull if
// the disk has no room and the queue is full; the record is then not queued. Other errors
// are those of Put.
func (s *Store) Append(ctx context.Context, r Record) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, err := s.seal(ctx, telemetryRole, r)
	if err != nil {
		return err
	}
	b := &s.batch
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rows) >= maxQueued {
		if err := s.write(b); err != nil {
			return err
		}
	}
	b.rows = append(b.rows, r)
	if len(b.rows)%batchRows == 0 {
		// A failure keeps the rows queued for the next try; only a full queue
		// turns a record away.
		_ = s.write(b)
	}
	select {
	case b.first <- struct{}{}:
	default:
	}
	return nil
}

// Flush writes what is queued. After an error it is still queued.
func (s *Store) Flush(ctx context.Context) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.flush()
}

// Query gives the rows of telemetry that q selects, newest first, everything
// appended before included.
func (s *Store) Query(ctx context.Context, q Query) ([]Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	// On a full disk what was stored must still be readable.
	_ = s.flush()
	where, args := q.where(s.leaveOut())
	return s.collect(ctx, s.telemetry, telemetryRole,
		"SELECT kind, id, subject, at, expires, body FROM reading WHERE 1=1"+where, args...)
}

// where adds what q selects to other conditions.
func (q Query) where(where string, args []any) (string, []any) {
	and := func(condition string, arg any) {
		where, args = where+" AND "+condition, append(args, arg)
	}
	if q.Kind != "" {
		and("kind=?", q.Kind)
	}
	if q.ID != "" {
		and("id=?", q.ID)
	}
	if q.Subject != "" {
		and("subject<>'' AND subject=?", q.Subject) // names the partial index
	}
	if !q.Since.IsZero() {
		and("at>=?", toNano(q.Since))
	}
	if !q.Until.IsZero() {
		and("at<?", toNano(q.Until))
	}
	where += " ORDER BY at DESC, seq DESC"
	if q.Limit > 0 {
		where, args = where+" LIMIT ?", append(args, q.Limit)
	}
	return where, args
}

// flushLate writes each batch when it is old enough, until the store closes.
func (s *Store) flushLate() {
	for {
		select {
		case <-s.open.Done():
			return
		case <-s.batch.first:
		}
		select {
		case <-s.open.Done():
			return
		case <-time.After(batchAge):
		}
		if s.flush() != nil {
			s.again()
		}
	}
}

// again asks for another try after batchAge.
func (s *Store) again() {
	select {
	case s.batch.first <- struct{}{}:
	default:
	}
}

func (s *Store) flush() error {
	s.batch.mu.Lock()
	defer s.batch.mu.Unlock()
	return s.write(&s.batch)
}

// write puts the queued rows into one transaction; b is locked. It has a time
// of its own: the rows belong to many callers.
func (s *Store) write(b *batch) error {
	if len(b.rows) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	err := s.telemetry.change(ctx, func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx,
			"INSERT INTO reading (kind, id, subject, at, expires, body) VALUES (?, ?, ?, ?, ?, ?)")
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, r := range b.rows {
			_, err := insert.ExecContext(ctx, r.Kind, r.ID, r.Subject, toNano(r.At), toNano(r.Expires), r.Body)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return explain(fmt.Sprintf("append %d rows", len(b.rows)), err)
	}
	clear(b.rows)
	b.rows = b.rows[:0]
	return nil
}

// drop takes a subject's rows out of the queue.
func (b *batch) drop(subject string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.rows[:0]
	for _, r := range b.rows {
		if r.Subject != subject {
			kept = append(kept, r)
		}
	}
	clear(b.rows[len(kept):])
	b.rows = kept
}
