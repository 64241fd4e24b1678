package records_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

func at(minutes int) time.Time {
	return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
}

func TestPutGetListDelete(t *testing.T) {
	dir, ctx := home(t), within(t)
	s := open(t, dir)
	mia := records.Record{Kind: "person", ID: "b", Subject: "mia", At: at(0), Expires: at(5), Body: []byte("Mia")}
	hall := records.Record{Kind: "room", ID: "hall", Body: []byte{}}
	must(t, s.Put(ctx, mia, hall, records.Record{Kind: "person", ID: "a", Body: []byte("Sam")}))
	must(t, s.Close())

	s = open(t, dir)
	got, err := s.Get(ctx, "person", "b")
	must(t, err)
	if string(got.Body) != "Mia" || got.Subject != "mia" || !got.At.Equal(mia.At) || !got.Expires.Equal(mia.Expires) {
		t.Errorf("got %+v", got)
	}
	if got, err = s.Get(ctx, "room", "hall"); err != nil || len(got.Body) != 0 || !got.At.IsZero() {
		t.Errorf("an empty record came back as %+v, %v", got, err)
	}
	list, err := s.List(ctx, "person")
	must(t, err)
	if len(list) != 2 || list[0].ID != "a" || list[1].ID != "b" {
		t.Errorf("list: %+v", list)
	}
	mia.Body = []byte("Mia the second")
	must(t, s.Put(ctx, mia))
	if got, _ = s.Get(ctx, "person", "b"); string(got.Body) != "Mia the second" {
		t.Errorf("after replacing: %q", got.Body)
	}
	must(t, s.Delete(ctx, "person", "b", "nobody"))
	if _, err := s.Get(ctx, "person", "b"); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("deleted record: %v", err)
	}
}

func TestPutIsAllOrNothing(t *testing.T) {
	s, ctx := open(t, home(t), "person"), within(t)
	err := s.Put(ctx, records.Record{Kind: "room", ID: "a"}, records.Record{Kind: "person", ID: "b"})
	if !errors.Is(err, records.ErrNoSubject) {
		t.Errorf("personal record without a subject: %v", err)
	}
	if _, err := s.Get(ctx, "room", "a"); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("the first half was stored: %v", err)
	}
	if err := s.Append(ctx, records.Record{Kind: "person", ID: "b"}); !errors.Is(err, records.ErrNoSubject) {
		t.Errorf("personal reading without a subject: %v", err)
	}
	if s.Put(ctx, records.Record{Kind: "room"}) == nil || s.Put(ctx, records.Record{ID: "a"}) == nil {
		t.Error("a record without kind or id was stored")
	}
}

func TestQuery(t *testing.T) {
	dir, ctx := home(t), within(t)
	s := open(t, dir)
	for i := range 1200 {
		r := records.Record{Kind: "place", ID: fmt.Sprint("watch", i%2), At: at(i), Body: fmt.Append(nil, i)}
		if i%3 == 0 {
			r.Subject = "mia"
		}
		must(t, s.Append(ctx, r))
	}
	count := func(q records.Query, want int, newest string) {
		t.Helper()
		got, err := s.Query(ctx, q)
		must(t, err)
		if len(got) != want || want > 0 && string(got[0].Body) != newest {
			t.Errorf("%+v: %d rows, newest %q; want %d, %q", q, len(got), got[0].Body, want, newest)
		}
	}
	count(records.Query{}, 1200, "1199")
	count(records.Query{Kind: "place", ID: "watch0"}, 600, "1198")
	count(records.Query{Subject: "mia"}, 400, "1197")
	count(records.Query{Since: at(100), Until: at(110)}, 10, "109")
	count(records.Query{Kind: "place", Limit: 7}, 7, "1199")
	count(records.Query{Kind: "heart"}, 0, "")
	must(t, s.Close())
	s = open(t, dir)
	count(records.Query{}, 1200, "1199")
}

func TestAppendIsWrittenWithoutAsking(t *testing.T) {
	dir, ctx := home(t), within(t)
	s := open(t, dir)
	must(t, s.Append(ctx, records.Record{Kind: "place", ID: "watch", Body: []byte("here")}))
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for records.Rows(t, s, "reading") == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the batch was never written")
		}
	}
}

func TestSweep(t *testing.T) {
	s, ctx := open(t, home(t)), within(t)
	for i := range 10 {
		must(t, s.Append(ctx, records.Record{Kind: "place", ID: "w", At: at(i), Expires: at(i + 5)}))
		must(t, s.Put(ctx, records.Record{Kind: "clip", ID: fmt.Sprint(i), Expires: at(i)}))
	}
	must(t, s.Put(ctx, records.Record{Kind: "room", ID: "hall"}))
	n, err := s.Sweep(ctx, at(7))
	must(t, err)
	if n != 8+3 {
		t.Errorf("%d deleted, want 11", n)
	}
	left, err := s.List(ctx, "clip")
	must(t, err)
	if len(left) != 2 {
		t.Errorf("%d clips left, want 2", len(left))
	}
	if _, err := s.Get(ctx, "room", "hall"); err != nil {
		t.Errorf("a record that never expires: %v", err)
	}
}

func TestClosedStore(t *testing.T) {
	s, ctx := open(t, home(t)), within(t)
	must(t, s.Close())
	must(t, s.Close())
	if s.Put(ctx, records.Record{Kind: "room", ID: "a"}) == nil {
		t.Error("a closed store took a record")
	}
}
