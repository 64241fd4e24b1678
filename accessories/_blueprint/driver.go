// Package blueprint is a driver to copy. It drives the "Breeze", a table fan that exists only here:
// one motor with ten steps, a battery, a password, and a memory of how long it ran.
//
// Its protocol is lines of text over TCP; README.md describes it. The password never crosses the
// line, only a proof of it. When its line is lost the fan stops by itself.
package blueprint

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	fieldPassword = "password"
	dialTime      = 5 * time.Second
)

// Driver opens fans. It keeps nothing between sessions.
type Driver struct{}

// New makes the driver.
func New() *Driver { return &Driver{} }

// About says what setup must ask for. The address is host:port.
func (*Driver) About() device.About {
	return device.About{
		ID:     "blueprint",
		Kinds:  []device.Kind{device.Toy},
		Fields: []device.Field{{Key: fieldPassword, Secret: true}},
	}
}

// Discover is ErrUnsupported: a Breeze does not announce itself.
func (*Driver) Discover(context.Context, device.Net, func(device.Candidate)) error {
	return fmt.Errorf("blueprint: discovery: %w", device.ErrUnsupported)
}

// Open connects and logs in. ErrRefused when the password is wrong, ErrUnsupported when something
// else than a Breeze answers.
func (*Driver) Open(ctx context.Context, c device.Config) (device.Session, error) {
	dialing, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := c.Net.Dial(dialing, "tcp", c.Address)
	if err != nil {
		return nil, fmt.Errorf("blueprint: dial: %w", kind(err))
	}
	s := newSession(newLine(conn), c.Now)
	// The end of ctx must end a wait for bytes too: closing the line does that.
	stop := context.AfterFunc(ctx, s.line.close)
	err = s.login(c.Secret(fieldPassword))
	if !stop() && err == nil {
		err = fmt.Errorf("%w: %w", device.ErrUnreachable, ctx.Err())
	}
	if err != nil {
		s.line.close()
		return nil, fmt.Errorf("blueprint: login: %w", err)
	}
	return s, nil
}

// kind gives an error of the network its kind, unless it has one: the hub's Net refuses what is not
// at home, and only a person can change that.
func kind(err error) error {
	if errors.Is(err, device.ErrRefused) || errors.Is(err, device.ErrUnsupported) {
		return err
	}
	return fmt.Errorf("%w: %w", device.ErrUnreachable, err)
}
