package hap_test

import (
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
)

// c# is of 1 to 65535 and goes round.
func TestRaise(t *testing.T) {
	for _, c := range []struct{ from, by, want uint16 }{
		{1, 1000, 1001}, {64535, 1000, 65535}, {64536, 1000, 1}, {65535, 1000, 1000}, {65535, 2000, 2000}, {7, 65535, 7},
	} {
		s := hap.State{ConfigNumber: c.from}
		if s.Raise(c.by); s.ConfigNumber != c.want {
			t.Errorf("%d by %d: %d, want %d", c.from, c.by, s.ConfigNumber, c.want)
		}
	}
}
