package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/storage"
)

// ErrForgetting says that a subject is only half forgotten: its key is gone, and the disk
// did not let the rest go. Nothing new of it is taken until that is done.
var ErrForgetting = errors.New("records: what there was of this subject is not erased yet")

// metaForgetting, with a subject behind it, is noted by the transaction that destroys the
// subject's key, and stays until telemetry has none of its rows. In between nothing can
// open those rows, so they are left out of what is read.
const metaForgetting = "forgetting/"

// Forget destroys everything of a subject: the rows of core and the subject's
// key in one transaction, from which on nothing of the subject can be read,
// then the rows of telemetry, then every older version of those pages in the
// logs. A subject that is not known is no error. Once the key is gone it goes on though
// ctx ends; after an error the subject is as it was, or half forgotten (ErrForgetting). The
// next Open, Rotate or Forget of anybody finishes what is half done.
func (s *Store) Forget(ctx context.Context, subject string) error {
	if subject == "" {
		return errors.New("records: forget: no subject")
	}
	s.erasing.Lock()
	defer s.erasing.Unlock()
	s.alone()
	defer s.mu.Unlock()
	if err := s.shred(ctx, subject); err != nil {
		return explain("forget", err)
	}
	s.reached("shredded")
	return s.finishForgetting(context.WithoutCancel(ctx))
}

// shred destroys a subject's key, and with it all that can be known of the subject.
func (s *Store) shred(ctx context.Context, subject string) error {
	err := s.core.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM record WHERE subject<>'' AND subject=?", subject)
		if err == nil {
			_, err = tx.ExecContext(ctx, "DELETE FROM subject_key WHERE subject=?", subject)
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES (?, '1') ON CONFLICT DO NOTHING", metaForgetting+subject)
		}
		if err == nil {
			err = noteStale(ctx, tx)
		}
		s.reached("shredding")
		return err
	})
	if err != nil {
		return err
	}
	s.keys.drop(subject)
	s.batch.drop(subject)
	if !slices.Contains(s.forgetting, subject) {
		s.forgetting = append(s.forgetting, subject)
	}
	return nil
}

// finishForgetting erases what is left of those whose key is gone. s.mu is held for
// writing, or nobody else has the store yet.
func (s *Store) finishForgetting(ctx context.Context) error {
	if len(s.forgetting) == 0 {
		return nil
	}
	err := s.core.checkpoint(ctx) // the log has the keys
	for _, subject := range s.forgetting {
		err = errors.Join(err, s.eraseReadings(ctx, subject))
	}
	s.reached("erased")
	if err = errors.Join(err, s.telemetry.checkpoint(ctx)); err != nil {
		return err
	}
	s.reached("emptied")
	err = s.core.change(ctx, func(tx *sql.Tx) error {
		for _, subject := range s.forgetting {
			if _, err := tx.ExecContext(ctx, "DELETE FROM meta WHERE name=?", metaForgetting+subject); err != nil {
				return err
			}
		}
		return noteStale(ctx, tx)
	})
	if err != nil {
		return explain("forget", err)
	}
	s.reached("struck off")
	s.forgetting = nil
	return s.core.checkpoint(ctx) // the log has the notes
}

// tryForgetting is finishForgetting for who holds only s.erasing, and disturbs nobody if there
// is nothing to do.
func (s *Store) tryForgetting(ctx context.Context) error {
	s.mu.RLock()
	left := len(s.forgetting)
	s.mu.RUnlock()
	if left == 0 {
		return nil
	}
	s.alone()
	defer s.mu.Unlock()
	return s.finishForgetting(context.WithoutCancel(ctx))
}

// eraseReadings overwrites a subject's rows of telemetry, which secure_delete
// does only in part there otherwise.
func (s *Store) eraseReadings(ctx context.Context, subject string) error {
	conn, err := s.telemetry.write.Conn(ctx)
	if err != nil {
		return explain("forget", err)
	}
	defer conn.Close()
	_, err = conn.ExecContext(ctx, "PRAGMA secure_delete=ON")
	if err == nil {
		_, err = conn.ExecContext(ctx, "DELETE FROM reading WHERE subject<>'' AND subject=?", subject)
	}
	_, back := conn.ExecContext(ctx, "PRAGMA secure_delete=FAST")
	return explain("forget", errors.Join(err, back))
}

// halfForgotten gives the subjects that core's notes name.
func (s *Store) halfForgotten(ctx context.Context) ([]string, error) {
	return column(ctx, s.core, "SELECT substr(name, ?) FROM meta WHERE name GLOB ?", len(metaForgetting)+1, metaForgetting+"*")
}

// resumeForgetting finishes at the start what a crash or the disk cut short: of the
// subjects that core's notes name, and of those in telemetry that have no key, which
// is how stores of earlier versions were left. What the disk does not let go can wait: it
// keeps nobody out, and whatever is forgotten next, or the next rotation, finishes it.
func (s *Store) resumeForgetting(ctx context.Context) (err error) {
	if s.forgetting, err = s.halfForgotten(ctx); err != nil {
		return explain("open", err)
	}
	all, err := column(ctx, s.telemetry, "SELECT DISTINCT subject FROM reading WHERE subject<>''")
	if err != nil {
		return explain("open", err)
	}
	for _, subject := range all {
		_, err := s.subjectKey(ctx, subject)
		if errors.Is(err, errNoKey) {
			s.forgetting = append(s.forgetting, subject)
		} else if err != nil && !errors.Is(err, ErrForgetting) {
			return err
		}
	}
	ctx = context.WithoutCancel(ctx) // much takes its time
	err = s.finishForgetting(ctx)
	if stale, _ := s.core.meta(ctx, metaStale, ""); stale != "" && err == nil {
		err = s.core.checkpoint(ctx) // where only this was left to do
	}
	if errors.Is(err, storage.ErrFull) || errors.Is(err, storage.ErrDisk) {
		s.unforgotten = err
		return nil
	}
	return err
}

// Unforgotten is why the disk did not let Open finish a forgetting that was cut short; nil
// as a rule.
func (s *Store) Unforgotten() error { return s.unforgotten }

// leaveOut is the condition by which a query of readings passes over those that nothing
// can open any more.
func (s *Store) leaveOut() (condition string, args []any) {
	for _, subject := range s.forgetting {
		args = append(args, subject)
	}
	return strings.Repeat(" AND subject<>?", len(args)), args
}

// column gives the only column of a query's rows.
func column(ctx context.Context, db *database, query string, args ...any) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// vacuumPages is how many free pages one Sweep gives back, 4 KiB each: small
// portions, because the writer waits meanwhile.
const vacuumPages = 256

// Sweep deletes what has expired by now, in both databases, and says how much.
func (s *Store) Sweep(ctx context.Context, now time.Time) (deleted int, err error) {
	s.erasing.Lock()
	defer s.erasing.Unlock()
	s.mu.RLock()
	defer s.mu.RUnlock()
	_ = s.flush() // rows that cannot be written yet are swept once they are
	for _, part := range []struct {
		db    *database
		table string
	}{{s.core, "record"}, {s.telemetry, "reading"}} {
		n, err := part.db.sweep(ctx, part.table, now)
		deleted += n
		if err != nil {
			return deleted, explain("sweep", err)
		}
	}
	return deleted, nil
}

func (db *database) sweep(ctx context.Context, table string, now time.Time) (int, error) {
	done, err := db.write.ExecContext(ctx, "DELETE FROM "+table+" WHERE expires<>0 AND expires<=?", toNano(now))
	if err != nil {
		return 0, err
	}
	n, err := done.RowsAffected()
	if err != nil {
		return 0, err
	}
	// The pragma frees one page per step: Exec would free a single one.
	rows, err := db.write.QueryContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages))
	if err != nil {
		return int(n), err
	}
	return int(n), drain(rows)
}

func drain(rows *sql.Rows) error {
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

// Counted is how much there is of one kind and id of one subject. Bytes are those of the sealed bodies;
// Expires is when the last of it does, zero where some of it never does.
type Counted struct {
	Kind, ID, Subject       string
	Count                   int
	Bytes                   int64
	Oldest, Newest, Expires time.Time
}

// Span is a time from Since on and before Until; what is zero bounds nothing.
type Span struct{ Since, Until time.Time }

func (p Span) where() (string, []any) {
	condition, args := "1=1", []any{}
	if !p.Since.IsZero() {
		condition, args = condition+" AND at>=?", append(args, toNano(p.Since))
	}
	if !p.Until.IsZero() {
		condition, args = condition+" AND at<?", append(args, toNano(p.Until))
	}
	return condition, args
}

// Count tells how much there is in both databases from a time. It opens no body.
func (s *Store) Count(ctx context.Context, p Span) ([]Counted, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_ = s.flush() // what cannot be written yet is not stored yet
	where, args := p.where()
	living, but := s.leaveOut()
	var all []Counted
	for _, part := range []struct {
		db    *database
		table string
	}{{s.core, "record"}, {s.telemetry, "reading"}} {
		rows, err := part.db.read.QueryContext(ctx, `SELECT kind, id, subject, count(*), sum(length(body)), min(at), max(at),
			CASE WHEN min(expires)=0 THEN 0 ELSE max(expires) END FROM `+part.table+" WHERE "+where+living+" GROUP BY kind, id, subject", append(args, but...)...)
		if err != nil {
			return nil, explain("count", err)
		}
		if all, err = counted(rows, all); err != nil {
			return nil, explain("count", err)
		}
	}
	return all, nil
}

func counted(rows *sql.Rows, all []Counted) ([]Counted, error) {
	defer rows.Close()
	for rows.Next() {
		var c Counted
		var oldest, newest, expires int64
		if err := rows.Scan(&c.Kind, &c.ID, &c.Subject, &c.Count, &c.Bytes, &oldest, &newest, &expires); err != nil {
			return nil, err
		}
		c.Oldest, c.Newest, c.Expires = fromNano(oldest), fromNano(newest), fromNano(expires)
		all = append(all, c)
	}
	return all, rows.Err()
}

// Part is some of what there is: of one kind, id and subject, in a span.
type Part struct {
	Kind, ID, Subject string
	Span
}

// Erase deletes parts of what there is in both databases, overwrites them, and empties the logs. What worn
// cells of the disk keep of it is sealed, and goes with the next Rotate, which Stale asks for. It says how
// many rows there were; what is not there is no error.
func (s *Store) Erase(ctx context.Context, parts ...Part) (deleted int, err error) {
	if s.frozen {
		return 0, ErrReadOnly
	}
	s.erasing.Lock()
	defer s.erasing.Unlock()
	s.alone()
	defer s.mu.Unlock()
	if err := s.flush(); err != nil { // a queued row would come back
		return 0, err
	}
	for _, in := range []struct {
		db    *database
		table string
	}{{s.core, "record"}, {s.telemetry, "reading"}} {
		n, err := in.db.erase(ctx, in.table, parts)
		deleted += n
		if err != nil {
			return deleted, explain("erase", err)
		}
	}
	if deleted == 0 {
		return 0, nil
	}
	if err := s.core.change(ctx, func(tx *sql.Tx) error { return noteStale(ctx, tx) }); err != nil {
		return deleted, explain("erase", err)
	}
	return deleted, errors.Join(s.core.checkpoint(ctx), s.telemetry.checkpoint(ctx))
}

func (db *database) erase(ctx context.Context, table string, parts []Part) (deleted int, err error) {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var before string
	if err := conn.QueryRowContext(ctx, "PRAGMA secure_delete").Scan(&before); err != nil {
		return 0, err
	}
	if before == "2" { // what telemetry has, see eraseReadings
		defer func() {
			_, back := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA secure_delete=FAST")
			err = errors.Join(err, back)
		}()
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA secure_delete=ON"); err != nil {
		return 0, err
	}
	for _, p := range parts {
		where, args := p.where()
		done, err := conn.ExecContext(ctx, "DELETE FROM "+table+" WHERE kind=? AND id=? AND subject=? AND "+where, append([]any{p.Kind, p.ID, p.Subject}, args...)...)
		if err != nil {
			return deleted, err
		}
		n, err := done.RowsAffected()
		if deleted += int(n); err != nil {
			return deleted, err
		}
	}
	return deleted, nil
}
