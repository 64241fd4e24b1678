package setup_test

import (
	"errors"
	"regexp"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/setup"
)

func TestTheVectorsOfThePayload(t *testing.T) {
	for category, want := range map[uint8]string{2: "X-HM://00249NZ8X7XK2", 17: "X-HM://00GX00E297XK2"} {
		if got, err := setup.URI("482-61-937", "7XK2", category); err != nil || got != want {
			t.Errorf("category %d: %q, %v, want %q", category, got, err, want)
		}
	}
	if got := setup.Hash("7XK2", "A1:B2:C3:D4:E5:F6"); got != "QWgcIg==" {
		t.Errorf("hash %q", got)
	}
}

func TestWhatIsNoCode(t *testing.T) {
	bad := []string{"", "-", "12345678", "123-45-678", "876-54-321", "482-61-93", "482-61-9377", "48-261-937", "482_61_937",
		"482-61-93a", "4a2-61-937", "482-61-93٧", "--------", "482-6--937", " 82-61-937", "+82-61-937"}
	for d := '0'; d <= '9'; d++ {
		s := string(d)
		bad = append(bad, s+s+s+"-"+s+s+"-"+s+s+s)
	}
	for _, code := range bad {
		if err := setup.Check(code); !errors.Is(err, setup.ErrCode) {
			t.Errorf("%q is taken: %v", code, err)
		}
		if uri, err := setup.URI(code, "7XK2", 2); err == nil {
			t.Errorf("%q has the payload %s", code, uri)
		}
	}
	for _, code := range []string{"482-61-937", "000-00-001", "999-99-998", "111-11-112", "123-45-679"} {
		if err := setup.Check(code); err != nil {
			t.Errorf("%q: %v", code, err)
		}
	}
	for _, id := range []string{"", "7XK", "7XK22", "7xk2", "7X-2", "7XKÄ"} {
		if _, err := setup.URI("482-61-937", id, 2); !errors.Is(err, setup.ErrID) {
			t.Errorf("the setup id %q: %v", id, err)
		}
	}
}

// The widest payload and the narrowest have nine digits, as controllers expect.
func TestThePayloadHasItsLength(t *testing.T) {
	whole := regexp.MustCompile(`^X-HM://[0-9A-Z]{9}0000$`)
	for _, code := range []string{"000-00-001", "999-99-998"} {
		for _, category := range []uint8{0, 1, 255} {
			if got, err := setup.URI(code, "0000", category); err != nil || !whole.MatchString(got) {
				t.Errorf("%s, category %d: %q, %v", code, category, got, err)
			}
		}
	}
}

// Codes and IDs are drawn from all that there are: with 5,000 draws, a place that never shows one of
// its letters is a fault, by a chance of one in 10⁵⁷ (digits over 10) and 10⁵⁹ (letters over 36).
func TestDrawing(t *testing.T) {
	codes := map[string]bool{}
	var seen [14]map[byte]bool
	for i := range seen {
		seen[i] = map[byte]bool{}
	}
	for range 5000 {
		code, id := setup.NewCode(), setup.NewID()
		if err := setup.Check(code); err != nil {
			t.Fatalf("drew %q: %v", code, err)
		}
		if _, err := setup.URI(code, id, 2); err != nil {
			t.Fatalf("drew %q, %q: %v", code, id, err)
		}
		codes[code] = true
		for i := range seen {
			seen[i][(code + id)[i]] = true
		}
	}
	if len(codes) < 4990 { // one pair is expected in eight runs
		t.Errorf("%d different codes in 5,000", len(codes))
	}
	for i, letters := range seen {
		want := 10
		switch {
		case i == 3 || i == 6:
			want = 1
		case i > 9:
			want = 36
		}
		if len(letters) != want {
			t.Errorf("place %d shows %d letters, want %d", i, len(letters), want)
		}
	}
}

func FuzzURI(f *testing.F) {
	f.Add("482-61-937", "7XK2", uint8(2))
	f.Add("123-45-678", "7XK2", uint8(17))
	f.Add("", "", uint8(0))
	f.Add("９９９-９９-９９９", "ÀÀ", uint8(255))
	whole := regexp.MustCompile(`^X-HM://[0-9A-Z]{13}$`)
	f.Fuzz(func(t *testing.T, code, id string, category uint8) {
		uri, err := setup.URI(code, id, category)
		if err != nil {
			return
		}
		if !whole.MatchString(uri) || setup.Check(code) != nil {
			t.Errorf("%q, %q: %q", code, id, uri)
		}
	})
}
