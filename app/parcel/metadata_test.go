package parcel_test

import (
	"encoding/xml"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/ingle-home/ingle/i18n"
)

const (
	root    = "../.."
	bonjour = "_ingle._tcp" // as which a hub is found
)

// about is FyneApp.toml.
type about struct {
	Website   string
	Languages []string
	Details   struct {
		Icon, Name, ID, Version string
		Build                   int
	}
	LinuxAndBSD struct {
		GenericName, Comment string
		Categories, Keywords []string
	}
	Migrations map[string]bool
}

func metadata(t *testing.T) about {
	t.Helper()
	var a about
	left, err := toml.DecodeFile(filepath.Join(root, "FyneApp.toml"), &a)
	if err != nil || len(left.Undecoded()) > 0 {
		t.Fatalf("FyneApp.toml: %v, not understood: %v", err, left.Undecoded())
	}
	return a
}

func TestFyneAppIsComplete(t *testing.T) {
	a, en := metadata(t), i18n.For("en")
	if !slices.Equal(a.Languages, i18n.Languages()) {
		t.Errorf("FyneApp.toml lists the languages %q, there are %q", a.Languages, i18n.Languages())
	}
	if a.Website == "" || a.Details.Name != "Ingle" || a.Details.Version == "" || a.Details.Build < 1 {
		t.Errorf("FyneApp.toml lacks something: %+v", a)
	}
	source, err := os.ReadFile(filepath.Join(root, "app", "app.go"))
	if err != nil || !strings.Contains(string(source), `= "`+a.Details.ID+`"`) {
		t.Errorf("the app does not call itself %s: %v", a.Details.ID, err)
	}
	if _, err := os.Stat(filepath.Join(root, a.Details.Icon)); err != nil || a.Details.Icon != "app/parcel/icon.png" {
		t.Errorf("the icon %s: %v", a.Details.Icon, err)
	}
	if !a.Migrations["fyneDo"] {
		t.Error("without fyneDo Fyne warns of an app that is not migrated")
	}
	l := a.LinuxAndBSD
	if l.GenericName != en.Text("package.generic", nil) || l.Comment != en.Text("package.comment", nil) || len(l.Categories) == 0 {
		t.Errorf("the desktop's menu says %+v", l)
	}
}

// manifest is AndroidManifest.xml.
type manifest struct {
	Package     string `xml:"package,attr"`
	Code        int    `xml:"http://schemas.android.com/apk/res/android versionCode,attr"`
	Name        string `xml:"http://schemas.android.com/apk/res/android versionName,attr"`
	Permissions []struct {
		Name string `xml:"http://schemas.android.com/apk/res/android name,attr"`
	} `xml:"uses-permission"`
	Application struct {
		Debuggable string `xml:"http://schemas.android.com/apk/res/android debuggable,attr"`
		Backup     string `xml:"http://schemas.android.com/apk/res/android allowBackup,attr"`
		Activity   struct {
			Name string `xml:"http://schemas.android.com/apk/res/android name,attr"`
			Meta []struct {
				Name  string `xml:"http://schemas.android.com/apk/res/android name,attr"`
				Value string `xml:"http://schemas.android.com/apk/res/android value,attr"`
			} `xml:"meta-data"`
		} `xml:"activity"`
	} `xml:"application"`
}

// TestAndroidIsAskedForWhatIsUsed compares the permissions with what the app's source calls.
func TestAndroidIsAskedForWhatIsUsed(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "AndroidManifest.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := xml.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	a := metadata(t)
	if m.Package != a.Details.ID || m.Name != a.Details.Version || m.Code != a.Details.Build {
		t.Errorf("the manifest is of %s %s (%d), FyneApp.toml of %s %s (%d)", m.Package, m.Name, m.Code, a.Details.ID, a.Details.Version, a.Details.Build)
	}
	if m.Application.Debuggable != "false" || m.Application.Backup != "false" {
		t.Errorf("anybody with a cable may read the app's key: debuggable %s, backup %s", m.Application.Debuggable, m.Application.Backup)
	}
	if c := m.Application.Activity; c.Name != "org.golang.app.GoNativeActivity" || len(c.Meta) != 1 || c.Meta[0].Name != "android.app.lib_name" || c.Meta[0].Value == "" {
		t.Errorf("Fyne's packager does not take this activity: %+v", c)
	}
	source := sources(t, "main.go", "app", "hub/api/client")
	for permission, call := range uses() {
		asked := slices.ContainsFunc(m.Permissions, func(p struct {
			Name string `xml:"http://schemas.android.com/apk/res/android name,attr"`
		}) bool {
			return p.Name == "android.permission."+permission
		})
		if used := strings.Contains(source, call); used != asked {
			t.Errorf("%s: in the manifest %t, but %q in the source %t", permission, asked, call, used)
		}
	}
	for _, p := range m.Permissions {
		if _, known := uses()[strings.TrimPrefix(p.Name, "android.permission.")]; !known {
			t.Errorf("%s: nobody says what it is used for", p.Name)
		}
	}
}

// uses says what in the source needs an Android permission.
func uses() map[string]string {
	return map[string]string{
		"INTERNET":                    "net.Dialer", // also for the local network
		"POST_NOTIFICATIONS":          ".SendNotification(",
		"CHANGE_WIFI_MULTICAST_STATE": "MulticastLock", // what Go's sockets do without is not asked for
		"ACCESS_NETWORK_STATE":        "ConnectivityManager",
		"WRITE_EXTERNAL_STORAGE":      "ShowFileSave",
		"READ_EXTERNAL_STORAGE":       "ShowFileOpen",
		"RECORD_AUDIO":                "AudioRecord",
		"CAMERA":                      "camera2",
		"ACCESS_FINE_LOCATION":        "LocationManager",
	}
}

// sources is all Go source, tests apart, of files and folders.
func sources(t *testing.T, paths ...string) string {
	t.Helper()
	var all strings.Builder
	for _, path := range paths {
		err := filepath.WalkDir(filepath.Join(root, path), func(at string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(at, ".go") || strings.HasSuffix(at, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(at)
			all.Write(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
