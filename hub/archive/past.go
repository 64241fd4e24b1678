package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

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
