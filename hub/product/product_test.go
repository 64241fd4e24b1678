package product_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/product"
)

func TestSupportLastsFiveYears(t *testing.T) {
	first := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) // the day of the first release, at the latest
	if end := product.Until(); end.Before(first.AddDate(5, 0, 0)) {
		t.Errorf("support ends %v", end)
	}
	if !product.Supported(first) || product.Supported(product.Until()) || !product.Supported(product.Until().Add(-time.Second)) {
		t.Error("the last day is not the last with updates")
	}
}

// TestSecurityTxt reads it as RFC 9116 has it, at several times.
func TestSecurityTxt(t *testing.T) {
	field := regexp.MustCompile(`^(Contact|Expires|Policy|Preferred-Languages): \S.*$`)
	for _, now := range []time.Time{time.Now(), time.Date(2031, 5, 1, 3, 4, 5, 6, time.Local), product.Until().Add(-48 * time.Hour), product.Until().AddDate(1, 0, 0)} {
		seen := map[string]string{}
		for line := range strings.Lines(product.SecurityTxt(now)) {
			line = strings.TrimSuffix(line, "\n")
			if !field.MatchString(line) && !strings.HasPrefix(line, "#") {
				t.Fatalf("%q is no field", line)
			}
			if name, value, ok := strings.Cut(line, ": "); ok && seen[name] == "" {
				seen[name] = value
			}
		}
		if !strings.HasPrefix(seen["Contact"], "https://") || !strings.HasPrefix(seen["Policy"], "https://") {
			t.Errorf("%v", seen)
		}
		until, err := time.Parse(time.RFC3339, seen["Expires"])
		if err != nil || !until.After(now) || until.After(now.AddDate(1, 0, 0)) {
			t.Errorf("at %v it expires at %q: %v", now, seen["Expires"], err)
		}
	}
}

// TestOneDateEverywhere holds what people read against the one date.
func TestOneDateEverywhere(t *testing.T) {
	for _, file := range []string{"README.md", "SECURITY.md"} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), product.Updates) {
			t.Errorf("%s does not say that there are updates until %s", file, product.Updates)
		}
	}
}

// TestTheDateStandsOnce looks for another one in the code: who needs it takes product.Updates.
func TestTheDateStandsOnce(t *testing.T) {
	date := regexp.MustCompile(`= "20[2-9][0-9]-[0-9]{2}-[0-9]{2}"`)
	found := 0
	for _, top := range []string{"../../hub", "../../app"} {
		err := filepath.WalkDir(top, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			text, err := os.ReadFile(file)
			if err == nil && date.Match(text) {
				if found++; !strings.HasSuffix(filepath.ToSlash(file), "hub/product/product.go") {
					t.Errorf("%s has a date of its own", file)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found == 0 {
		t.Error("the search finds nothing")
	}
}

// TestThePromisesStand looks for what docs/compliance rests on.
func TestThePromisesStand(t *testing.T) {
	text, err := os.ReadFile("../../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, promise := range []string{product.Contact, "within 2 working days", "every 14 days", "within 7 days", "within 30 days", "90 days after the report"} {
		if !strings.Contains(string(text), promise) {
			t.Errorf("SECURITY.md does not say %q", promise)
		}
	}
}
