package receipt_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/i18n"
)

func example() receipt.Receipt {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	return receipt.Receipt{
		ID: "r-abcdefgh", Scope: "person", Begun: at, Made: at, Done: true, Epochs: [2]uint64{1, 2}, Emptied: true,
		Counts:  []receipt.Count{{Kind: "location", Where: "hub", Before: 412, Bytes: 61_800}},
		Places:  []receipt.Place{{Holder: "rows", Outcome: receipt.Gone}, {Holder: "devices", Outcome: receipt.Impossible, Why: "erase.only-on-device", Many: 1}},
		Keys:    []string{"5f0c2a9d11e4b637"},
		Search:  receipt.Search{Words: 2, Bytes: 4096},
		Remains: []receipt.Remain{{What: "export", Why: "privacy.why.export"}},
	}
}

func signed(t testing.TB) []byte {
	t.Helper()
	raw, err := receipt.Sign(example(), ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAReceiptIsWhatWasSigned(t *testing.T) {
	raw := signed(t)
	v, err := receipt.Verify(raw)
	if err != nil || v.ID != "r-abcdefgh" || v.Counts[0].Before != 412 || len(v.Pin) != 64 {
		t.Fatalf("%+v, %v", v, err)
	}
	for was, is := range map[string]string{`"before": 412`: `"before": 411`, `"after": 0`: `"after": 1`, `"done": true`: `"done": false`, `"impossible"`: `"gone"`} {
		if _, err := receipt.Verify(bytes.Replace(raw, []byte(was), []byte(is), 1)); !errors.Is(err, receipt.ErrForged) {
			t.Errorf("%s: %v", is, err)
		}
	}
	for _, bad := range []string{"", "{}", "null", string(raw) + "{}", strings.Replace(string(raw), `"key"`, `"note": 1, "key"`, 1),
		strings.Replace(string(raw), `{`, `{"receipt": {"id": "r-other", "done": true},`, 1), // read first, and not signed
		strings.Replace(string(raw), `{`, `{"Receipt": {"id": "r-other"},`, 1), string(raw) + "} all of it is gone"} {
		if _, err := receipt.Verify([]byte(bad)); !errors.Is(err, receipt.ErrForm) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

// One flipped bit anywhere is noticed, or changes only how the file is laid out.
func TestFlippedBits(t *testing.T) {
	raw := signed(t)
	want, err := receipt.Verify(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1
		if v, err := receipt.Verify(bad); err == nil && (v.ID != want.ID || v.Pin != want.Pin || v.Counts[0] != want.Counts[0]) {
			t.Fatalf("byte %d: another receipt is good: %+v", i, v)
		}
	}
}

// Whatever is in the file, it is judged, and what is good says whose it is.
func FuzzVerify(f *testing.F) {
	f.Add(signed(f))
	f.Add([]byte(`{"receipt":{},"key":"","signature":""}`))
	f.Add([]byte(`{"receipt":[[[[`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if v, err := receipt.Verify(raw); err == nil && (v.ID == "" || len(v.Pin) != 64) {
			t.Errorf("took %+v", v)
		}
	})
}

// The page says it all, in each language, and needs nothing else.
func TestThePageIsForPeople(t *testing.T) {
	raw := signed(t)
	v, err := receipt.Verify(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"en", "de"} {
		text := i18n.For(lang)
		page, err := receipt.Page(v, raw, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{text.Text("receipt.title", nil), text.Text("privacy.kind.location", nil), text.Text("privacy.outcome.impossible", nil), "412", v.Pin, "4096"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page lacks %q", lang, want)
			}
		}
		if strings.Contains(page, "http://") || strings.Contains(page, "https://") || strings.Contains(page, "<script") {
			t.Errorf("%s: the page asks elsewhere", lang)
		}
	}
}
