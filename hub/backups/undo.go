package backups

import (
	"encoding/json"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
)

// undone is what --json prints once a restore is undone.
type undone struct {
	Undone  bool            `json:"undone"`
	Brought backup.Replaced `json:"brought"`
}

// undo is hub restore --undo. It needs no secret: what it brings back is as sealed as it was.
func (r *restoring) undo() error {
	lock, err := storage.Acquire(r.dir)
	if err != nil {
		return r.problem(err, "")
	}
	defer lock.Release()
	if err := backup.Finish(r.dir); err != nil {
		return r.problem(err, "")
	}
	aside := backup.AsideIn(r.dir)
	if aside == nil {
		return r.problem(backup.ErrNothing, "")
	}
	r.say("restore.undo", i18n.Args{"dir": r.dir, "date": date(aside.Changed), "size": r.text.Size(aside.Databases)})
	if until := aside.Until(); !until.IsZero() {
		r.say("restore.until", i18n.Args{"date": date(until)})
	} else { // the days are counted from when an open hub believes its clock
		r.say("restore.week", nil)
	}
	if !r.yes {
		return wire.Refuse(0, "command.yes")
	}
	if err := backup.Undo(r.dir); err != nil {
		return r.problem(err, "")
	}
	r.say("restore.undone", nil)
	if r.json {
		return json.NewEncoder(r.out).Encode(undone{true, aside.Replaced})
	}
	return nil
}

// dropping says that what an earlier restore replaced makes room for what this one does.
func (r *restoring) dropping() {
	if aside := backup.AsideIn(r.dir); aside != nil {
		r.say("restore.drops", i18n.Args{"date": date(aside.Changed)})
	}
}

func date(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
