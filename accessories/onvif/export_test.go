package onvif

import "time"

// Hurry makes a driver whose sessions wait less.
func Hurry(look, poll, stuck time.Duration) *Driver {
	d := New()
	d.pace.look, d.pace.poll, d.pace.stuck = look, poll, stuck
	d.pace.first, d.pace.most = 50*time.Millisecond, 200*time.Millisecond
	d.pace.term = 2 * time.Second
	return d
}
