//go:build !linux

package datagram

func segmented([]byte, int) []byte { return nil }

func cannot(error) bool { return true }
