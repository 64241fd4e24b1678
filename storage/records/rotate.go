package records

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

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

// copyPages is how many pages one step of the copy takes, between two looks at
// the context.
const copyPages = 1024

// keySource is a vault, or its next epoch.
type keySource interface {
	Key(purpose string) []byte
	Epoch() uint64
}

// metaStale says that something was forgotten since the last rotation.
const metaStale = "stale"

// Rotate seals everything anew under a new data key of the store's vault, and
// destroys the old one. Calls to the store wait meanwhile, about five seconds a
// gigabyte. After an error the store is as usable as before.
func (s *Store) Rotate(ctx context.Context, v *vault.Vault) error {
	s.alone()
	defer s.mu.Unlock()
	s.batch.mu.Lock() // the late flush asks for nothing else
	defer s.batch.mu.Unlock()
	select {
	case <-s.stop:
		return errors.New("records: rotate: the store is closed")
	default:
	}
	if err := s.write(&s.batch); err != nil {
		return err
	}
	next, from := v.Rotate(), v.Epoch()
	fresh, err := s.renew(ctx, next)
	if err == nil {
		s.reached("renewed")
		err = next.Commit()
	}
	if v.Epoch() != next.Epoch() {
		return errors.Join(err, fresh.close(), removeEpoch(s.dir, next.Epoch()))
	}
	s.reached("committed")
	old := pair{core: s.core, telemetry: s.telemetry}
	s.core, s.telemetry, s.wrap = fresh.core, fresh.telemetry, fresh.wrap
	if err = errors.Join(err, old.close()); err != nil {
		return err // the next Open removes the old files, once it has read the new ones
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

// renew copies both databases into files of the next epoch. On an error the pair
// holds what was opened.
func (s *Store) renew(ctx context.Context, next *vault.Next) (fresh pair, err error) {
	if err = removeEpoch(s.dir, next.Epoch()); err != nil { // of a rotation that failed
		return fresh, err
	}
	if fresh.wrap, err = wrapper(next); err != nil {
		return fresh, err
	}
	if fresh.core, err = s.core.copyTo(ctx, pathOf(s.dir, coreRole, next), next, coreProfile); err != nil {
		return fresh, err
	}
	s.reached("copied core")
	if fresh.telemetry, err = s.telemetry.copyTo(ctx, pathOf(s.dir, telemetryRole, next), next, telemetryProfile); err != nil {
		return fresh, err
	}
	s.reached("copied telemetry")
	if err = explain("rotate", s.rewrap(ctx, fresh, next.Epoch())); err != nil {
		return fresh, err
	}
	s.reached("wrapped")
	err = errors.Join(fresh.core.checkpoint(ctx), fresh.telemetry.checkpoint(ctx))
	return fresh, errors.Join(err, syncDir(s.dir))
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

// copyTo writes the database into a new file under other keys and looks whether
// it is whole.
func (db *database) copyTo(ctx context.Context, path string, k keySource, p profile) (*database, error) {
	// A free page may hold what was deleted, and would be copied as it is.
	rows, err := db.write.QueryContext(ctx, "PRAGMA incremental_vacuum")
	if err == nil {
		err = drain(rows)
	}
	if err != nil {
		return nil, explain("rotate", err)
	}
	fresh, err := openDatabase(ctx, path, k, p)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.backup(ctx, fresh), fresh.sameAs(ctx, db, p.table)); err != nil {
		return fresh, explain("rotate "+p.role, err)
	}
	return fresh, nil
}

// backup copies all pages through SQLite's backup API. Nobody else writes.
func (db *database) backup(ctx context.Context, to *database) error {
	return raw(ctx, db.write, func(source *sqlite3.SQLiteConn) error {
		return raw(ctx, to.write, func(target *sqlite3.SQLiteConn) error {
			b, err := target.Backup("main", source, "main")
			if err != nil {
				return err
			}
			for done := false; !done && err == nil; {
				if err = ctx.Err(); err == nil {
					done, err = b.Step(copyPages)
				}
			}
			return errors.Join(err, b.Finish())
		})
	})
}

func raw(ctx context.Context, pool *sql.DB, do func(*sqlite3.SQLiteConn) error) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		lite, ok := c.(*sqlite3.SQLiteConn)
		if !ok {
			return fmt.Errorf("a connection of type %T", c)
		}
		return do(lite)
	})
}

func (db *database) sameAs(ctx context.Context, other *database, table string) error {
	var verdict string
	if err := db.write.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return err
	}
	var have, want int
	err := db.write.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&have)
	err = errors.Join(err, other.write.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&want))
	if err == nil && (verdict != "ok" || have != want) {
		err = fmt.Errorf("%w: the copy has %d of %d rows, %s", ErrDamaged, have, want, verdict)
	}
	return err
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

// missing refuses to begin an empty store beside one of another epoch: then
// keys.json is older or newer than the databases.
func missing(dir string, k keySource) error {
	if sizeOf(pathOf(dir, coreRole, k)) > 0 {
		return nil
	}
	others, err := otherEpochs(dir, k.Epoch())
	if err == nil && len(others) > 0 {
		err = fmt.Errorf("%w: there is no core of epoch %d but %s", ErrDamaged, k.Epoch(), filepath.Base(others[0]))
	}
	return err
}

// removeOthers ends a rotation that a crash cut short. The databases of this
// epoch are open by now, so they are whole.
func removeOthers(dir string, k keySource) error {
	others, err := otherEpochs(dir, k.Epoch())
	for _, path := range others {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil || len(others) == 0 {
		return err
	}
	return syncDir(dir)
}

func otherEpochs(dir string, epoch uint64) ([]string, error) {
	var others []string
	for _, role := range []string{coreRole, telemetryRole} {
		found, err := filepath.Glob(filepath.Join(escape(dir), role+"-*.db*"))
		if err != nil {
			return nil, fmt.Errorf("records: %w", err)
		}
		own := filepath.Join(dir, fmt.Sprintf("%s-%d.db", role, epoch))
		for _, path := range found {
			if !strings.HasPrefix(path, own) {
				others = append(others, path)
			}
		}
	}
	return others, nil
}

// escape keeps a folder's name from being read as a pattern.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func removeEpoch(dir string, epoch uint64) error {
	for _, role := range []string{coreRole, telemetryRole} {
		for _, suffix := range []string{"", "-wal"} {
			err := os.Remove(filepath.Join(dir, fmt.Sprintf("%s-%d.db%s", role, epoch, suffix)))
			if err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("records: rotate: %w", err)
			}
		}
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("records: %w", err)
	}
	defer d.Close()
	return storage.Full(d.Sync())
}
