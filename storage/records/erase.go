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
