package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/storage/records"
)

// keep is how long readings stay where nobody said otherwise. Alarms stay until somebody deletes them.
const keep = 7 * 24 * time.Hour

// Readings keeps the history of the home's things.
type Readings struct {
	Store *records.Store
	Lasts func(trait, person string) time.Duration // how long one is kept; nil: as usual
}

type kept struct {
	Accessory string          `json:"accessory"`
	Trait     string          `json:"trait"`
	Value     json.RawMessage `json:"value"`
}

// Keep stores a reading of an accessory. An event is durable when Keep returns; states are written in
// batches. What is about a person is stored under that person's key.
func (s Readings) Keep(ctx context.Context, a home.Accessory, r trait.Reading) error {
	body, err := json.Marshal(kept{Accessory: a.ID, Trait: r.Trait.ID(), Value: r.JSON()})
	if err != nil {
		return fmt.Errorf("archive: reading: %w", err)
	}
	lasts := keep
	if s.Lasts != nil {
		lasts = s.Lasts(r.Trait.ID(), a.Person)
	}
	rec := records.Record{Kind: kindReading, ID: a.ID + "/" + r.Trait.ID(), Subject: subjectOf(a), At: r.At, Expires: r.At.Add(lasts), Body: body}
	if r.Trait.Kind() == trait.State {
		err = s.Store.Append(ctx, rec)
	} else {
		rec.Kind, rec.Expires = kindAlarm, time.Time{}
		rec.ID += "/" + strconv.FormatInt(r.At.UnixNano(), 10)
		err = s.Store.Put(ctx, rec)
	}
	if err != nil {
		return fmt.Errorf("archive: reading: %w", err)
	}
	return nil
}

// subjectOf says whose an accessory's readings are: a watch's are its wearer's.
func subjectOf(a home.Accessory) string {
	if a.Person != "" {
		return subjectOfPerson(a.Person)
	}
	return subjectOfAccessory(a.ID)
}
