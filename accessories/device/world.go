package device

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
)

// Logger is where a driver logs. Messages carry IDs, never names or secrets.
type Logger = *slog.Logger

// Net is a driver's only way to the network. The hub refuses the internet here, and tests replace
// the world.
type Net interface {
	// Dial connects to an address on the household's own network.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// Listen opens the named door for devices that call the hub; "watch" is the port of children's
	// watches. ErrRefused when the household has not opened that door.
	Listen(ctx context.Context, door string) (net.Listener, error)
}

// Multicaster is a Net that can ask every device of the household's network at once.
type Multicaster interface {
	// Multicast sends a datagram to a group (address:port) on every network of the household, some
	// times over, since datagrams get lost, and calls heard with each answer and the IP address that
	// it came from, one at a time, until ctx ends (nil). Answers from elsewhere are dropped.
	Multicast(ctx context.Context, group string, datagram []byte, heard func(from string, answer []byte)) error
}

// Secret is a password or key. It never shows itself: every way of printing it prints "[secret]",
// and it refuses JSON. The zero Secret is empty.
type Secret struct{ text string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal gives the text, for the moment in which it goes to the device.
func (s Secret) Reveal() string { return s.text }

// Empty says whether there is none.
func (s Secret) Empty() bool { return s.text == "" }

// Format prints "[secret]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// LogValue prints "[secret]" in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalJSON refuses.
func (s Secret) MarshalJSON() ([]byte, error) {
	return nil, errors.New("device: a secret does not go into JSON")
}
