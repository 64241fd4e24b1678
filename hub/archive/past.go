package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/storage/records"
)

// Past is one reading as it was kept. Trait may be one of another version's.
type Past struct {
	At        time.Time
	Accessory string
	Trait     string
	Person    string // whose it is; "" if nobody's
	Value     json.RawMessage
}

// Each gives f every reading and every alarm that is kept, those of one person if person is not "",
// few at a time. Progress, if not nil, is told how far it is.
func (s Readings) Each(ctx context.Context, person string, progress func(done, of int64), f func(Past) error) error {
	subject := ""
	if person != "" {
		subject = subjectOfPerson(person)
	}
	alarms, err := s.Store.List(ctx, kindAlarm)
	if err != nil {
		return fmt.Errorf("archive: alarms: %w", err)
	}
	tell := func(r records.Record) error {
		if subject != "" && r.Subject != subject || r.Kind != kindAlarm && r.Kind != kindReading {
			return nil
		}
		p, err := pastOf(r)
		if err != nil {
			return err
		}
		return f(p)
	}
	for _, r := range alarms {
		if err := tell(r); err != nil {
			return err
		}
	}
	return s.Store.Walk(ctx, subject, progress, tell)
}

func pastOf(r records.Record) (Past, error) {
	var k kept
	if err := json.Unmarshal(r.Body, &k); err != nil {
		return Past{}, fmt.Errorf("archive: reading %s: %w", r.ID, err)
	}
	person, _ := strings.CutPrefix(r.Subject, subjectOfPerson(""))
	if person == r.Subject {
		person = ""
	}
	return Past{At: r.At, Accessory: k.Accessory, Trait: k.Trait, Person: person, Value: k.Value}, nil
}

// page is how many readings are in memory at a time, beside what f keeps.
const page = 2000

// Of gives f what is kept of one trait of an accessory between two times, from inclusive, to exclusive. It
// comes in pages, the newest page first, each page's oldest reading first; f may keep the page.
func (s Readings) Of(ctx context.Context, accessory string, t trait.Any, from, to time.Time, f func([]Past) error) error {
	if t.Kind() == trait.Event {
		return s.alarmsOf(ctx, accessory, t, from, to, f)
	}
	for q := (records.Query{Kind: kindReading, ID: accessory + "/" + t.ID(), Since: from, Until: to, Limit: page}); ; {
		rows, err := s.Store.Query(ctx, q)
		if err != nil {
			return fmt.Errorf("archive: readings: %w", err)
		}
		slices.Reverse(rows)
		if err := pages(rows, f); err != nil || len(rows) < page {
			return err
		}
		q.Until = rows[0].At // of several at the very same moment one may be missing: nobody sees that in a chart
	}
}

func (s Readings) alarmsOf(ctx context.Context, accessory string, t trait.Any, from, to time.Time, f func([]Past) error) error {
	rows, err := s.Store.List(ctx, kindAlarm)
	if err != nil {
		return fmt.Errorf("archive: alarms: %w", err)
	}
	rows = slices.DeleteFunc(rows, func(r records.Record) bool {
		return !strings.HasPrefix(r.ID, accessory+"/"+t.ID()+"/") || r.At.Before(from) || !r.At.Before(to)
	})
	slices.SortFunc(rows, func(a, b records.Record) int { return a.At.Compare(b.At) })
	return pages(rows, f)
}

func pages(rows []records.Record, f func([]Past) error) error {
	list := make([]Past, 0, len(rows))
	for _, r := range rows {
		p, err := pastOf(r)
		if err != nil {
			return err
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		return nil
	}
	return f(list)
}
