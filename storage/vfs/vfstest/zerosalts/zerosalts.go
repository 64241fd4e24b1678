// Package zerosalts registers a shim with a known mistake, as the control of the
// tests that must see it: frames are sealed under their own salts even where
// SQLite has not filled those in yet. An early design did that; it lost rows of
// which COMMIT had returned.
package zerosalts

/*
#include <stdint.h>
#include <stdlib.h>
int zero_salts_register(const char *name, const char *host, uintptr_t keys, int frozen);
*/
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/ingle-home/ingle/storage/vfs"
)

// Register gives SQLite the broken shim with the keys of v, and its name.
func Register(v *vfs.VFS) (string, error) {
	var keys uint64
	if _, err := fmt.Sscanf(v.Name(), "ingle-%d", &keys); err != nil {
		return "", fmt.Errorf("zerosalts: the number of the keys: %w", err)
	}
	broken := v.Name() + "-zero-salts"
	name, host := C.CString(broken), C.CString("unix-excl")
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(host))
	if rc := C.zero_salts_register(name, host, C.uintptr_t(keys), 0); rc != 0 {
		return "", fmt.Errorf("zerosalts: register: code %d", int(rc))
	}
	return broken, nil
}
