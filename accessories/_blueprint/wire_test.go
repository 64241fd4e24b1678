package blueprint

import (
	"strings"
	"testing"
)

func TestOnlyZeroIsRest(t *testing.T) {
	for percent, want := range map[int]int{-5: 0, 0: 0, 1: 1, 10: 1, 11: 2, 50: 5, 99: 10, 100: 10, 250: 10} {
		if got := stepOf(percent); got != want {
			t.Errorf("%d %% is step %d, not %d", percent, got, want)
		}
	}
	for step := range steps + 1 {
		if got := stepOf(percentOf(step)); got != step {
			t.Errorf("step %d comes back as %d", step, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"OK", "! SPEED 10", "BREEZE 1 A", "", " ", "OK  2", "OK \x00", "a b c d e", strings.Repeat("A", maxLine)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parse(text)
		if err != nil {
			return
		}
		if back := strings.Join(append([]string{m.word}, m.args...), " "); back != text {
			t.Errorf("%q was read as %q", text, back)
		}
		if n, err := m.number(0, 100); err == nil && (n < 0 || n > 100) {
			t.Errorf("%q gave %d", text, n)
		}
	})
}
