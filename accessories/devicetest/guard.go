package devicetest

import (
	"fmt"
	"time"
)

// limits are the watchdogs. Each is what the seam allows for a call, or less.
type limits struct {
	open  time.Duration // Open
	do    time.Duration // Do; twice the usual five seconds, for a bell that must be echoed
	call  time.Duration // every other call
	grace time.Duration // how long a driver may take to notice that its context ended
	first time.Duration // until the first reading
	lost  time.Duration // until Run notices that the line is lost
	quiet time.Duration // without a reading, after which no more are awaited
	mid   time.Duration // into a command, when its context ends
}

func seam() limits {
	return limits{
		open: 15 * time.Second, do: 11 * time.Second, call: 5 * time.Second,
		grace: 3 * time.Second, first: 8 * time.Second, lost: 20 * time.Second,
		quiet: 300 * time.Millisecond, mid: 200 * time.Millisecond,
	}
}

// late is a call that did not come back. The call is abandoned: nothing can end it.
type late struct {
	call string
	max  time.Duration
}

func (l *late) Error() string {
	return fmt.Sprintf("%s does not return: it was left behind after %v", l.call, l.max)
}

// panicked is a panic in a driver.
type panicked struct {
	call  string
	value any
}

func (p *panicked) Error() string { return fmt.Sprintf("%s panics: %v", p.call, p.value) }

// answer is what a call into a driver gave.
type answer[T any] struct {
	value T
	err   error
}

// start calls f in a goroutine of its own. The channel gets one answer.
func start[T any](call string, f func() (T, error)) <-chan answer[T] {
	out := make(chan answer[T], 1)
	go func() {
		var a answer[T]
		defer func() {
			if v := recover(); v != nil {
				a.err = &panicked{call, v}
			}
			out <- a
		}()
		a.value, a.err = f()
	}()
	return out
}

// guard calls f and gives up after max.
func guard[T any](r *run, call string, max time.Duration, f func() (T, error)) (T, error) {
	return await(r, call, max, start(call, f))
}

func await[T any](r *run, call string, max time.Duration, from <-chan answer[T]) (T, error) {
	timer := time.NewTimer(max)
	defer timer.Stop()
	select {
	case a := <-from:
		return a.value, a.err
	case <-timer.C:
		r.hung = true
		var none T
		return none, &late{call, max}
	}
}

// nothing is what calls give that give only an error.
type nothing struct{}

func only(f func() error) func() (nothing, error) {
	return func() (nothing, error) { return nothing{}, f() }
}
