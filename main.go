// Command ingle is the companion app: a window on the home that a hub keeps. The hub itself is in
// ./hub. This file stands at the root because Fyne's packager wants it beside FyneApp.toml.
package main

import "github.com/ingle-home/ingle/app"

func main() { app.Main() }
