package backup

import (
	"bytes"
	"os"
	"path/filepath"
	"time"

	"github.com/ingle-home/ingle/storage/vault"
)

// Kept is for how long what a restore replaced can be brought back, once a hub has
// opened what was restored.
const Kept = 7 * 24 * time.Hour

// backBy is by how much a clock may be put back before the days are counted anew.
const backBy = 24 * time.Hour

// The marks in restore.old: that the store that took its place is known to open, and since
// when by a clock that was believed, if one was; and that it was put aside by Undo.
const (
	openedMark = "restore.opened"
	undoneMark = "restore.undone"
)

// Aside is what a restore, or its undoing, put aside.
type Aside struct {
	Replaced
	Opened bool      // a hub has opened what took its place
	Since  time.Time // that is known, UTC, by a clock that was believed; zero: none was yet
	Undone bool      // it is what Undo put aside
}

// Until is when it goes; zero as long as the days are not counted.
func (a Aside) Until() time.Time {
	if a.Since.IsZero() {
		return time.Time{}
	}
	return a.Since.Add(Kept)
}

// AsideIn is what lies aside in a folder; nil if nothing does.
func AsideIn(dir string) *Aside {
	old := filepath.Join(dir, oldFolder)
	if !exists(old) {
		return nil
	}
	a := &Aside{Replaced: replaced(stores(old)), Undone: exists(filepath.Join(old, undoneMark))}
	a.SameHome = bytes.Equal(vault.IDOf(old), vault.IDOf(dir))
	if raw, err := os.ReadFile(filepath.Join(old, openedMark)); err == nil {
		a.Opened = true
		a.Since, _ = time.Parse(time.RFC3339, string(raw)) // zero until Expire says it
	}
	return a
}

// NoteOpened says that a hub has opened what took the place of what lies aside. The days
// for which that is kept begin with the next Expire: the clock of a hub that has just
// started may be wrong by years.
func NoteOpened(dir string) error {
	if a := AsideIn(dir); a == nil || a.Opened {
		return nil
	}
	return mark(filepath.Join(dir, oldFolder), openedMark, nil)
}

// Expire removes what was aside for long enough, and begins to count if nobody did. now must
// be of a clock that can be believed.
func Expire(dir string, now time.Time) error {
	a := AsideIn(dir)
	switch {
	case a == nil || !a.Opened:
		return nil
	case a.Since.IsZero(), now.Before(a.Since.Add(-backBy)): // the clock was wrong then, by who knows how much
		return mark(filepath.Join(dir, oldFolder), openedMark, []byte(now.UTC().Format(time.RFC3339)))
	case now.Before(a.Until()):
		return nil
	}
	return Settle(dir)
}

// Settle removes what lies aside, at once.
func Settle(dir string) error {
	if !exists(filepath.Join(dir, oldFolder)) {
		return nil
	}
	if err := remove(dir, dropFolder); err != nil {
		return err
	}
	if err := rename(dir, oldFolder, dropFolder); err != nil {
		return err
	}
	return remove(dir, dropFolder)
}

// Undo brings back what a restore replaced, into the folder that the caller has
// acquired, and puts aside what was restored: undoing again brings that back. Whatever
// cuts it short, one of the two is in place once Finish was called. ErrNothing if there
// is nothing to bring back.
func Undo(dir string) error { return undo(dir, func(string) {}) }

func undo(dir string, reached func(string)) error {
	if err := Finish(dir); err != nil {
		return err
	}
	old := filepath.Join(dir, oldFolder)
	if !exists(old) {
		return ErrNothing
	}
	found, err := matches(old, ours)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return ErrNothing
	}
	if err := mark(old, undoneMark, nil); err != nil {
		return err
	}
	if was, is := vault.IDOf(old), vault.IDOf(dir); was != nil && is != nil && !bytes.Equal(was, is) {
		if err := mark(old, strangeMark, nil); err != nil {
			return err
		}
	}
	reached("marked")
	if err := rename(dir, oldFolder, readyFolder); err != nil {
		return err
	}
	reached("ready")
	return finish(dir, reached)
}
