package archive

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

// Stored is how much of one kind lies in the store, about one thing of one person. Name is that of a
// document; Trait is of readings and alarms.
type Stored struct {
	Kind, Name, Trait, Person, Accessory string
	records.Counted
}

// Inventory lists what is stored from a time, both ends of which may be zero. It opens nothing.
func Inventory(ctx context.Context, store *records.Store, since, until time.Time) ([]Stored, error) {
	rows, err := store.Count(ctx, records.Span{Since: since, Until: until})
	if err != nil {
		return nil, fmt.Errorf("archive: inventory: %w", err)
	}
	all := make([]Stored, len(rows))
	for i, r := range rows {
		s := Stored{Kind: r.Kind, Counted: r}
		s.Person = under(r.Subject, subjectOfPerson(""))
		s.Accessory = under(r.Subject, subjectOfAccessory(""))
		switch r.Kind {
		case kindDocument:
			s.Name = r.ID
		case kindReading, kindAlarm:
			parts := strings.SplitN(r.ID, "/", 3)
			s.Accessory = parts[0]
			if len(parts) > 1 {
				s.Trait = parts[1]
			}
		}
		all[i] = s
	}
	return all, nil
}

// under is the ID in a subject of one sort, "" in another's.
func under(subject, prefix string) string {
	id, is := strings.CutPrefix(subject, prefix)
	if !is {
		return ""
	}
	return id
}

// Erase overwrites what an inventory listed, from the same time.
func Erase(ctx context.Context, store *records.Store, list []Stored, since, until time.Time) (int, error) {
	parts := make([]records.Part, len(list))
	for i, s := range list {
		parts[i] = records.Part{Kind: s.Counted.Kind, ID: s.ID, Subject: s.Subject, Span: records.Span{Since: since, Until: until}}
	}
	n, err := store.Erase(ctx, parts...)
	if err != nil {
		return n, fmt.Errorf("archive: erase: %w", err)
	}
	return n, nil
}
