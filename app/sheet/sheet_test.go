package sheet_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"testing"

	"github.com/ingle-home/ingle/app/sheet"
)

// The page is given once and is nowhere on disk.
func TestPrint(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	var got []byte
	err := sheet.Print(t.Context(), []byte("<p>a secret"), func(at *url.URL) error {
		wrong := *at
		wrong.Path = "/"
		for _, u := range []string{wrong.String(), at.String(), at.String()} {
			resp, err := http.Get(u)
			if err != nil { // after the page was given there may be nobody any more
				continue
			}
			raw, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				continue
			}
			if got != nil || resp.Header.Get("Cache-Control") != "no-store" || u != at.String() {
				t.Errorf("%s gave %q with %v", u, raw, resp.Header)
			}
			got = raw
		}
		return nil
	})
	if err != nil || string(got) != "<p>a secret" {
		t.Errorf("printed %q, %v", got, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("on disk: %v", left)
	}
	refused := errors.New("no browser")
	if err := sheet.Print(t.Context(), nil, func(*url.URL) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("without a browser: %v", err)
	}
}
