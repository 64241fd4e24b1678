package hap

import (
	"context"
	"errors"
	"strconv"
)

// Status is HAP's answer for one characteristic. It is an error, so that
// OnWrite and OnRead can return it; StatusOK is never returned as an error.
type Status int

// The statuses of HAP (HomeKit Accessory Protocol, table 6-11).
const (
	StatusOK              Status = 0
	StatusNoPrivileges    Status = -70401 // not paired, or not an admin
	StatusUnreachable     Status = -70402 // the device does not answer
	StatusBusy            Status = -70403
	StatusReadOnly        Status = -70404
	StatusWriteOnly       Status = -70405
	StatusNoEvents        Status = -70406
	StatusOutOfResources  Status = -70407
	StatusTimeout         Status = -70408
	StatusNotFound        Status = -70409
	StatusInvalidValue    Status = -70410
	StatusNoAuthorization Status = -70411 // wrong or missing authData
	StatusNotAllowed      Status = -70412 // not in the present state: the camera is off
)

// Error says the status as a number with its meaning.
func (s Status) Error() string {
	text := map[Status]string{
		StatusOK: "success", StatusNoPrivileges: "insufficient privileges", StatusUnreachable: "device unreachable",
		StatusBusy: "busy", StatusReadOnly: "read-only", StatusWriteOnly: "write-only", StatusNoEvents: "no notifications",
		StatusOutOfResources: "out of resources", StatusTimeout: "timed out", StatusNotFound: "no such resource",
		StatusInvalidValue: "invalid value", StatusNoAuthorization: "insufficient authorization",
		StatusNotAllowed: "not allowed in the present state",
	}[s]
	return "hap: status " + strconv.Itoa(int(s)) + " " + text
}

// statusOf maps what a device said to what a controller hears.
func statusOf(err error) Status {
	var s Status
	switch {
	case err == nil:
		return StatusOK
	case errors.As(err, &s) && s < 0:
		return s
	case errors.Is(err, context.DeadlineExceeded):
		return StatusTimeout
	}
	return StatusUnreachable
}
