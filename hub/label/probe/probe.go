// Package probe is the only part of the hub that knocks at a device to learn how safe it is. What it may
// never do, it cannot say: there is a fixed list of doors, and at a door one can connect, read once at most
// 64 bytes, or send one TLS greeting. There is no way to send a name, a password or a setting.
//
// It looks only at things that the household added, of a kind that may be looked at, after somebody said
// yes; at one door a second, once a day, with at most 20 packets. A device that locks itself or breaks off
// is left alone for a day. When it looked is kept before the first packet goes, so that a hub that falls
// over does not look again.
package probe

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	budget  = 20              // packets to a device in one look
	pace    = time.Second     // between two doors
	day     = 24 * time.Hour  // between two looks, and how long a device is left alone
	forget  = 2 * day         // after which a look is not remembered any more
	worst   = 8               // packets of a connection that could not be counted
	worstOf = 3               // packets that a door may take at which nothing is read
	worstIn = 5               // … that greets
	worstTo = 7               // … that is greeted in TLS
	tooMany = 2               // times that a device may break off
	skewed  = 5 * time.Minute // by which a look may lie in the future before the clock counts as wrong
)

// Looks is what is remembered of looks: when, at whom (a salted hash, so that a device that was
// removed is not named here), and who is left alone. It says nothing that is personal.
type Looks struct {
	Salt   string               `json:"salt"`
	At     map[string]time.Time `json:"at"`
	Paused map[string]time.Time `json:"paused"` // until
}

// Memory keeps the looks; Keep is durable when it returns.
type Memory interface {
	Load(ctx context.Context) (Looks, error)
	Keep(ctx context.Context, l Looks) error
}

// Clock is the time, and a way to let some pass.
type Clock interface {
	Now() time.Time
	Wait(ctx context.Context, d time.Duration) error
}

// Prober looks at devices, one at a time. It is safe for concurrent use.
type Prober struct {
	memory Memory
	clock  Clock
	roots  *x509.CertPool

	mu   sync.Mutex
	last time.Time // the last knock
}

// New gives a prober. Roots are who may vouch for certificates; nil are the system's.
func New(m Memory, c Clock, roots *x509.CertPool) *Prober {
	return &Prober{memory: m, clock: c, roots: roots}
}

// Found is what a look found.
type Found struct {
	At      time.Time
	Doors   []Seen
	Packets int  // to the device
	Broken  bool // it broke off; it is left alone now
}

// Next is when a target may be looked at again, zero for now, and whether it is left alone until then.
func (p *Prober) Next(ctx context.Context, t Target) (at time.Time, paused bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, err := p.memory.Load(ctx)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("probe: %w", err)
	}
	at, paused = l.next(t.host, p.clock.Now())
	return at, paused, nil
}

func (l Looks) next(host netip.Addr, now time.Time) (at time.Time, paused bool) {
	key := l.key(host)
	if until := l.Paused[key]; until.After(now) {
		return earlier(until, now.Add(day)), true
	}
	if last, looked := l.At[key]; looked && now.Sub(last) < day {
		return earlier(last, now).Add(day), false
	}
	return time.Time{}, false
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (l Looks) key(host netip.Addr) string {
	sum := sha256.Sum256([]byte(l.Salt + "\x00" + host.String()))
	return hex.EncodeToString(sum[:16])
}

// Pause leaves a target alone for a day: it locked somebody out.
func (p *Prober) Pause(ctx context.Context, t Target) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.note(ctx, func(l Looks, now time.Time) { l.Paused[l.key(t.host)] = now.Add(day) })
}

// note changes what is remembered.
func (p *Prober) note(ctx context.Context, change func(l Looks, now time.Time)) error {
	l, err := p.memory.Load(ctx)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if l.Salt == "" {
		l = Looks{Salt: rand.Text(), At: map[string]time.Time{}, Paused: map[string]time.Time{}}
	}
	now := p.clock.Now()
	for key, at := range l.At {
		if now.Sub(at) > forget {
			delete(l.At, key)
		} else if at.Sub(now) > skewed { // the clock was wrong then: a day from now
			l.At[key] = now
		}
	}
	for key, until := range l.Paused {
		if now.After(until) {
			delete(l.Paused, key)
		}
	}
	change(l, now)
	if err := p.memory.Keep(ctx, l); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	return nil
}

// Look knocks at the doors of a target. Those that were seen longest ago come first, and those for which no
// packets are left stay Unasked. ErrDaily and ErrPaused say that it is too early.
func (p *Prober) Look(ctx context.Context, t Target, before []Seen) (Found, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !t.host.IsValid() {
		return Found{}, ErrNoDoors
	}
	if err := p.begin(ctx, t); err != nil {
		return Found{}, err
	}
	look := look{Prober: p, target: t, found: Found{At: p.clock.Now()}}
	for _, d := range order(t, before) {
		if err := look.at(ctx, d); err != nil {
			return look.found, err
		}
	}
	if look.broken >= tooMany {
		look.found.Broken = true
		return look.found, p.note(ctx, func(l Looks, now time.Time) { l.Paused[l.key(t.host)] = now.Add(day) })
	}
	return look.found, nil
}

// begin remembers the look, unless it is too early for it.
func (p *Prober) begin(ctx context.Context, t Target) error {
	l, err := p.memory.Load(ctx)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	switch next, paused := l.next(t.host, p.clock.Now()); {
	case paused:
		return ErrPaused
	case !next.IsZero() && l.At[l.key(t.host)].Sub(p.clock.Now()) > skewed: // the clock was wrong then
		return errors.Join(ErrDaily, p.note(ctx, func(Looks, time.Time) {}))
	case !next.IsZero():
		return ErrDaily
	}
	return p.note(ctx, func(l Looks, now time.Time) { l.At[l.key(t.host)] = now })
}

// order is the list of doors, and the port at which the hub's own line speaks TLS.
func order(t Target, before []Seen) []Door {
	doors := Doors()
	if t.tls != 0 && !slices.ContainsFunc(doors, func(d Door) bool { return d.port == t.tls }) {
		doors = append([]Door{{port: t.tls, name: "tls", secure: true}}, doors...)
	}
	seen := map[uint16]time.Time{}
	for _, s := range before {
		if s.State != Unasked {
			seen[s.Port] = s.At
		}
	}
	slices.SortStableFunc(doors, func(a, b Door) int {
		return cmp.Compare(seen[a.port].Unix()/int64(day/time.Second), seen[b.port].Unix()/int64(day/time.Second))
	})
	return doors
}

// look is one look at one device.
type look struct {
	*Prober
	target Target
	found  Found
	broken int
}

// at looks at one door.
func (k *look) at(ctx context.Context, d Door) error {
	known := slices.Contains(k.target.known, d.port)
	secure := d.secure || d.port == k.target.tls
	need := worstOf
	switch {
	case secure:
		need = worstTo
	case d.greets:
		need = worstIn
	}
	seen := Seen{Port: d.port, State: Open, At: k.clock.Now()}
	switch {
	case known && !secure: // the hub is inside already
	case k.broken >= tooMany || k.found.Packets+need > budget:
		seen.State = Unasked
	default:
		if err := k.knock(ctx, d, secure, &seen); err != nil {
			return err
		}
	}
	k.found.Doors = append(k.found.Doors, seen)
	return nil
}

func (k *look) knock(ctx context.Context, d Door, secure bool, seen *Seen) error {
	if err := k.slowly(ctx); err != nil {
		return err
	}
	l, state := knock(ctx, netip.AddrPortFrom(k.target.host, d.port))
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	seen.State, seen.At = state, k.clock.Now()
	if state != Open {
		k.found.Packets++
		return nil
	}
	reset := false
	switch {
	case secure:
		var c Certificate
		c, reset = l.greet(seen.At, k.roots)
		seen.TLS = &c
	case d.greets:
		seen.Banner, reset = l.listen()
	}
	k.found.Packets += l.hangUp()
	if reset {
		k.broken++
	}
	return nil
}

// slowly waits until a second has gone since the last knock at anybody.
func (p *Prober) slowly(ctx context.Context) error {
	for {
		wait := pace - p.clock.Now().Sub(p.last)
		if p.last.IsZero() || wait <= 0 {
			p.last = p.clock.Now()
			return nil
		}
		if err := p.clock.Wait(ctx, min(wait, pace)); err != nil {
			return fmt.Errorf("probe: %w", err)
		}
	}
}
