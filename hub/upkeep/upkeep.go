// Package upkeep is what a store needs from time to time: what has expired goes every hour, and every
// week all of it is read, so that damage is known while there are backups from before it, also of a hub
// that is switched off every night. Both hang on the clock, which may be wrong by years after a power cut or a typing error. So nothing is deleted by a
// clock that is hard to believe.
package upkeep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// CodeClock says that the clock is hard to believe.
const CodeClock = "clock-doubtful"

const (
	lookTime   = time.Minute          // between two looks
	sweepTime  = time.Hour            // between two sweeps
	settleTime = 10 * time.Minute     // after the start, before the first check
	checkTime  = 7 * 24 * time.Hour   // between two checks
	againTime  = time.Hour            // after a check that somebody ended
	backBy     = 24 * time.Hour       // as much may a clock be put back
	aheadBy    = 400 * 24 * time.Hour // as long may a hub lie in a drawer
)

// Store is what is looked after.
type Store interface {
	Sweep(ctx context.Context, now time.Time) (deleted int, err error)
	Check(ctx context.Context, progress func(done, of int)) error
}

// Notes are what outlives a restart.
type Notes struct {
	Believed time.Time `json:"believed,omitzero"` // the newest time that was believed
	Checked  time.Time `json:"checked,omitzero"`  // when the store was last read whole
}

// Memory keeps the notes. Load gives, where there are none yet, the newest time that the hub is known
// to have been at work, or the zero Notes of a new one.
type Memory interface {
	Load(ctx context.Context) (Notes, error)
	Save(ctx context.Context, n Notes) error
}

// Faults is the list of what is wrong.
type Faults interface {
	Raise(code, subject string, args map[string]string)
	Clear(code, subject string)
}

// Options are what New needs; Now and Synced may be nil.
type Options struct {
	Store   Store
	Memory  Memory
	Faults  Faults
	Checked func(error) // what a check found: nil for nothing
	Log     *slog.Logger
	Now     func() time.Time
	Synced  func() bool // whether the clock is set by the network
}

// Upkeep is safe for concurrent use.
type Upkeep struct {
	Options
	// By the monotonic clock; zero: not yet.
	started, swept, tried, checked time.Time

	mu    sync.Mutex
	notes Notes
}

// New takes up what was noted.
func New(ctx context.Context, o Options) (*Upkeep, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Synced == nil {
		o.Synced = Synced
	}
	notes, err := o.Memory.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("upkeep: %w", err)
	}
	return &Upkeep{Options: o, notes: notes, started: time.Now()}, nil
}

// Run looks after the store until ctx ends.
func (u *Upkeep) Run(ctx context.Context) error {
	tick := time.NewTicker(lookTime)
	defer tick.Stop()
	for {
		u.Look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Look judges the clock and does what is due. It may read the store for minutes; one look at a time.
func (u *Upkeep) Look(ctx context.Context) {
	now := u.Now()
	believed := u.judge(now)
	if believed && (u.swept.IsZero() || time.Since(u.swept) >= sweepTime) {
		u.swept = time.Now()
		u.sweep(ctx, now)
	}
	if u.checkDue(now, believed) {
		u.tried = time.Now()
		u.check(ctx, believed)
	}
}

// judge says whether the clock can be believed, and tells people if not.
func (u *Upkeep) judge(now time.Time) bool {
	newest := u.noted().Believed
	if believable(now, newest, u.Synced()) {
		u.Faults.Clear(CodeClock, "")
		return true
	}
	u.Faults.Raise(CodeClock, "", map[string]string{"now": now.Local().Format(time.DateOnly), "newest": newest.Local().Format(time.DateOnly)})
	return false
}

// believable says whether it can be now, if it once was newest (zero: never). The network may put a
// clock forward as far as it likes, but back, behind what was stored, only a person can.
func believable(now, newest time.Time, synced bool) bool {
	switch {
	case newest.IsZero():
		return true
	case now.Before(newest.Add(-backBy)):
		return false
	}
	return synced || !now.After(newest.Add(aheadBy))
}

// Confirm is a person's word that the clock is right.
func (u *Upkeep) Confirm(ctx context.Context) error {
	now := u.Now()
	if err := u.note(ctx, func(n *Notes) { n.Believed = now.UTC() }); err != nil {
		return err
	}
	u.judge(now)
	return nil
}

func (u *Upkeep) sweep(ctx context.Context, now time.Time) {
	_, err := u.Store.Sweep(ctx, now)
	err = errors.Join(err, u.note(ctx, func(n *Notes) {
		if now.After(n.Believed) {
			n.Believed = now.UTC()
		}
	}))
	if err != nil && ctx.Err() == nil {
		u.Log.Warn("old records stay for now", "err", err)
	}
}

// checkDue goes by the clock, or a hub that is switched off every night would never be checked. A check
// that lies in the future, because the clock was put back since, counts for none. A clock that is hard to
// believe says nothing of the age of the last check: then each start brings one, rather than none ever.
func (u *Upkeep) checkDue(now time.Time, believed bool) bool {
	if time.Since(u.started) < settleTime || !u.tried.IsZero() && time.Since(u.tried) < againTime {
		return false
	}
	if !believed {
		return u.checked.IsZero() || time.Since(u.checked) >= checkTime
	}
	age := now.Sub(u.noted().Checked)
	return age >= checkTime || age < 0
}

// check reads the whole store. Damage is what it found, and noted as done; any other error is not. Under a
// clock that is hard to believe it is noted at the newest time that was believed: a date ten years from
// now would be no use.
func (u *Upkeep) check(ctx context.Context, believed bool) {
	err := u.Store.Check(ctx, nil)
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return
	}
	u.checked = time.Now()
	u.Checked(err)
	err = u.note(ctx, func(n *Notes) {
		if n.Checked = u.Now().UTC(); !believed {
			n.Checked = n.Believed
		}
	})
	if err != nil && ctx.Err() == nil {
		u.Log.Warn("the check of the store was not noted", "err", err)
	}
}

func (u *Upkeep) noted() Notes {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.notes
}

// note changes the notes; they count even if they cannot be saved, or a disk that is full would be
// checked every hour.
func (u *Upkeep) note(ctx context.Context, change func(*Notes)) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.notes)
	return u.Memory.Save(ctx, u.notes)
}

// Synced says whether the kernel knows that its clock is set by the network. Whoever sets it by hand
// takes that away.
func Synced() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}
