//go:build !linux

package blobs

import "os"

func syncContent(f *os.File) error { return f.Sync() }
