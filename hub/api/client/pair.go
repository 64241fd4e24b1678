package client

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// port is where a hub listens unless it is told otherwise.
const port = "8443"

// Self is who this app is, and the hub that it is paired with. It is a secret.
type Self struct {
	Key     []byte `json:"key"`               // an Ed25519 seed
	Hub     string `json:"hub,omitempty"`     // the hub's pin; empty: paired with none
	Address string `json:"address,omitempty"` // where the hub was last
}

// Vault keeps a Self: a file, or the keyring of the system. Load gives a zero Self where there is none.
type Vault interface {
	Load() (Self, error)
	Save(Self) error
}

// String shows no key.
func (s Self) String() string { return "app of hub " + s.Hub }

// App is what an app says of itself: a name of at most 64 bytes, a platform of 32.
type App = claim.App

// Paired says whether there is a hub.
func (s Self) Paired() bool { return s.Hub != "" }

// with gives a key to who has none.
func (s Self) with() Self {
	if len(s.Key) != ed25519.SeedSize {
		s = Self{Key: make([]byte, ed25519.SeedSize)}
		rand.Read(s.Key)
	}
	return s
}

func (s Self) certificate() (tls.Certificate, claim.Pin, error) {
	key := ed25519.NewKeyFromSeed(s.Key)
	cert, err := claim.Certificate(key)
	pin, err2 := claim.PinOfKey(key.Public().(ed25519.PublicKey))
	return cert, pin, errors.Join(err, err2)
}

// Pair proves a code, as a person typed it, to the hub at an address, and keeps what comes of it. The
// address may leave the port away. Refusals are problems: claim.form, claim.wrong (with the tries that are
// left), claim.busy, claim.none, claim.wait.
func Pair(ctx context.Context, v Vault, address, typed string, app App) (Self, error) {
	code, err := claim.ParseCode(typed)
	if err != nil {
		return Self{}, problemOf(err)
	}
	old, err := v.Load()
	if err != nil {
		return Self{}, err
	}
	self := old.with()
	cert, pin, err := self.certificate()
	if err != nil {
		return Self{}, err
	}
	self.Address = withPort(address)
	dial, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := (&tls.Dialer{Config: claim.Config(cert)}).DialContext(dial, "tcp", self.Address)
	if err != nil {
		return Self{}, unanswered(err)
	}
	defer conn.Close()
	granted, err := claim.Ask(ctx, conn.(*tls.Conn), pin, code, app)
	if err != nil {
		return Self{}, problemOf(err)
	}
	self.Hub = granted.Hub.String()
	return self, v.Save(self)
}

// PairHere pairs with the hub on this machine, through its socket and without a code.
func PairHere(ctx context.Context, v Vault, socket *Client, app App) (Self, error) {
	old, err := v.Load()
	if err != nil {
		return Self{}, err
	}
	self := old.with()
	_, pin, err := self.certificate()
	if err != nil {
		return Self{}, err
	}
	made, err := ask[wire.Paired](ctx, socket, "POST", "/apps", wire.PairRequest{Name: app.Name, Platform: app.Platform, Pin: pin.String()})
	if err != nil {
		return Self{}, err
	}
	self.Hub, self.Address = made.Pin, strings.TrimPrefix(made.API, "https://")
	return self, v.Save(self)
}

// withPort makes an address to dial of what a person typed: a scheme, a port and the brackets of IPv6 may
// be there or not.
func withPort(typed string) string {
	address := strings.TrimSpace(typed)
	if _, behind, ok := strings.Cut(address, "://"); ok {
		address = behind
	}
	address, _, _ = strings.Cut(address, "/")
	if host, p, err := net.SplitHostPort(address); err == nil && p != "" {
		return net.JoinHostPort(host, p)
	}
	return net.JoinHostPort(strings.Trim(strings.TrimSuffix(address, ":"), "[]"), port)
}

// Peek asks whoever answers at an address what it is, as a stranger does: whether it is a hub, and whether
// it has an owner. Anybody can say so.
func Peek(ctx context.Context, address string) (wire.Status, error) {
	d := &tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTime}, Config: &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
		InsecureSkipVerify: true, // it is a stranger to us as well
	}}
	at := withPort(address)
	c := over("https://127.0.0.1", func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "tcp", at) })
	defer c.Close()
	return c.Status(ctx)
}

// problemOf puts the end of a claim into the words of the API.
func problemOf(err error) error {
	for of, code := range map[error]string{claim.ErrCode: wire.CodeClaimForm, claim.ErrBusy: wire.CodeClaimBusy, claim.ErrNone: wire.CodeClaimNone, claim.ErrWrong: wire.CodeClaimCode} {
		if !errors.Is(err, of) {
			continue
		}
		var told *claim.Told
		switch {
		case !errors.As(err, &told):
			return fmt.Errorf("%w: %w", wire.Refuse(http.StatusForbidden, code), err)
		case code == wire.CodeClaimNone:
			return fmt.Errorf("%w: %w", wire.Refuse(http.StatusForbidden, wire.CodeClaimWait, "seconds", strconv.Itoa(told.Number)), err)
		}
		return fmt.Errorf("%w: %w", wire.Refuse(http.StatusForbidden, code, "left", strconv.Itoa(told.Number)), err)
	}
	return unanswered(err)
}

// Remote are the ways to a paired hub.
type Remote struct {
	// Elsewhere, if not nil, gives addresses at which a hub answers when the last one does not. They are
	// hints: the pin decides.
	Elsewhere func(ctx context.Context) []string
	// Moved, if not nil, hears where the hub is now.
	Moved func(address string)
}

var errImpostor = errors.New("client: another hub answers there")

// DialPaired gives a client of the hub that the app is paired with. It does not connect yet. A hub with
// another key is refused (hub.impostor), and so is this app once it is revoked (hub.stranger).
func DialPaired(self Self, r Remote) (*Client, error) {
	cert, _, err := self.certificate()
	if err != nil {
		return nil, err
	}
	pin, err := claim.ParsePin(self.Hub)
	if err != nil {
		return nil, err
	}
	p := &pinned{Remote: r, address: self.Address}
	p.conf = &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, Certificates: []tls.Certificate{cert},
		InsecureSkipVerify: true, // there is no authority: the pin is checked instead
		VerifyConnection: func(s tls.ConnectionState) error {
			if got, err := claim.PinOf(s); err != nil || got != pin {
				return errImpostor
			}
			return nil
		},
	}
	// The address is not who the hub is, so no request names it.
	return over("https://127.0.0.1", p.dial), nil
}

// pinned dials one hub wherever it is.
type pinned struct {
	Remote
	conf *tls.Config

	mu      sync.Mutex
	address string
}

func (p *pinned) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*dialTime)
	defer cancel()
	p.mu.Lock()
	last := p.address
	p.mu.Unlock()
	c, err := p.try(ctx, last)
	if err == nil || p.Elsewhere == nil {
		return c, err
	}
	for _, address := range p.Elsewhere(ctx) {
		if c, other := p.try(ctx, address); other == nil {
			p.mu.Lock()
			p.address = address
			p.mu.Unlock()
			if p.Moved != nil {
				p.Moved(address)
			}
			return c, nil
		}
	}
	return nil, err
}

func (p *pinned) try(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	c, err := (&tls.Dialer{Config: p.conf}).DialContext(ctx, "tcp", address)
	var op *net.OpError
	if err != nil && !errors.Is(err, errImpostor) && !errors.As(err, &op) {
		err = &net.OpError{Op: "dial", Net: "tcp", Err: err} // it is no hub that answers
	}
	return c, err
}
