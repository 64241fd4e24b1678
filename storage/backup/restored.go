package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

const (
	kindRestored = "restored"
	idRestored   = "last"
)

// Restored is what a store knows about having come out of a backup. An older copy of
// the same store, such as the one that the backup was made of, has restored fewer Times.
type Restored struct {
	Times   int       `json:"times"`
	At      time.Time `json:"at"`      // of the last restore, UTC
	Made    time.Time `json:"made"`    // of its backup, UTC
	Machine string    `json:"machine"` // on which that was made
}

// RestoredIn tells how a store came out of a backup; the zero value if it never did.
func RestoredIn(ctx context.Context, s *records.Store) (Restored, error) {
	var r Restored
	row, err := s.Get(ctx, kindRestored, idRestored)
	if errors.Is(err, records.ErrNotFound) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(row.Body, &r)
	}
	if err != nil {
		return r, fmt.Errorf("backup: %w", err)
	}
	return r, nil
}

// note leaves the mark in what was unpacked.
func (b *Backup) note(ctx context.Context, s *records.Store) error {
	r, err := RestoredIn(ctx, s)
	if err != nil {
		return err
	}
	r = Restored{Times: r.Times + 1, At: time.Now().UTC(), Made: b.Made, Machine: b.Machine}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return s.Put(ctx, records.Record{Kind: kindRestored, ID: idRestored, At: r.At, Body: body})
}
