package records_test

import (
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

// A part of what there is goes, and all the rest stays, whatever lies beside it.
func TestErasePart(t *testing.T) {
	s := open(t, home(t))
	begin := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for i := range 6 {
		for _, id := range []string{"watch/where", "watch/steps"} {
			r := records.Record{Kind: "reading", ID: id, Subject: "person/1", At: begin.Add(time.Duration(i) * time.Hour), Expires: begin.Add(100 * time.Hour), Body: []byte("x")}
			if err := s.Append(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Put(t.Context(), records.Record{Kind: "alarm", ID: "watch/sos/1", Subject: "person/1", At: begin.Add(2 * time.Hour), Body: []byte("help")}); err != nil {
		t.Fatal(err)
	}
	span := records.Span{Since: begin.Add(time.Hour), Until: begin.Add(3 * time.Hour)}
	n, err := s.Erase(t.Context(), records.Part{Kind: "reading", ID: "watch/where", Subject: "person/1", Span: span},
		records.Part{Kind: "alarm", ID: "watch/sos/1", Subject: "person/1"}, records.Part{Kind: "reading", ID: "nobody", Subject: ""})
	if err != nil || n != 3 {
		t.Fatalf("erased %d: %v", n, err)
	}
	if stale, err := s.Stale(t.Context()); err != nil || !stale {
		t.Errorf("no rotation is due: %v", err)
	}
	all, err := s.Count(t.Context(), records.Span{})
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]int{}
	for _, c := range all {
		left[c.Kind+" "+c.ID] = c.Count
		if c.ID == "watch/steps" && (!c.Oldest.Equal(begin) || !c.Newest.Equal(begin.Add(5*time.Hour)) || !c.Expires.Equal(begin.Add(100*time.Hour)) || c.Bytes == 0) {
			t.Errorf("counted %+v", c)
		}
	}
	if len(left) != 2 || left["reading watch/where"] != 4 || left["reading watch/steps"] != 6 {
		t.Errorf("left %v", left)
	}
	if some, err := s.Count(t.Context(), span); err != nil || len(some) != 1 || some[0].Count != 2 {
		t.Errorf("in the span there are %+v: %v", some, err)
	}
}
