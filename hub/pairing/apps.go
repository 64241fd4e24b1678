package pairing

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Apps implements server.Apps.
func (b *Book) Apps(_ context.Context, asks string) ([]wire.App, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]wire.App, 0, len(b.apps))
	for _, a := range b.apps {
		a.This = a.ID == asks
		list = append(list, a.App)
	}
	return list, nil
}

// ClaimCode implements server.Apps. An app that has proven an earlier code and set no password is forgotten.
func (b *Book) ClaimCode(context.Context) (wire.ClaimCode, error) {
	b.mu.Lock()
	next := b.file
	next.First = first{}
	err := b.put(next)
	b.mu.Unlock()
	if err != nil {
		return wire.ClaimCode{}, err
	}
	return b.issue(claim.Terms{Role: wire.RoleOwner}, claim.Valid)
}

// Invite implements server.Apps.
func (b *Book) Invite(_ context.Context, i wire.Invitation) (wire.ClaimCode, error) {
	return b.issue(claim.Terms{Role: i.Role, Person: i.Person}, claim.Invited)
}

func (b *Book) issue(t claim.Terms, valid time.Duration) (wire.ClaimCode, error) {
	code, until, err := b.desk.Issue(t, valid)
	var wait *claim.Wait
	if errors.As(err, &wait) {
		seconds := int((wait.For + time.Second - 1) / time.Second)
		return wire.ClaimCode{}, wire.Refuse(http.StatusTooManyRequests, wire.CodeClaimWait, "seconds", strconv.Itoa(seconds))
	}
	if err != nil {
		return wire.ClaimCode{}, err
	}
	return wire.ClaimCode{Code: code.Shown(), Until: until.UTC(), API: b.o.API()}, nil
}

// PairHere implements server.Apps. Who may call it sits at the hub, so the app is the owner's.
func (b *Book) PairHere(ctx context.Context, r wire.PairRequest) (wire.Paired, error) {
	said := claim.App{Name: r.Name, Platform: r.Platform}
	pin, err := claim.ParsePin(r.Pin)
	if err != nil || !said.Fits() {
		return wire.Paired{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.appOf(pin.String(), said, claim.Terms{Role: wire.RoleOwner})
	if err := b.add(ctx, a); err != nil {
		return wire.Paired{}, err
	}
	return wire.Paired{App: a.App, Pin: b.pin.String(), API: b.o.API()}, nil
}

// add keeps an app; one of the same key makes way, and what it had open as something else ends.
func (b *Book) add(ctx context.Context, a App) error {
	before := b.apps
	others := slices.DeleteFunc(slices.Clone(b.apps), func(o App) bool { return o.ID == a.ID })
	if len(others) >= maxApps {
		return wire.Refuse(http.StatusConflict, "apps.too-many")
	}
	b.apps = append(others, a)
	if err := b.save(ctx); err != nil {
		b.apps = before
		return err
	}
	if i := slices.IndexFunc(before, func(o App) bool { return o.ID == a.ID }); i >= 0 && before[i].Role != a.Role {
		b.drop(a.ID)
	}
	b.o.Notice(NoticePaired, a.ID)
	return nil
}

// RenameApp implements server.Apps.
func (b *Book) RenameApp(ctx context.Context, id, name string) (wire.App, error) {
	if !(claim.App{Name: name}).Fits() {
		return wire.App{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.find(id)
	if i < 0 {
		return wire.App{}, wire.Refuse(http.StatusNotFound, wire.CodeUnknown)
	}
	before := b.apps
	b.apps = slices.Clone(b.apps)
	b.apps[i].Name = name
	if err := b.save(ctx); err != nil {
		b.apps = before
		return wire.App{}, err
	}
	return b.apps[i].App, nil
}

// RevokeApp implements server.Apps. The app is out at once, even where the disk does not take it; the error
// says so then. Nor does a code that it may have drawn let anybody in.
func (b *Book) RevokeApp(ctx context.Context, id string) error {
	defer b.desk.Withdraw() // once it is out, and without mu, which the desk takes
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.find(id)
	if i < 0 {
		return wire.Refuse(http.StatusNotFound, wire.CodeUnknown)
	}
	b.apps = slices.Delete(slices.Clone(b.apps), i, i+1)
	b.drop(id)
	b.o.Notice(NoticeRevoked, id)
	return b.save(ctx)
}

// DropOthers ends the connections of all apps but one: whoever was let in by an old password comes again. A
// code that was drawn by it is void.
func (b *Book) DropOthers(app string) {
	defer b.desk.Withdraw()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.apps {
		if a.ID != app {
			b.drop(a.ID)
		}
	}
}

// Seen notes that an app called. A store that does not take it hears of it later.
func (b *Book) Seen(ctx context.Context, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, now := b.find(id), b.o.Now()
	if i < 0 || now.Sub(b.apps[i].Seen).Abs() < seenStep {
		return
	}
	fresh := b.apps[i].Seen.IsZero()
	b.apps = slices.Clone(b.apps)
	b.apps[i].Seen = now.UTC()
	if fresh || now.Sub(b.kept) >= seenKept {
		if err := b.save(ctx); err != nil {
			b.o.Log.Debug("when an app was seen was not kept", "err", err)
		}
	}
}

func (b *Book) find(id string) int {
	return slices.IndexFunc(b.apps, func(a App) bool { return a.ID == id })
}
