package claim

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"fmt"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/hap/srp"
)

// Terms are what an app gets that proves a code.
type Terms struct{ Role, Person string }

// Claimant is an app that has proven a code.
type Claimant struct {
	App
	Terms
	Pin Pin
}

// Tries are what a restart must not forget: the wrong tries at the present code, and how many codes
// were made void since somebody last proved one.
type Tries struct {
	Wrong int `json:"wrong,omitempty"`
	Void  int `json:"void,omitempty"`
}

// Options are what a desk needs.
type Options struct {
	// Keep makes the tries durable. Where it cannot, nobody can claim.
	Keep func(Tries) error
	// Admit makes the claimant an app of the hub, durably, before it is told.
	Admit func(context.Context, Claimant) error
	Tries Tries            // as they were last kept
	Now   func() time.Time // nil: the clock, which is monotonic
}

// Desk is the hub's end. It serves one claim at a time, and only while there is a code. It is safe
// for concurrent use.
type Desk struct {
	o    Options
	busy chan struct{} // holds the claim that is served

	mu    sync.Mutex
	tries Tries
	since time.Time // the newest code was made void, or the start of the process
	code  Code      // empty: none
	terms Terms
	until time.Time
	round int // rises with every code
}

// NewDesk gives a desk without a code.
func NewDesk(o Options) *Desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Desk{o: o, busy: make(chan struct{}, 1), tries: o.Tries, since: o.Now()}
}

// Issue draws a code, which replaces the present one. *Wait after ten wrong tries at an earlier one.
func (d *Desk) Issue(t Terms, valid time.Duration) (Code, time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if left := d.left(); left > 0 {
		return "", time.Time{}, &Wait{left}
	}
	d.tries.Wrong = 0
	if err := d.o.Keep(d.tries); err != nil {
		return "", time.Time{}, err
	}
	d.code, d.terms, d.until = newCode(), t, d.o.Now().Add(valid)
	d.round++
	return d.code, d.until, nil
}

// Withdraw makes the present code void.
func (d *Desk) Withdraw() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.code = ""
	d.round++
}

// Attacked says whether somebody tried wrong codes and nobody has proven one since.
func (d *Desk) Attacked() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tries.Void > 0 || d.tries.Wrong > 1
}

// left is how long there is no new code yet.
func (d *Desk) left() time.Duration {
	if d.tries.Void == 0 {
		return 0
	}
	wait := longest
	if d.tries.Void < 7 { // 2^6 min is over an hour
		wait = min(longest, firstWait<<(d.tries.Void-1))
	}
	return wait - d.o.Now().Sub(d.since)
}

// Serve is one claim, on a connection whose handshake named [Protocol]; hub is the hub's own pin. The
// connection is the caller's to close. The error is for the log: it names no code and no app.
func (d *Desk) Serve(ctx context.Context, conn *tls.Conn, hub Pin) error {
	free, err := bound(ctx, conn)
	if err != nil {
		return err
	}
	defer free()
	last, err := d.serve(ctx, conn, hub) // the desk is free again when the app hears how it ended
	if err != nil {
		last = frame(typeRefusal, word(d.told(err)))
	}
	if _, wrote := conn.Write(last); err == nil && wrote != nil {
		return fmt.Errorf("claim: %w", wrote)
	}
	return err
}

// told is a refusal with what the claimant can do about it: how many tries there are, or how long to wait.
func (d *Desk) told(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait := int((d.left() + time.Second - 1) / time.Second)
	switch {
	case err == ErrWrong && d.code != "":
		return &Told{ErrWrong, Most - d.tries.Wrong}
	case err == ErrWrong && wait > 0:
		return &Told{ErrWrong, 0}
	case err == ErrNone && wait > 0:
		return &Told{ErrNone, wait}
	}
	return err
}

// serve gives H4.
func (d *Desk) serve(ctx context.Context, conn *tls.Conn, hub Pin) ([]byte, error) {
	select {
	case d.busy <- struct{}{}:
		defer func() { <-d.busy }()
	default:
		return nil, ErrBusy
	}
	pin, err := PinOf(conn.ConnectionState())
	if err != nil {
		return nil, err
	}
	line, err := channelOf(conn.ConnectionState(), hub, pin)
	if err != nil {
		return nil, err
	}
	body, c1, err := expect(conn, typeC1)
	if err != nil {
		return nil, err
	}
	app, err := readC1(body)
	if err != nil {
		return nil, err
	}
	code, terms, round, err := d.present()
	if err != nil {
		return nil, err
	}
	proof, err := d.check(conn, line, code, round, c1)
	if err != nil {
		return nil, err
	}
	if err := d.o.Admit(ctx, Claimant{App: app, Terms: terms, Pin: pin}); err != nil {
		return nil, fmt.Errorf("claim: admit: %w", err)
	}
	return frame(typeH4, proof, []byte(terms.Role)), nil
}

// check says H2 and looks at the proof in C3; it gives the hub's own.
func (d *Desk) check(conn *tls.Conn, line channel, code Code, round int, c1 []byte) ([]byte, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	secret := srp.New(user, string(code), salt)
	if _, err := conn.Write(frame(typeH2, salt, secret.Public())); err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	body, _, err := expect(conn, typeC3)
	if err != nil {
		return nil, err
	}
	a, proof, err := readC3(body)
	if err != nil {
		return nil, err
	}
	if err := d.count(round); err != nil {
		return nil, err
	}
	key, err := secret.Key(a)
	if err != nil {
		return nil, ErrWrong
	}
	theirs, ours, err := proofs(key, line.transcript(salt, a, secret.Public(), c1))
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(proof, theirs) != 1 {
		return nil, ErrWrong
	}
	return ours, d.proven(round)
}

// present is the code that is valid now.
func (d *Desk) present() (Code, Terms, int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.code != "" && !d.o.Now().Before(d.until) {
		d.code = ""
	}
	if d.code == "" {
		return "", Terms{}, 0, ErrNone
	}
	return d.code, d.terms, d.round, nil
}

// count counts a try durably, before anybody looks at it. The tenth makes the code void; should it be
// right, that is taken back.
func (d *Desk) count(round int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.code == "" || d.round != round || !d.o.Now().Before(d.until) {
		return ErrNone
	}
	next := d.tries
	next.Wrong++
	if next.Wrong >= Most {
		next.Void++
	}
	if err := d.o.Keep(next); err != nil {
		return fmt.Errorf("claim: a try cannot be counted: %w", err)
	}
	d.tries = next
	if next.Wrong >= Most {
		d.code, d.since = "", d.o.Now()
	}
	return nil
}

// proven uses the code up.
func (d *Desk) proven(round int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.round != round {
		return ErrNone // it was withdrawn meanwhile
	}
	if err := d.o.Keep(Tries{}); err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	d.tries, d.code = Tries{}, ""
	d.round++
	return nil
}
