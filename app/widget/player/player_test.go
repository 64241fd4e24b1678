package player_test

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/ingle-home/ingle/app/widget/player"
)

func clock(at time.Time) string { return at.Format(time.TimeOnly) }

func TestEveryKeyOfTheBar(t *testing.T) {
	test.NewTempApp(t)
	b := player.New(player.Words{Name: "Recording", Play: "Play", Pause: "Pause", Clock: clock})
	w := test.NewTempWindow(t, b)
	w.Resize(fyne.NewSize(300, 60))
	var toggled, removed int
	var to []time.Duration
	b.Toggle, b.Seek, b.Remove = func() { toggled++ }, func(d time.Duration) { to = append(to, d) }, func() { removed++ }
	b.Load(time.Date(2026, 11, 25, 12, 26, 0, 0, time.UTC), 21*time.Second)
	b.Set(8*time.Second, true)
	if got := b.AccessibilityLabel(); got != "Recording: Pause, 0:08 / 0:21" {
		t.Error(got)
	}
	for _, k := range []fyne.KeyName{fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter, fyne.KeyLeft, fyne.KeyRight, fyne.KeyHome, fyne.KeyEnd, fyne.KeyDelete, fyne.KeyA} {
		b.TypedKey(&fyne.KeyEvent{Name: k})
	}
	want := []time.Duration{3 * time.Second, 13 * time.Second, 0, 21 * time.Second}
	if toggled != 3 || removed != 1 || len(to) != 4 {
		t.Fatal(toggled, removed, to)
	}
	for i := range want {
		if to[i] != want[i] {
			t.Errorf("%d: %v, want %v", i, to[i], want[i])
		}
	}
	b.Set(time.Hour, false)
	if b.At() != 21*time.Second || b.Playing() {
		t.Error(b.At())
	}
	test.TapAt(b, fyne.NewPos(10, 10))
	if toggled != 4 {
		t.Error("a tap on the sign does nothing")
	}
	test.TapAt(b, fyne.NewPos(b.Size().Width-8, 15))
	if last := to[len(to)-1]; last < 20*time.Second {
		t.Error(last)
	}
}

func TestTheSignSaysWhatATapDoes(t *testing.T) {
	test.NewTempApp(t)
	b := player.New(player.Words{Clock: clock})
	w := test.NewTempWindow(t, b)
	w.Resize(fyne.NewSize(300, 60))
	b.Load(time.Now(), 20*time.Second)
	sign := func() string {
		m, all := w.Canvas().Capture(), ""
		for y := range 60 {
			for x := range 40 {
				r, g, bl, _ := m.At(x, y).RGBA()
				all += string(rune('a' + (r+g+bl)>>15))
			}
		}
		return all
	}
	still := sign()
	b.Set(0, true)
	if sign() == still {
		t.Error("it looks the same while it plays")
	}
	b.Set(0, false)
	if sign() != still {
		t.Error("it does not come back")
	}
}
