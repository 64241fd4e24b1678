package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/backups"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/hub/product"
	"github.com/ingle-home/ingle/hub/upkeep"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

const (
	codeFull      = "disk-full"
	codeNoWrite   = "disk-read-only"
	codeDisk      = "disk-broken"
	codeDamaged   = "store-damaged"     // found at the start: the store is only read
	codeFlawed    = "store-flawed"      // found by the weekly check
	codeNoHomeKit = "homekit-closed"    // its part of a damaged store cannot be read
	codeNoCount   = "tries-uncounted"   // a restart would forget the wrong passwords
	codeNoClips   = "clips-closed"      // the recordings could not be opened
	codeOldSecret = "renewal-secret"    // one that was replaced still opens what is stored, with an old copy of the keys
	codeTraces    = "renewal-forgotten" // what was forgotten may still be in old pages
	codeTwin      = "restored-twin"     // this hub was restored, and the other copy is alive
	diskTime      = 2 * time.Second     // between two looks at the disk
	diskRoom      = 64 << 10            // bytes that must fit before a full disk counts as free again

	renewTime = time.Minute // between two looks whether something was forgotten
	renewWait = time.Hour   // after a renewal that failed
)

// stored notes that the store did not take what the house gave it. Success says nothing: states are
// only queued, and a small record may fit where the next one does not. So watchDisk alone gives the
// all-clear.
func (h *house) stored(err error) {
	switch {
	case err == nil:
	case errors.Is(err, storage.ErrFull):
		h.health.Raise(codeFull, "", nil)
	case errors.Is(err, storage.ErrReadOnlyDisk):
		h.health.Raise(codeNoWrite, "", nil)
	case errors.Is(err, storage.ErrDisk):
		h.health.Raise(codeDisk, "", nil)
	case errors.Is(err, records.ErrReadOnly): // people know since the start
	default:
		h.log.Error("the store refused a record", "err", err)
	}
}

// watchDisk writes what is queued, so that a full disk is known even when nobody waits for a record,
// and after one was full, or could not be written, tries whether it can be again.
func (h *house) watchDisk(ctx context.Context) error {
	h.stored(h.store.Unforgotten()) // what is left of somebody goes with the next renewal
	tick := time.NewTicker(diskTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := h.store.Flush(ctx)
		if err == nil && h.mountedReadOnly() {
			err = storage.ErrReadOnlyDisk
		}
		if err == nil && h.isStuck() {
			if err = h.fits(ctx); err == nil {
				for _, code := range diskCodes() {
					h.health.Clear(code, "")
				}
			}
		}
		if ctx.Err() == nil {
			h.stored(err)
		}
	}
}

// diskCodes are what the disk can do to a store that is sound.
func diskCodes() []string { return []string{codeFull, codeNoWrite, codeDisk} }

func (h *house) isStuck() bool {
	return slices.ContainsFunc(h.health.All(), func(t health.Trouble) bool { return slices.Contains(diskCodes(), t.Code) })
}

// mountedReadOnly asks before anybody has something to store: Linux makes a failing disk read-only.
func (h *house) mountedReadOnly() bool {
	var fs unix.Statfs_t
	return unix.Statfs(h.settings.dir, &fs) == nil && fs.Flags&unix.ST_RDONLY != 0
}

// refused is problem, and has all know of a disk that did not take what somebody asked to be stored.
func (h *house) refused(err error) error {
	if isDisk(err) {
		h.stored(err)
	}
	return problem(err)
}

// openStore opens the store; one that is damaged, or on a disk that may not be written, for reading
// only: what is left of a home is worth having, and nothing of it may be overwritten.
func (h *house) openStore(v *vault.Vault) (err error) {
	open := records.Reopen
	if h.Unsettled() {
		open = records.Open
	}
	h.store, err = open(h.settings.dir, v, archive.Personal()...)
	var damage *records.Damage
	switch {
	case errors.As(err, &damage), errors.Is(err, storage.ErrReadOnlyDisk):
	case errors.Is(err, records.ErrDamaged) && v.Outdated(): // what is stored is of the newer keys
		return wire.Refuse(http.StatusUnauthorized, "hub.older-keys")
	default:
		return err
	}
	why := err
	if h.store, err = records.OpenDamaged(h.settings.dir, v, archive.Personal()...); err != nil {
		return err
	}
	h.unsound = why
	if found := h.store.Damage(); found != nil {
		h.unsound = found // all of it
	}
	h.log.Error("the store is only read", "err", h.unsound)
	return nil
}

// recall loads a document. Of one that is damaged the careful choice is taken, if all else is open.
func recall[T any](ctx context.Context, h *house, d archive.Document[T], careful T) (T, error) {
	v, err := d.Load(ctx)
	switch {
	case isNone(err):
		return v, nil
	case h.unsound != nil && errors.Is(err, records.ErrDamaged):
		return careful, nil
	}
	return v, err
}

// tellUnsound says why nothing new is stored.
func (h *house) tellUnsound() {
	if files := damagedIn(h.unsound); len(files) > 0 {
		h.tellDamage(codeDamaged, files)
		return
	}
	h.health.Raise(codeNoWrite, "", nil)
}

func (h *house) tellDamage(code string, files []string) {
	newest := "FILE"
	if last := h.shelf.Status().Last; last != nil {
		newest = last.Path
	}
	h.health.Raise(code, "", map[string]string{"file": strings.Join(files, ", "), "backup": newest})
}

// damagedIn lists the files that an error says are damaged.
func damagedIn(err error) []string {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var files []string
		for _, one := range many.Unwrap() {
			files = append(files, damagedIn(one)...)
		}
		slices.Sort(files)
		return slices.Compact(files)
	}
	var damage *records.Damage
	if errors.As(err, &damage) {
		return []string{damage.File}
	}
	return nil
}

// checked tells people what the weekly check of the store found.
func (h *house) checked(err error) {
	files := damagedIn(err)
	switch {
	case err == nil:
		h.health.Clear(codeFlawed, "")
	case len(files) > 0:
		h.log.Error("the store is damaged", "err", err)
		h.tellDamage(codeFlawed, files)
	default:
		h.stored(err)
	}
}

// upkept are what the upkeep of the store remembers, as a sealed document.
type upkept struct {
	archive.Document[upkeep.Notes]
}

func (n upkept) Load(ctx context.Context) (upkeep.Notes, error) {
	v, err := n.Document.Load(ctx)
	if isNone(err) {
		v.Believed, err = archive.Newest(ctx, n.Store)
	}
	return v, err
}

// fits keeps a document of some size and empties it again.
func (h *house) fits(ctx context.Context) error {
	trial := archive.Document[[]byte]{Store: h.store, Name: "disk-trial"}
	if err := trial.Save(ctx, make([]byte, diskRoom)); err != nil {
		return err
	}
	return trial.Save(ctx, nil)
}

// NoteRecovery implements keys.Home.
func (h *house) NoteRecovery(ctx context.Context, s keys.Recovery) error {
	if err := h.recovery.Save(ctx, s); err != nil && h.unsound == nil { // who came in must not be shut out for it
		return err
	}
	return h.tellRecovery(ctx)
}

// tellRecovery says whether the household should make another recovery code.
func (h *house) tellRecovery(ctx context.Context) error {
	now, err := recall(ctx, h, h.recovery, "")
	if err != nil {
		return err
	}
	for _, s := range []keys.Recovery{keys.Unseen, keys.Used} {
		code := "recovery-" + string(s)
		if s == now {
			h.health.Raise(code, "", nil)
		} else {
			h.health.Clear(code, "")
		}
	}
	return nil
}

// NoteBoot implements keys.Home.
func (h *house) NoteBoot(well bool) {
	if well {
		h.health.Clear("boot-failed", "")
	} else {
		h.health.Raise("boot-failed", "", nil)
	}
}

// NoteTries implements keys.Home. What the disk can do has a name of its own, and watchDisk looks when
// it is over; the next try is counted on it again.
func (h *house) NoteTries(err error) {
	if isDisk(err) {
		h.stored(err)
		err = nil
	}
	if err == nil {
		h.health.Clear(codeNoCount, "")
		return
	}
	h.log.Error("wrong passwords are not counted on disk", "err", err)
	h.health.Raise(codeNoCount, "", nil)
}

// isDisk says whether it is one of the faults that stored tells people.
func isDisk(err error) bool {
	return errors.Is(err, storage.ErrFull) || errors.Is(err, storage.ErrReadOnlyDisk) || errors.Is(err, storage.ErrDisk)
}

// Rotate implements keys.Home. What a restore replaced goes first: who was forgotten is in that too, and
// its old keys open it.
func (h *house) Rotate(ctx context.Context, v *vault.Vault) error {
	if err := backup.Settle(h.settings.dir); err != nil {
		return err
	}
	if err := h.store.Rotate(ctx, v); err != nil {
		return err
	}
	for _, code := range []string{codeOldSecret, codeTraces} {
		h.health.Clear(code, "")
	}
	return nil
}

// renew seals the store anew after something was forgotten or a secret replaced: what the disk still
// holds of it, and what an old copy with an old secret opens, is then under a key that is nowhere.
func (h *house) renew(ctx context.Context) error {
	wait := renewTime
	for {
		next := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			next.Stop()
			return nil
		case <-next.C:
		}
		wait = renewTime
		if err := h.renewStale(ctx); err != nil && ctx.Err() == nil {
			h.log.Warn("the store was not sealed anew", "err", err)
			wait = renewWait
		}
	}
}

func (h *house) renewStale(ctx context.Context) error {
	forgotten, err := h.store.Stale(ctx)
	replaced, errKeys := h.Stale()
	if err = errors.Join(err, errKeys); err != nil || !forgotten && !replaced {
		return err
	}
	err = h.Renew(ctx)
	if err != nil && ctx.Err() == nil { // Rotate says when it is over
		for code, due := range map[string]bool{codeOldSecret: replaced, codeTraces: forgotten} {
			if due {
				h.health.Raise(code, "", nil)
			}
		}
	}
	return err
}

// tended is the store that upkeep looks after. With what has expired goes what a restore replaced.
type tended struct {
	*records.Store
	dir string
}

// Sweep implements upkeep.Store.
func (s tended) Sweep(ctx context.Context, now time.Time) (int, error) {
	n, err := s.Store.Sweep(ctx, now)
	return n, errors.Join(err, backup.Expire(s.dir, now))
}

// swept is that, and what has had its time by the household's rules.
type swept struct {
	tended
	house *house
}

// Sweep implements upkeep.Store.
func (s swept) Sweep(ctx context.Context, now time.Time) (int, error) {
	n, err := s.tended.Sweep(ctx, now)
	gone, errClips := s.house.clips.Sweep(ctx, now)
	old, errRules := s.house.expire(ctx, now)
	had, errStand := s.house.stand.Sweep(ctx, now)
	return n + gone + old + had, errors.Join(err, errClips, errRules, errStand)
}

// noteOpened lets the days begin for which what a restore replaced is kept, with the next sweep: only a
// believed clock sweeps. It may be better than what it brought, or all that there is, as long as that
// was not seen to open.
func (h *house) noteOpened() {
	if h.unsound != nil || h.restored.Times == 0 && !h.undone() {
		return
	}
	if err := backup.NoteOpened(h.settings.dir); err != nil {
		h.log.Error("what a restore replaced stays for now", "err", err)
	}
}

// undone says whether the store is here because a restore was undone, and opens for the first time since.
func (h *house) undone() bool {
	aside := backup.AsideIn(h.settings.dir)
	return aside != nil && aside.Undone && !aside.Opened
}

// plan remembers the schedule of backups as a sealed document.
type plan struct {
	archive.Document[backups.Plan]
	house *house
}

func (p plan) Load(ctx context.Context) (backups.Plan, error) {
	return recall(ctx, p.house, p.Document, backups.Plan{})
}

// openShelf readies what makes backups.
func (h *house) openShelf(ctx context.Context, v *vault.Vault) (err error) {
	if h.restored, err = backup.RestoredIn(ctx, h.store); err != nil && h.unsound == nil {
		return err
	}
	h.shelf, err = backups.New(ctx, backups.Options{
		Source: backup.Source{Dir: h.settings.dir, Vault: v, Store: h.store, Hub: product.Version},
		Memory: plan{archive.Document[backups.Plan]{Store: h.store, Name: "backups"}, h},
		Faults: h.health, Log: h.log,
	})
	return err
}
