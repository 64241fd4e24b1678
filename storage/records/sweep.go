package records

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

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
