package facts_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/label/facts"
)

func keys(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

// TestShipped: what comes with the program is signed by the release key, is the list of the repository,
// and is not old.
func TestShipped(t *testing.T) {
	f, err := facts.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Makers) == 0 || !f.Expires.Time().After(time.Now()) {
		t.Errorf("%d makers, until %s: sign a newer list", len(f.Makers), f.Expires)
	}
	list, err := os.ReadFile("list.json")
	if err != nil {
		t.Fatal(err)
	}
	signed, err := os.ReadFile("facts.signed")
	if err != nil || !bytes.HasPrefix(signed, list) {
		t.Errorf("facts.signed is not list.json: sign it anew, %v", err)
	}
	if _, _, known := f.Of("hikvision", "DS-2CD2032-I"); !known {
		t.Error("a maker of the list is not known")
	}
}

// TestEveryByteIsSigned: a list with one other byte, of another key, cut or without its line is refused.
func TestEveryByteIsSigned(t *testing.T) {
	public, private := keys(t)
	other, _ := keys(t)
	signed := facts.Sign([]byte(`{"made": "2026-11-01", "expires": "2027-11-01", "makers": [{"names": ["A"]}]}`), private)
	if _, err := facts.Parse(signed, public); err != nil {
		t.Fatal(err)
	}
	for i := range signed {
		bad := bytes.Clone(signed)
		bad[i] ^= 1
		if f, err := facts.Parse(bad, public); err == nil && i < bytes.LastIndex(signed, []byte("ed25519")) {
			t.Fatalf("byte %d: %+v", i, f)
		}
		if _, err := facts.Parse(signed[:i], public); err == nil && i < len(signed)-1 {
			t.Fatalf("%d bytes of it are taken", i)
		}
	}
	if _, err := facts.Parse(signed, other); !errors.Is(err, facts.ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	if _, err := facts.Parse(signed, nil); !errors.Is(err, facts.ErrSignature) {
		t.Errorf("no key: %v", err)
	}
}

// TestWhatIsNoList: signed, and still not believed.
func TestWhatIsNoList(t *testing.T) {
	public, private := keys(t)
	for _, text := range []string{
		`[]`, `{}`, `{"made": "2026-11-01", "expires": "2026-10-01"}`, `{"made": "yesterday", "expires": "2027-01-01"}`,
		`{"made": "2026-11-01", "expires": "2027-11-01", "makers": [{"names": []}]}`,
		`{"made": "2026-11-01", "expires": "2027-11-01", "makers": [{"names": ["A"], "contact": {"address": "x", "source": "", "read": "2026-11-01"}}]}`,
		`{"made": "2026-11-01", "expires": "2027-11-01", "makers": [{"names": ["A"], "contact": {"address": "x", "source": "https://a.example/"}}]}`,
		`{"made": "2026-11-01", "expires": "2027-11-01", "makers": [{"names": ["A"], "models": [{"model": "*", "holes": [{"id": "CVE-1", "source": "ftp://a", "read": "2026-11-01"}]}]}]}`,
		`{"made": "2026-11-01", "expires": "2027-11-01", "run": "this"}`,
	} {
		if f, err := facts.Parse(facts.Sign([]byte(text), private), public); !errors.Is(err, facts.ErrForm) {
			t.Errorf("%s: %+v, %v", text, f, err)
		}
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
		ok   bool
	}{
		{"V5.5.82 build 190120", "5.5.9", 1, true}, {"2.4", "2.4.0", 0, true}, {"2.3.9", "2.4", -1, true}, {"10.0", "9.9", 1, true},
		{"", "1", -1, false}, {"new", "1", -1, false}, {"99999999999999999999999.1", "1", 0, false},
	} {
		if got, ok := facts.Compare(c.a, c.b); ok != c.ok || ok && got != c.want {
			t.Errorf("%q and %q: %d %v", c.a, c.b, got, ok)
		}
	}
	for version, want := range map[string]string{
		"V5.5.82 build 190120": "2019-01-20", "V5.4.5_Build170124": "2017-01-24", "2.800.0000000.8.R.20201207": "2020-12-07", "1.0": "0001-01-01",
		"v3.1.0_2023-05-06": "2023-05-06", "build 991399": "0001-01-01", "20269901": "0001-01-01", "120190120": "0001-01-01",
	} {
		if got := facts.Built(version).Format(time.DateOnly); got != want {
			t.Errorf("%q was built on %s, not %s", version, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	public, private := keys(f)
	f.Add([]byte(`{"made": "2026-11-01", "expires": "2027-11-01", "makers": [{"names": ["A"]}]}`), "1.0", "2.0")
	f.Add([]byte("\n"), "V5 build 190120", "20190120")
	f.Fuzz(func(t *testing.T, list []byte, a, b string) {
		if got, err := facts.Parse(facts.Sign(list, private), public); err == nil {
			got.Of("A", a)
		}
		if _, err := facts.Parse(list, public); err == nil {
			t.Fatal("a list without a signature is taken")
		}
		one, ok := facts.Compare(a, b)
		if back, again := facts.Compare(b, a); ok != again || ok && one != -back {
			t.Errorf("%q and %q: %d and %d", a, b, one, back)
		}
		facts.Built(a)
	})
}
