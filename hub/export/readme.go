package export

import (
	"fmt"
	"strings"
	"time"

	"github.com/ingle-home/ingle/i18n"
)

// readme explains every file to whoever opens the archive.
func (w *writing) readme() error {
	f, err := w.file("README.txt")
	if err != nil {
		return err
	}
	text := i18n.For(w.about.language)
	args := i18n.Args{"date": w.about.Made.Format(time.DateOnly), "person": w.about.Person}
	whose := "export.page.all"
	if w.about.only != "" {
		whose = "export.page.person"
	}
	var page strings.Builder
	for _, key := range []string{whose, "export.page.clear", "export.page.secrets"} {
		fmt.Fprintf(&page, "%s\n\n", text.Text(key, args))
	}
	for _, part := range []struct{ file, key string }{
		{"home.json", "export.page.home"},
		{"readings/*.csv", "export.page.csv"},
		{"readings.jsonl", "export.page.jsonl"},
		{"positions/*.gpx", "export.page.gpx"},
		{"ingle.sqlite", "export.page.sqlite"},
		{"clips/*/*.mp4", "export.page.clips"},
	} {
		fmt.Fprintf(&page, "%s\n    %s\n\n", part.file, text.Text(part.key, args))
	}
	_, err = f.Write([]byte(page.String()))
	return err
}
