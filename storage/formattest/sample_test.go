package formattest_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/formattest"
	"github.com/ingle-home/ingle/storage/records"
)

var update = flag.Bool("update", false, "write testdata/v2 anew")

const (
	sample     = "testdata/v2" // a store whose keys are of format version 2, as a killed hub left it
	sampleRows = 3             // in its databases, and as many in their logs
)

// The stored sample opens for ever, by the page and by the product.
func TestSample(t *testing.T) {
	if *update {
		must(t, os.RemoveAll(sample))
		must(t, os.MkdirAll(sample, 0o700))
		code := written(t, sample, sampleRows)
		must(t, os.WriteFile(filepath.Join(sample, "code"), []byte(code+"\n"), 0o600))
	}
	raw, err := os.ReadFile(filepath.Join(sample, "code"))
	must(t, err)
	code := strings.TrimSpace(string(raw))
	dir := copyStore(t, sample, "", nil)
	for _, how := range []func() (*formattest.Keys, error){
		func() (*formattest.Keys, error) { return formattest.WithCode(dir, code) },
		func() (*formattest.Keys, error) { return formattest.WithPassword(dir, password) },
	} {
		k, err := how()
		must(t, err)
		s, err := formattest.OpenStore(dir, k)
		must(t, err)
		if s.Core.Logged() == 0 || s.Telemetry.Logged() == 0 {
			t.Error("the sample has no log")
		}
		wantAll(t, s, 2*sampleRows)
	}
	product, err := openStore(dir, code)
	must(t, err)
	defer product.Close()
	for i := range 2 * sampleRows {
		want := record(i)
		got, err := product.Get(t.Context(), want.Kind, want.ID)
		if err != nil || string(got.Body) != string(want.Body) || got.Subject != want.Subject || !got.At.Equal(want.At) {
			t.Errorf("record %d: %v, or another", i, err)
		}
		rows, err := product.Query(t.Context(), records.Query{ID: want.ID})
		if err != nil || len(rows) != 1 || string(rows[0].Body) != string(want.Body) {
			t.Errorf("reading %d: %d rows, %v", i, len(rows), err)
		}
	}
}
