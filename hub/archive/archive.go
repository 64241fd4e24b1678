// Package archive joins the home to its store: it keeps what the hub must remember as sealed records
// and says for each whose it is, so that forgetting somebody can find everything.
package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

// The kinds of record.
const (
	kindPerson    = "person"
	kindZone      = "zone"
	kindAccessory = "accessory"
	kindSecrets   = "secrets"
	kindReading   = "reading"
	kindAlarm     = "alarm"
	kindDocument  = "document"
)

// household is the subject of what belongs to the home as a whole.
const household = "household"

func subjectOfPerson(id string) string    { return "person/" + id }
func subjectOfAccessory(id string) string { return "accessory/" + id }

// ErrNone says that a document was never saved.
var ErrNone = errors.New("archive: no such document")

// Document is one small JSON document that the hub keeps: settings, identities, tables. Save is
// durable when it returns. Documents belong to the household.
type Document[T any] struct {
	Store *records.Store
	Name  string
}

// Load gives the document, or ErrNone.
func (d Document[T]) Load(ctx context.Context) (T, error) {
	var v T
	r, err := d.Store.Get(ctx, kindDocument, d.Name)
	if errors.Is(err, records.ErrNotFound) {
		return v, ErrNone
	}
	if err != nil {
		return v, fmt.Errorf("archive: %s: %w", d.Name, err)
	}
	if err := json.Unmarshal(r.Body, &v); err != nil {
		return v, fmt.Errorf("archive: %s: %w", d.Name, err)
	}
	return v, nil
}

// Save keeps the document.
func (d Document[T]) Save(ctx context.Context, v T) error {
	return put(ctx, d.Store, kindDocument, d.Name, household, v)
}

// Drop deletes the document; one that was never saved is no error.
func (d Document[T]) Drop(ctx context.Context) error { return drop(ctx, d.Store, kindDocument, d.Name) }

// drop overwrites what belongs to the household as a whole.
func drop(ctx context.Context, store *records.Store, kind, id string) error {
	if _, err := store.Erase(ctx, records.Part{Kind: kind, ID: id, Subject: household}); err != nil {
		return fmt.Errorf("archive: drop %s: %w", kind, err)
	}
	return nil
}

// Names gives the names of the documents that begin with prefix, sorted.
func Names(ctx context.Context, store *records.Store, prefix string) ([]string, error) {
	rows, err := store.List(ctx, kindDocument)
	if err != nil {
		return nil, fmt.Errorf("archive: documents: %w", err)
	}
	var names []string
	for _, r := range rows {
		if strings.HasPrefix(r.ID, prefix) {
			names = append(names, r.ID)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Newest is when the hub last kept a document, a person, a zone or an accessory, by its own clock at
// that time; zero if it never did. What things report carries their own times, which prove nothing.
func Newest(ctx context.Context, store *records.Store) (time.Time, error) {
	var newest time.Time
	for _, kind := range []string{kindDocument, kindPerson, kindZone, kindAccessory} {
		rows, err := store.List(ctx, kind)
		if err != nil {
			return newest, fmt.Errorf("archive: %s: %w", kind, err)
		}
		for _, r := range rows {
			if r.At.After(newest) {
				newest = r.At
			}
		}
	}
	return newest, nil
}

func put(ctx context.Context, store *records.Store, kind, id, subject string, v any) error {
	r, err := record(kind, id, subject, v)
	if err != nil {
		return err
	}
	return write(ctx, store, r)
}

func record(kind, id, subject string, v any) (records.Record, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return records.Record{}, fmt.Errorf("archive: %s: %w", kind, err)
	}
	return records.Record{Kind: kind, ID: id, Subject: subject, At: time.Now().UTC(), Body: body}, nil
}

// write keeps all of the records or none.
func write(ctx context.Context, store *records.Store, rs ...records.Record) error {
	if err := store.Put(ctx, rs...); err != nil {
		return fmt.Errorf("archive: %s: %w", rs[0].Kind, err)
	}
	return nil
}

func list[T any](ctx context.Context, store *records.Store, kind string) ([]T, error) {
	rows, err := store.List(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("archive: %s: %w", kind, err)
	}
	all := make([]T, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal(r.Body, &all[i]); err != nil {
			return nil, fmt.Errorf("archive: %s %s: %w", kind, r.ID, err)
		}
	}
	return all, nil
}
