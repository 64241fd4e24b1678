package hap_test

import (
	"errors"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
)

func TestSetupPayload(t *testing.T) {
	s := hap.State{SetupCode: "482-61-937", SetupID: "7XK2", DeviceID: "A1:B2:C3:D4:E5:F6"}
	for category, want := range map[uint8]string{2: "X-HM://00249NZ8X7XK2", 17: "X-HM://00GX00E297XK2"} {
		if got, err := s.SetupURI(category); err != nil || got != want {
			t.Errorf("category %d: got %q, %v, want %q", category, got, err, want)
		}
	}
	if got := s.SetupHash(); got != "QWgcIg==" {
		t.Errorf("setup hash %q", got)
	}
}

func TestSetNeverClamps(t *testing.T) {
	c := &hap.Characteristic{Type: "8", Format: hap.FormatInt, Min: hap.Int(0), Max: hap.Int(100)}
	if err := c.Set(hap.Int(50)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []hap.Value{hap.Int(101), hap.Int(-1), hap.Float(1.5), hap.String("50")} {
		if err := c.Set(bad); !errors.Is(err, hap.StatusInvalidValue) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if v, _ := c.Value(); v != hap.Int(50) {
		t.Errorf("value moved to %v", v)
	}
}
