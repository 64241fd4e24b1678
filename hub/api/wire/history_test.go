package wire_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

func TestAHistoryIsJoined(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	h := wire.History{From: from, To: from.Add(1000 * time.Second)}
	for i := range 1000 {
		h.Points = append(h.Points, wire.Point{At: from.Add(time.Duration(i) * time.Second), Value: json.RawMessage(strconv.Itoa(i % 100)), Count: 1})
	}
	for _, n := range []int{1, 7, 10, 333, 999, 1000, 5000} {
		j := h.Join(n)
		count := 0
		for _, p := range j.Points {
			count += p.Count
			if p.Count > 1 && (p.Low == nil || *p.Low > *p.High) {
				t.Errorf("%d: a point has no span: %+v", n, p)
			}
		}
		if len(j.Points) > n || count != 1000 {
			t.Errorf("%d points stand for %d readings, where %d are allowed for 1000", len(j.Points), count, n)
		}
		if last := j.Points[len(j.Points)-1]; !last.At.Equal(h.Points[999].At) || string(last.Value) != "99" {
			t.Errorf("%d: the newest reading is %+v", n, last)
		}
	}
	if p := h.Join(10).Points[3]; *p.Low != 0 || *p.High != 99 || p.Count != 100 {
		t.Errorf("a hundred readings: %+v", p)
	}
	again := h.Join(333).Join(10)
	if p := again.Points[3]; *p.Low != 0 || *p.High != 99 {
		t.Errorf("joined twice: %+v", p)
	}
}

func TestWhatIsNoNumberIsJoinedToo(t *testing.T) {
	from := time.Unix(0, 0)
	h := wire.History{From: from, To: from.Add(4)}
	for i, v := range []string{"true", "false", `{"lat":1}`, "null"} {
		h.Points = append(h.Points, wire.Point{At: from.Add(time.Duration(i)), Value: json.RawMessage(v), Count: 1})
	}
	j := h.Join(2)
	if len(j.Points) != 2 || string(j.Points[0].Value) != "false" || j.Points[0].Low != nil || j.Points[1].Count != 2 {
		t.Errorf("%+v", j.Points)
	}
}
