//go:build !linux

package probe

// holdBack does nothing where the kernel cannot.
func holdBack(uintptr) {}

// packets is not known: the worst counts.
func packets(uintptr) (int, bool) { return 0, false }
