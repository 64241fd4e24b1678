// Package backup puts everything that a hub keeps into one file, and back.
//
// The file is sealed, and opens on any machine with the recovery code, or with the
// password of the day on which it was made: it carries the vault's slots for
// both, and a data key of its own. So a hub makes backups without knowing the code,
// and a backup neither needs the hub's folder nor opens it. docs/FORMAT.md
// specifies the bytes.
//
// A backup counts once it was read again from the disk, opened and checked; until
// then it has another name. A restore puts the new folder in place of the old one
// at once, or not at all, whatever cuts it short: see place.go.
//
//	make.go     the copy, the file, the trial
//	stream.go   the bytes
//	restore.go  open, unpack
//	place.go    the old folder out, the new one in
//	undo.go     and back again
//	restored.go the mark of what came out of a backup
package backup

import (
	"errors"
	"time"
)

var (
	// ErrNotBackup says that the file is something else.
	ErrNotBackup = errors.New("backup: not a backup of Ingle's")
	// ErrDamaged says that the file is not the one that was made: changed, cut or
	// joined from others.
	ErrDamaged = errors.New("backup: the file is damaged")
	// ErrUnopened says that a folder replaced by an earlier restore still waits for
	// the hub to open what was restored.
	ErrUnopened = errors.New("backup: an earlier restore was not opened yet")
	// ErrNothing says that no restore can be undone.
	ErrNothing = errors.New("backup: nothing to undo")
)

// Contents is what a backup says about itself.
type Contents struct {
	Format     int       `json:"format"`     // formatVersion
	Made       time.Time `json:"made"`       // UTC, by the clock of the hub
	Hub        string    `json:"hub"`        // the version that made it
	Machine    string    `json:"machine"`    // the host name of that hub
	Databases  int64     `json:"databases"`  // bytes
	Recordings int       `json:"recordings"` // how many; 0 of a backup without them
	Media      int64     `json:"media"`      // bytes of recordings
	Size       int64     `json:"-"`          // bytes of the file
}

// Replaced is what a restore would put out of place.
type Replaced struct {
	Databases int64     `json:"databases"` // bytes
	Changed   time.Time `json:"changed"`   // of the newest database file, UTC
	SameHome  bool      `json:"same_home"` // the backup is one of this very store
}

const formatVersion = 1

// Progress is told how many of about how many bytes are done; it may be nil.
type Progress func(done, of int64)

func (p Progress) tell(done, of int64) {
	if p != nil {
		p(done, of)
	}
}
