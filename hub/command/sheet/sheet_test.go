package sheet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/command/sheet"
	"github.com/ingle-home/ingle/i18n"
)

// TestWhatDevicesSayIsText: a device that calls itself markup is not believed, and no count hides what is
// unknown.
func TestWhatDevicesSayIsText(t *testing.T) {
	const evil = `<script>alert(1)</script>`
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	l := wire.Label{Name: evil, Maker: evil, Model: evil, Firmware: evil, OK: 3, Fix: 2, Unknown: 8, Lines: []wire.LabelLine{
		{Line: "contact", State: wire.LabelUnknown, Text: "label.contact.none", Args: map[string]string{"maker": evil}, Raw: []string{evil}, Source: evil, Method: "listed", At: &at},
		{Line: "right-clock", State: wire.LabelNone, Text: "label.right-clock.none"},
	}}
	var page, text strings.Builder
	if err := sheet.Page(&page, i18n.For("de"), []wire.Label{l}, at); err != nil {
		t.Fatal(err)
	}
	if err := sheet.Text(&text, i18n.For("en"), l); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), evil) || !strings.Contains(page.String(), "&lt;script&gt;") {
		t.Error("what a device says becomes part of the page")
	}
	for _, want := range []string{`lang="de"`, "3 in Ordnung · 2 zu beheben · 8 unbekannt", "signierte Liste"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if !strings.Contains(text.String(), "3 ok · 2 to be fixed · 8 unknown") || strings.Contains(text.String(), "Clock") {
		t.Errorf("%s", text.String())
	}
	if strings.Contains(page.String(), "http") && !strings.Contains(page.String(), "HTTPS") {
		t.Error("the page fetches something")
	}
}
