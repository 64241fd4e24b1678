package gallery

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// SetCamera changes a camera.
func (h *House) SetCamera(_ context.Context, id string, r wire.CameraRequest) (wire.Accessory, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.snap.Accessories {
		if a.ID != id || a.Camera == nil {
			continue
		}
		now := *a.Camera
		if r.Sound != nil {
			now.Sound = *r.Sound
		}
		if r.Motion != nil {
			now.Motion = *r.Motion
		}
		a.Camera = &now
		h.apply(wire.Change{Accessory: &a})
		return a, nil
	}
	return wire.Accessory{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown, "id", id)
}

// Secure takes what is wrong with a camera's password away.
func (h *House) Secure(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(h.snap.Troubles), func(t wire.Trouble) bool { return t.Subject == id && t.Code == "camera-unsafe" })
	h.apply(wire.Change{Troubles: &left})
	return nil
}

// Clips lists the recordings of a camera, or all.
func (h *House) Clips(_ context.Context, camera string) ([]wire.Clip, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(h.clips), func(c wire.Clip) bool { return camera != "" && c.Camera != camera }), nil
}

// ClipStill is the picture that stands for a recording.
func (h *House) ClipStill(_ context.Context, id string) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, c := range h.clips {
		if c.ID == id {
			return jpegOf(c.Camera, 640, 360, 40*i)
		}
	}
	return nil, unknownClip(id)
}

// KeepClip has a recording stay.
func (h *House) KeepClip(_ context.Context, id string, kept bool) (wire.Clip, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.clips {
		if h.clips[i].ID == id {
			h.clips[i].Kept = kept
			return h.clips[i], nil
		}
	}
	return wire.Clip{}, unknownClip(id)
}

func unknownClip(id string) error {
	return wire.Refuse(http.StatusNotFound, "clips.unknown", "id", id)
}

// DeleteClip deletes a recording.
func (h *House) DeleteClip(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clips = slices.DeleteFunc(h.clips, func(c wire.Clip) bool { return c.ID == id })
	return nil
}

// ExportClip writes nothing: the recordings are made up.
func (h *House) ExportClip(_ context.Context, id string, r wire.ClipExportRequest) (wire.ClipExport, error) {
	if err := proven(r.Password); err != nil {
		return wire.ClipExport{}, err
	}
	return wire.ClipExport{Path: filepath.Join(r.Path, id+".mp4"), Size: 3_780_000}, nil
}

// ClipRule tells what is recorded of a camera.
func (h *House) ClipRule(_ context.Context, camera string) (wire.ClipRule, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rules[camera], nil
}

// SetClipRule says what is recorded of a camera.
func (h *House) SetClipRule(_ context.Context, camera string, r wire.ClipRule) (wire.ClipRule, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rules[camera] = r
	return r, nil
}

// Record makes a recording of ten seconds.
func (h *House) Record(_ context.Context, camera string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clips = slices.Concat([]wire.Clip{{ID: h.id("clip"), Camera: camera, Why: "by-hand", At: h.now(), Millis: 10_000, Size: 1_800_000, Still: true, State: "whole"}}, h.clips)
	return nil
}

// ChangePassword looks at the present one and at the length of the next.
func (h *House) ChangePassword(_ context.Context, present, next string) error {
	if len(next) < 15 {
		return wire.Refuse(http.StatusUnprocessableEntity, "password.too_short", "min", "15")
	}
	return proven(present)
}

// NewRecoveryCode gives the one that there is.
func (h *House) NewRecoveryCode(_ context.Context, password string) (wire.RecoveryCode, error) {
	return wire.RecoveryCode{RecoveryCode: RecoveryCode}, proven(password)
}

// ConfirmRecovery takes any.
func (h *House) ConfirmRecovery(context.Context, string) error { return nil }

// SetBoot notes how the hub starts.
func (h *House) SetBoot(_ context.Context, r wire.BootRequest) (wire.BootAnswer, error) {
	if err := proven(r.Password); err != nil {
		return wire.BootAnswer{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	status := h.snap.Status
	status.Protection = map[string]wire.Protection{wire.BootItself: wire.ProtectionTPM, wire.BootKeyFile: wire.ProtectionMedium, wire.BootLocked: wire.ProtectionManual}[r.How]
	h.apply(wire.Change{Status: &status})
	return wire.BootAnswer{Protection: status.Protection}, nil
}

// SetLanguage notes the language of the home.
func (h *House) SetLanguage(_ context.Context, language string) (wire.Language, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	status := h.snap.Status
	status.Language = language
	h.apply(wire.Change{Status: &status})
	return wire.Language{Language: language}, nil
}

// Apps lists the family's apps.
func (h *House) Apps(context.Context) ([]wire.App, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.apps), nil
}

// Invite shows a code that nobody can use.
func (h *House) Invite(context.Context, wire.Invitation) (wire.ClaimCode, error) {
	return wire.ClaimCode{Code: ClaimCode, Until: h.now().Add(15 * time.Minute), API: "https://192.0.2.10:8443"}, nil
}

// RevokeApp takes an app away.
func (h *House) RevokeApp(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.apps = slices.DeleteFunc(slices.Clone(h.apps), func(a wire.App) bool { return a.ID == id })
	return nil
}

// Page is the plain page of a house that shows none.
func (h *House) Page(context.Context) (wire.Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.page, nil
}

// SetPage shows what a page that is on would say; nobody serves it.
func (h *House) SetPage(_ context.Context, on bool) (wire.Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.page = wire.Page{On: on}
	if on {
		h.page.Address, h.page.Words = "https://192.0.2.10:8444", "branch bridge grow fiddle errand journal twig"
		h.page.Fingerprint = strings.TrimSuffix(strings.Repeat("A1:40:1B:0D:", 8), ":")
	}
	return h.page, nil
}

// Export writes nothing.
func (h *House) Export(_ context.Context, r wire.ExportRequest) (wire.Export, error) {
	if err := proven(r.Password); err != nil {
		return wire.Export{}, err
	}
	return wire.Export{Path: filepath.Join(r.Path, "ingle-export.zip"), Made: h.now(), Size: 46_000_000}, nil
}

// Backup writes nothing.
func (h *House) Backup(_ context.Context, r wire.BackupRequest) (wire.Backup, error) {
	if !filepath.IsAbs(r.Path) {
		return wire.Backup{}, wire.Refuse(http.StatusUnprocessableEntity, "backup.path", "path", r.Path)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	made := wire.Backup{Path: r.Path, Made: h.now(), Size: 212_000_000}
	h.backups.Last = &made
	return made, nil
}

// Backups tells how backups stand.
func (h *House) Backups(context.Context) (wire.BackupStatus, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.backups, nil
}

// ScheduleBackups notes how often they are made.
func (h *House) ScheduleBackups(_ context.Context, s wire.BackupSchedule) (wire.BackupStatus, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.backups.Schedule = s
	return h.backups, nil
}

// Release is what the hub would know about a newer version.
func (h *House) Release(context.Context) (model.Release, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.release, nil
}

// Holdings counts what there is of the family.
func (h *House) Holdings(context.Context) ([]wire.Holding, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	films := wire.Holding{What: "recordings", Count: len(h.clips)}
	for _, c := range h.clips {
		if films.Size += c.Size; films.Oldest == nil || c.At.Before(*films.Oldest) {
			films.Oldest = &c.At
		}
	}
	return []wire.Holding{films, {What: "positions", Count: 1204, Oldest: ago(163 * time.Hour), Days: 7}, {What: "steps", Count: 611, Oldest: ago(163 * time.Hour), Days: 7},
		{What: "alarms", Count: 2, Oldest: ago(31 * 24 * time.Hour)}, {What: "apps", Count: len(h.apps)}}, nil
}

// History is a week of steps; of all else nothing is kept.
func (h *House) History(_ context.Context, id, of string, from, to time.Time, points int) (wire.History, error) {
	past := wire.History{Accessory: id, Trait: of, From: from, To: to, Points: []wire.Point{}}
	if id != Watch || of != trait.Steps.ID() {
		return past, nil
	}
	points = min(points, 60)
	for n := range points {
		at := from.Add(time.Duration(n) * to.Sub(from) / time.Duration(points))
		walked := 0
		if hour := at.Hour(); hour >= 7 {
			walked = (hour-6)*(380+40*at.Day()%7) + at.Minute()*6
		}
		past.Points = append(past.Points, wire.Point{At: at, Value: wire.ValueOf(trait.Steps.Of(walked, at)).Value, Count: 1})
	}
	return past, nil
}
