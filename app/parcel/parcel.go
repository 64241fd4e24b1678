// Package parcel is what stands around the program in a package: its icon, the entry in a Linux desktop's
// menu, and what iOS tells a person who is asked for the local network. Its tests hold FyneApp.toml,
// AndroidManifest.xml and these files against what the app does and says.
package parcel

import _ "embed" // for the icon

// Icon is the app's, a PNG of 512 by 512 pixels. icon_test.go draws it.
//
//go:embed icon.png
var Icon []byte
