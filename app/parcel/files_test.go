package parcel_test

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/i18n"
)

// TestTheDesktopsMenu holds the entry in a Linux desktop's menu against the languages (Desktop Entry
// Specification 1.5).
func TestTheDesktopsMenu(t *testing.T) {
	lines := []string{"[Desktop Entry]", "Type=Application", "Version=1.5", "Name=Ingle"}
	for _, key := range []string{"generic", "comment"} {
		name := map[string]string{"generic": "GenericName", "comment": "Comment"}[key]
		for _, lang := range i18n.Languages() {
			as := name + "[" + lang + "]="
			if lang == "en" {
				as = name + "="
			}
			lines = append(lines, as+i18n.For(lang).Text("package."+key, nil))
		}
	}
	lines = append(lines, "Exec=ingle", "Icon=home.ingle.app", "Terminal=false", "Categories=Utility;", "Keywords=home;camera;privacy;",
		"StartupWMClass=Ingle", "")
	same(t, "home.ingle.app.desktop", strings.Join(lines, "\n"))
}

// TestIPhonesAskInEveryLanguage holds what iOS shows before it lets the app into the local network
// against the languages. Info.plist is merged into the one that Fyne's packager writes.
func TestIPhonesAskInEveryLanguage(t *testing.T) {
	if !strings.Contains(sources(t, "hub/announce"), `= "`+bonjour+`"`) {
		t.Errorf("the hub does not announce itself as %s", bonjour)
	}
	var languages strings.Builder
	for _, lang := range i18n.Languages() {
		tag := strings.ReplaceAll(lang, "_", "-")
		languages.WriteString("\t\t<string>" + tag + "</string>\n")
		text := i18n.For(lang).Text("package.network", nil)
		if strings.ContainsAny(text, "\"\\\n") {
			t.Errorf("%s: %q wants quoting", lang, text)
		}
		same(t, filepath.Join("ios", tag+".lproj", "InfoPlist.strings"), "NSLocalNetworkUsageDescription = \""+text+"\";\n")
	}
	var text bytes.Buffer
	if err := xml.EscapeText(&text, []byte(i18n.For("en").Text("package.network", nil))); err != nil {
		t.Fatal(err)
	}
	plist := xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>NSLocalNetworkUsageDescription</key>
	<string>` + text.String() + `</string>
	<key>NSBonjourServices</key>
	<array>
		<string>` + bonjour + `</string>
	</array>
	<key>CFBundleLocalizations</key>
	<array>
` + languages.String() + `	</array>
</dict>
</plist>
`
	same(t, filepath.Join("ios", "Info.plist"), plist)
}

// same compares a file with what it should say, or writes it.
func same(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != want {
		t.Errorf("%s is not what the app says (%v): run go test ./app/parcel -update", path, err)
	}
}
