package devicetest

import (
	"fmt"
	"time"
)

const (
	openTime = 15 * time.Second // the seam's limit for Open
	grace    = 2 * time.Second  // how long a driver may take to notice that its context ended
	limit    = 40 * time.Second // how long a whole check may take; every call in it has its own limit
)

// panicked is a panic in a driver.
type panicked struct {
	call  string
	value any
}

func (p *panicked) Error() string { return fmt.Sprintf("%s panics: %v", p.call, p.value) }

func protect(call string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{call, v}
		}
	}()
	return f()
}

// late is a call that did not come back. The call is abandoned: nothing can end it.
type late struct {
	call string
	max  time.Duration
}

func (l *late) Error() string {
	return fmt.Sprintf("%s ignores its context: it did not return within %v", l.call, l.max)
}

// guard calls f and gives up after max.
func guard(max time.Duration, call string, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- protect(call, f) }()
	timer := time.NewTimer(max)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return &late{call, max}
	}
}
