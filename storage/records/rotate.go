package records

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/vault"
	"github.com/mattn/go-sqlite3"
	"golang.org/x/crypto/chacha20poly1305"
)

// A rotation writes both databases anew under the keys of the vault's next
// epoch, into files of that epoch. Before the vault commits, the old files count
// and the new ones are rubbish; after it, the other way round. Whichever a crash
// leaves, Open removes the other. Freed pages and worn flash cells keep old
// ciphertext, whose key is then nowhere.

// keySource is a vault, or its next epoch.
type keySource interface {
	Key(purpose string) []byte
	Epoch() uint64
}

// metaStale says that something was forgotten since the last rotation.
const metaStale = "stale"

// Rotate seals everything anew under a new data key of the store's vault, and
// destroys the old one. Readings, which are many, are copied while the store is
// in use; only Forget and Sweep wait for that. Then everybody waits for the rest,
// which is what came meanwhile and core. It finishes a Forget that was cut short. After an
// error the store is as usable as before.
func (s *Store) Rotate(ctx context.Context, v *vault.Vault) (err error) {
	if s.frozen {
		return ErrReadOnly
	}
	s.erasing.Lock()
	defer s.erasing.Unlock()
	ctx, over := s.whileOpen(ctx)
	defer over()
	if s.open.Err() != nil { // another process may have the folder by now
		return errClosed
	}
	if err := s.tryForgetting(ctx); err != nil {
		return err
	}
	next := v.Rotate()
	var fresh pair
	defer func() {
		if v.Epoch() != next.Epoch() {
			err = errors.Join(err, fresh.close(), removeEpoch(s.dir, next.Epoch()))
		}
	}()
	if err := removeEpoch(s.dir, next.Epoch()); err != nil { // of a rotation that failed
		return err
	}
	last, err := s.copyReadings(ctx, &fresh, next)
	if err != nil {
		return err
	}
	s.reached("copied telemetry")
	s.alone()
	defer s.mu.Unlock()
	s.batch.mu.Lock() // the late flush asks for nothing else
	defer s.batch.mu.Unlock()
	if err := s.finish(ctx, &fresh, next, last); err != nil {
		return err
	}
	s.reached("renewed")
	err = next.Commit()
	if v.Epoch() != next.Epoch() {
		return err
	}
	s.reached("committed")
	return s.moveTo(fresh, next.Epoch()-1, err)
}

var errClosed = errors.New("records: rotate: the store is closed")

// whileOpen gives a context that ends with ctx, and when Close begins.
func (s *Store) whileOpen(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(s.open, cancel)
	return ctx, func() { release(); cancel() }
}

// moveTo has the store use the new pair. The old files go if all went well;
// otherwise the next Open removes them, once it has read the new ones.
func (s *Store) moveTo(fresh pair, from uint64, err error) error {
	old := pair{core: s.core, telemetry: s.telemetry}
	s.core, s.telemetry, s.wrap = fresh.core, fresh.telemetry, fresh.wrap
	if err = errors.Join(err, old.close()); err != nil {
		return err
	}
	s.reached("closed")
	return removeEpoch(s.dir, from)
}

// reached is where tests end the process.
func (s *Store) reached(step string) {
	if s.step != nil {
		s.step(step)
	}
}

// pair is the databases of one epoch.
type pair struct {
	core, telemetry *database
	wrap            cipher.AEAD
}

func (p pair) close() error { return errors.Join(p.core.close(), p.telemetry.close()) }

// copyReadings copies telemetry as it is at one moment, while others write, and
// gives the last row of that moment. Rows are only added meanwhile.
func (s *Store) copyReadings(ctx context.Context, fresh *pair, next *vault.Next) (last int64, err error) {
	if fresh.wrap, err = wrapper(next); err != nil {
		return 0, err
	}
	from := s.telemetry
	if err := from.giveBack(ctx); err != nil {
		return 0, explain("rotate", err)
	}
	if fresh.telemetry, err = openDatabase(ctx, pathOf(s.dir, telemetryRole, next), next, telemetryProfile); err != nil {
		return 0, err
	}
	conn, err := from.read.Conn(ctx)
	if err != nil {
		return 0, explain("rotate", err)
	}
	defer conn.Close()
	// The copy would begin anew after every commit of another, were this not a
	// transaction.
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return 0, explain("rotate", err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	var rows int
	err = conn.QueryRowContext(ctx, "SELECT count(*), coalesce(max(seq), 0) FROM reading").Scan(&rows, &last)
	if err == nil {
		err = backup(ctx, conn, fresh.telemetry, nil)
	}
	if err == nil {
		err = fresh.telemetry.isWhole(ctx, "reading", rows)
	}
	return last, explain("rotate telemetry", err)
}

// finish copies core and the readings that came meanwhile; nobody else is there.
func (s *Store) finish(ctx context.Context, fresh *pair, next *vault.Next, last int64) error {
	if s.open.Err() != nil {
		return errClosed
	}
	if err := s.write(&s.batch); err != nil {
		return err
	}
	if err := s.copyRest(ctx, fresh.telemetry, last); err != nil {
		return explain("rotate telemetry", err)
	}
	if err := s.copyCore(ctx, fresh, next); err != nil {
		return explain("rotate core", err)
	}
	s.reached("copied core")
	if err := s.rewrap(ctx, *fresh, next.Epoch()); err != nil {
		return explain("rotate", err)
	}
	s.reached("wrapped")
	err := errors.Join(fresh.core.checkpoint(ctx), fresh.telemetry.checkpoint(ctx))
	return errors.Join(err, storage.SyncDir(s.dir))
}

// copyRest copies the readings after last as they are.
func (s *Store) copyRest(ctx context.Context, to *database, last int64) error {
	rows, err := s.telemetry.read.QueryContext(ctx,
		"SELECT seq, kind, id, subject, at, expires, body FROM reading WHERE seq>? ORDER BY seq", last)
	if err != nil {
		return err
	}
	defer rows.Close()
	return to.change(ctx, func(tx *sql.Tx) error {
		for rows.Next() {
			var seq, at, expires int64
			var kind, id, subject string
			var body []byte
			if err := rows.Scan(&seq, &kind, &id, &subject, &at, &expires, &body); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO reading (seq, kind, id, subject, at, expires, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
				seq, kind, id, subject, at, expires, body)
			if err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

func (s *Store) copyCore(ctx context.Context, fresh *pair, next *vault.Next) (err error) {
	if err := s.core.giveBack(ctx); err != nil {
		return err
	}
	if fresh.core, err = openDatabase(ctx, pathOf(s.dir, coreRole, next), next, coreProfile); err != nil {
		return err
	}
	conn, err := s.core.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var rows int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM record").Scan(&rows); err != nil {
		return err
	}
	if err := backup(ctx, conn, fresh.core, nil); err != nil {
		return err
	}
	return fresh.core.isWhole(ctx, "record", rows)
}

func wrapper(k keySource) (cipher.AEAD, error) {
	wrap, err := chacha20poly1305.NewX(k.Key("hub/subject-wrap"))
	if err != nil {
		return nil, fmt.Errorf("records: the vault is closed: %w", err)
	}
	return wrap, nil
}

func pathOf(dir, role string, k keySource) string {
	return filepath.Join(dir, fmt.Sprintf("%s-%d.db", role, k.Epoch()))
}

// rewrap seals the subject keys under the next epoch's key and notes the epoch.
// The keys themselves stay: what is sealed under them stays as it is.
func (s *Store) rewrap(ctx context.Context, fresh pair, epoch uint64) error {
	return fresh.core.change(ctx, func(tx *sql.Tx) error {
		wrapped, err := subjectKeys(ctx, tx)
		if err != nil {
			return err
		}
		for subject, old := range wrapped {
			bound := bind(string(s.vaultID), subject)
			key, err := openBytes(s.wrap, old, bound)
			if err != nil {
				return err
			}
			again := sealBytes(fresh.wrap, key, bound)
			clear(key)
			if _, err := tx.ExecContext(ctx, "UPDATE subject_key SET wrapped=? WHERE subject=?", again, subject); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM meta WHERE name=?", metaStale); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE meta SET value=? WHERE name='epoch'", strconv.FormatUint(epoch, 10))
		return err
	})
}

func subjectKeys(ctx context.Context, tx *sql.Tx) (map[string][]byte, error) {
	rows, err := tx.QueryContext(ctx, "SELECT subject, wrapped FROM subject_key")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	wrapped := make(map[string][]byte)
	for rows.Next() {
		var subject string
		var key []byte
		if err := rows.Scan(&subject, &key); err != nil {
			return nil, err
		}
		wrapped[subject] = key
	}
	return wrapped, rows.Err()
}

// giveBack cuts off free pages: one may hold what was deleted, and would be copied
// as it is.
func (db *database) giveBack(ctx context.Context) error {
	rows, err := db.write.QueryContext(ctx, "PRAGMA incremental_vacuum")
	if err != nil {
		return err
	}
	return drain(rows)
}

func raw(conn *sql.Conn, do func(*sqlite3.SQLiteConn) error) error {
	return conn.Raw(func(c any) error {
		lite, ok := c.(*sqlite3.SQLiteConn)
		if !ok {
			return fmt.Errorf("a connection of type %T", c)
		}
		return do(lite)
	})
}

func (db *database) isWhole(ctx context.Context, table string, want int) error {
	var verdict string
	if err := db.write.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return err
	}
	var have int
	if err := db.write.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&have); err != nil {
		return err
	}
	if verdict != "ok" || have != want {
		return fmt.Errorf("%w: the copy has %d of %d rows, %s", ErrDamaged, have, want, verdict)
	}
	return nil
}

// Stale tells whether something was forgotten since the last rotation: its
// sealed bytes may still lie in free pages of the disk, under a living key.
func (s *Store) Stale(ctx context.Context) (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	stale, err := s.core.meta(ctx, metaStale, "")
	return stale != "", err
}

// noteStale is part of the transaction that forgets.
func noteStale(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES (?, '1') ON CONFLICT DO NOTHING", metaStale)
	return err
}
