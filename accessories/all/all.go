// Package all lists the drivers of the product. To add one, add a line to Drivers; a test sees to it
// that none is forgotten.
package all

import (
	"github.com/ingle-home/ingle/accessories/buttplug"
	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/onvif"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/setracker"
)

// Drivers makes one driver of each kind. A driver may share a listener between its sessions, so a
// hub makes them once.
func Drivers() []device.Driver {
	return []device.Driver{
		buttplug.New(),
		onvif.New(),
		rtsp.New(),
		setracker.New(),
	}
}
