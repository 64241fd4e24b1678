package boot

// What the tests reach of the inside.

// Opener begins a conversation with a chip.
type Opener = opener

// Device reaches the chip behind a device; the hub's own is /dev/tpmrm0.
func Device(path string) Opener { return openDevice(path) }

// FinderWith and BestWith are Finder and Best of a machine with that chip.
var (
	FinderWith = finder
	BestWith   = best
)

// ErrLost says that a sealed key will not be had again.
var ErrLost = errLost

// DiskOf names the disk below a folder; empty if it cannot be told.
func DiskOf(path string) string { return diskOf(path) }
