package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ingle-home/ingle/storage/records"
)

const kindLabel = "label"

// Labels keeps what the hub knows about the safety of each accessory, under the accessory's own key: it goes
// when the accessory goes.
type Labels[T any] struct{ Store *records.Store }

// Load gives an accessory's record, or ErrNone.
func (l Labels[T]) Load(ctx context.Context, accessory string) (T, error) {
	var v T
	r, err := l.Store.Get(ctx, kindLabel, accessory)
	if errors.Is(err, records.ErrNotFound) {
		return v, ErrNone
	}
	if err != nil {
		return v, fmt.Errorf("archive: label of %s: %w", accessory, err)
	}
	if err := json.Unmarshal(r.Body, &v); err != nil {
		return v, fmt.Errorf("archive: label of %s: %w", accessory, err)
	}
	return v, nil
}

// Save keeps it.
func (l Labels[T]) Save(ctx context.Context, accessory string, v T) error {
	return put(ctx, l.Store, kindLabel, accessory, subjectOfAccessory(accessory), v)
}
