//go:build !linux

package ram

// Seclude does nothing: this system has no way.
func Seclude() error { return nil }

// New gives a T in Go's heap.
func New[T any]() (p *T, kept bool) { return new(T), false }

// Free wipes it.
func Free[T any](p *T) { *p = *new(T) }
