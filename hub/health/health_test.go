package health_test

import (
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/health"
)

func TestTheWorstComesFirstAndKeepsItsStart(t *testing.T) {
	now := time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC)
	l := health.New(func() time.Time { return now }, map[string]health.Severity{"disk-full": health.Alarm})
	changed := l.Changed()
	l.Raise("waiting", "porch", nil)
	select {
	case <-changed:
	default:
		t.Error("a raise told nobody")
	}
	l.Raise("disk-full", "", nil)
	started := now
	now = now.Add(time.Hour)
	l.Raise("waiting", "porch", map[string]string{"minutes": "5"})
	all := l.All()
	if len(all) != 2 || all[0].Code != "disk-full" || !all[1].Since.Equal(started) || all[1].NextStep() != "health.waiting.do" {
		t.Errorf("the list is %+v", all)
	}
	l.Clear("disk-full", "")
	if all = l.All(); len(all) != 1 || all[0].Args["minutes"] != "5" {
		t.Errorf("after clearing: %+v", all)
	}
}
