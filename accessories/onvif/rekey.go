package onvif

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	administrator = "Administrator" // ONVIF's levels of users
	operator      = "Operator"
	passwordSize  = 24
)

// plan is where a change of passwords goes. All of it is kept before any of it is sent, so that at
// every step one of two accounts opens the camera: the new one, or the old one.
type plan struct {
	hub   account // for pictures and events
	admin account // for this alone; nobody where the camera takes no second administrator
	old   account // what opened the camera before
	shut  account // old, with the password that it gets
	maker account // who makes admin: old, or the admin of an earlier Rekey
}

// Rekey makes an administrator and an account for pictures, proves both, gives the account that the
// camera came with another password (or deletes it), and proves by SOAP, RTSP and HTTP that its old
// password opens nothing any more. A camera that takes no second administrator has the password of
// its first one changed. Called again after it was interrupted, it goes on from what was kept.
func (s *session) Rekey(ctx context.Context, keep func(device.Keys) error) error {
	s.rekeying.Lock()
	defer s.rekeying.Unlock()
	if s.proof.open {
		return fmt.Errorf("onvif: rekey: %w: the camera lets everybody in, whatever its passwords", device.ErrUnsupported)
	}
	if s.plan == nil {
		p, err := s.newPlan(keep)
		if err != nil {
			return fmt.Errorf("onvif: rekey: %w", err)
		}
		s.plan = p
	}
	if err := s.carryOut(ctx, s.plan, keep); err != nil {
		return fmt.Errorf("onvif: rekey: %w", err)
	}
	s.plan = nil
	return nil
}

// newPlan reads what was kept of an interrupted change, or makes a plan and keeps it.
func (s *session) newPlan(keep func(device.Keys) error) (*plan, error) {
	if old := accountOf(s.config, fieldOld, fieldOldPassword); !old.nobody() {
		p := &plan{
			hub:   accountOf(s.config, fieldUser, fieldPassword),
			admin: accountOf(s.config, fieldAdmin, fieldAdminPassword),
			old:   old,
			shut:  account{old.user, s.config.Secret(fieldShutPassword)},
			maker: accountOf(s.config, fieldMaker, fieldMakerPassword),
		}
		if p.maker.nobody() {
			p.maker = old
		}
		return p, nil
	}
	old, _ := s.now()
	if old.nobody() {
		return nil, fmt.Errorf("%w: an administrator's name and password are needed", device.ErrRefused)
	}
	p := &plan{
		hub:   account{newName("hub-"), newPassword()},
		admin: account{newName("adm-"), newPassword()},
		old:   old,
		shut:  account{old.user, newPassword()},
		maker: old,
	}
	if maker := accountOf(s.config, fieldAdmin, fieldAdminPassword); !maker.nobody() {
		p.maker = maker
	}
	return p, p.keep(keep)
}

// ours says whether both accounts that go were made by an earlier Rekey.
func (p *plan) ours() bool { return p.maker != p.old }

func (p *plan) keep(keep func(device.Keys) error) error {
	keys := device.Keys{Fields: map[string]string{}, Secrets: map[string]device.Secret{}}
	put := func(user, password string, a account) { keys.Fields[user], keys.Secrets[password] = a.user, a.password }
	put(fieldUser, fieldPassword, p.hub)
	put(fieldAdmin, fieldAdminPassword, p.admin)
	put(fieldOld, fieldOldPassword, p.old)
	if p.ours() {
		put(fieldMaker, fieldMakerPassword, p.maker)
	} else {
		put(fieldShut, fieldShutPassword, p.shut)
	}
	return keep(keys)
}

// carryOut goes through all steps; those that were done before do no harm.
func (s *session) carryOut(ctx context.Context, p *plan, keep func(device.Keys) error) error {
	if err := s.makeAdmin(ctx, p, keep); err != nil {
		return err
	}
	if !p.admin.nobody() {
		if err := s.makeHub(ctx, p); err != nil {
			return err
		}
		if err := s.shut(ctx, p); err != nil {
			return err
		}
	}
	if err := s.dead(ctx, p); err != nil {
		return err
	}
	// The pair that the camera came with is of no more use, and is forgotten.
	if err := keep(device.Keys{
		Fields:  map[string]string{fieldOld: "", fieldMaker: ""},
		Secrets: map[string]device.Secret{fieldOldPassword: {}, fieldMakerPassword: {}},
	}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old = account{}
	return nil
}

// makeAdmin makes the second administrator, or changes the first one's password where none can be made.
func (s *session) makeAdmin(ctx context.Context, p *plan, keep func(device.Keys) error) error {
	as, _ := s.now()
	if p.admin.nobody() {
		return s.changeOwn(ctx, p)
	}
	if as.user == p.old.user { // else all was made before
		err := s.ensure(ctx, p.maker, p.admin, administrator)
		if errors.Is(err, device.ErrUnreachable) || errors.Is(err, errNoAdmin) {
			return err
		}
	}
	err := s.proveAdmin(ctx, p.admin)
	if err == nil || errors.Is(err, device.ErrUnreachable) || as.user != p.old.user {
		return err
	}
	single := plan{hub: p.shut, old: p.old, maker: p.old}
	if err := single.keep(keep); err != nil {
		return err
	}
	*p = single
	return s.changeOwn(ctx, p)
}

var errNoAdmin = fmt.Errorf("%w: the account is not an administrator's", device.ErrRefused)

// ensure makes a user, or gives one that is there already its password and level. What the camera
// answers is not believed either way; the account is proven afterwards.
func (s *session) ensure(ctx context.Context, by, who account, level string) error {
	err := s.change(ctx, by, "CreateUsers", who, level)
	if err == nil || errors.Is(err, device.ErrUnreachable) {
		return err
	}
	if errors.Is(err, errLogin) {
		return errNoAdmin
	}
	return s.change(ctx, by, "SetUser", who, level)
}

// change is CreateUsers or SetUser.
func (s *session) change(ctx context.Context, by account, action string, who account, level string) error {
	_, err := s.line.call(ctx, ask{ns: nsDevice, action: action, as: by, body: fmt.Sprintf(
		`<User><Username xmlns="%[1]s">%[2]s</Username><Password xmlns="%[1]s">%[3]s</Password><UserLevel xmlns="%[1]s">%[4]s</UserLevel></User>`,
		nsSchema, escape(who.user), escape(who.password.Reveal()), level)})
	return err
}

// proveAdmin lists the users, which only few may.
func (s *session) proveAdmin(ctx context.Context, who account) error {
	n, err := s.line.call(ctx, ask{ns: nsDevice, action: "GetUsers", as: who})
	if err != nil {
		return err
	}
	for _, u := range n.all("User") {
		if u.str("Username") == who.user && u.str("UserLevel") == administrator {
			return nil
		}
	}
	return fmt.Errorf("%w: the camera does not list its new administrator", device.ErrRefused)
}

// makeHub makes the account for pictures and goes over to it. An operator is enough on most cameras.
func (s *session) makeHub(ctx context.Context, p *plan) error {
	if as, _ := s.now(); as.user == p.hub.user {
		return nil
	}
	var err error
	for _, level := range []string{operator, administrator} {
		if err = s.ensure(ctx, p.admin, p.hub, level); errors.Is(err, device.ErrUnreachable) {
			return err
		}
		if err = s.moveTo(ctx, p.hub); err == nil || errors.Is(err, device.ErrUnreachable) {
			return err
		}
	}
	return err
}

// moveTo proves that an account opens SOAP, streams and still pictures, and uses it from now on.
func (s *session) moveTo(ctx context.Context, who account) error {
	if err := s.line.prove(ctx, s.proof, who); err != nil {
		return err
	}
	if _, err := s.snap(ctx, who); err != nil && !errors.Is(err, device.ErrUnsupported) {
		return err
	}
	pictures, err := s.pull(ctx, who)
	if err != nil {
		return err
	}
	s.mu.Lock()
	before := s.pictures
	s.as, s.pictures = who, pictures
	s.mu.Unlock()
	before.Close()
	return nil
}

// changeOwn has the first administrator change its own password. Cameras that do so were seen to
// answer that they refuse: only the new password tells.
func (s *session) changeOwn(ctx context.Context, p *plan) error {
	as, _ := s.now()
	if as == p.hub {
		return nil
	}
	if err := s.change(ctx, as, "SetUser", p.hub, administrator); errors.Is(err, device.ErrUnreachable) {
		return err
	}
	return s.moveTo(ctx, p.hub)
}

// shut gives the account that the camera came with a password that nobody knows, or deletes it where
// that is refused; accounts of an earlier Rekey are deleted. What became of them, dead finds out.
func (s *session) shut(ctx context.Context, p *plan) error {
	goes := []account{p.old}
	if p.ours() {
		goes = []account{p.maker, p.old}
	} else if err := s.change(ctx, p.admin, "SetUser", p.shut, administrator); err == nil || errors.Is(err, device.ErrUnreachable) {
		return err
	}
	for _, who := range goes {
		_, err := s.line.call(ctx, ask{ns: nsDevice, action: "DeleteUsers", as: p.admin, body: "<Username>" + escape(who.user) + "</Username>"})
		if errors.Is(err, device.ErrUnreachable) {
			return err
		}
	}
	return nil
}

// dead proves that the old password opens nothing. Between two wrong logins it makes a right one:
// many cameras lock out who fails several times in a row.
func (s *session) dead(ctx context.Context, p *plan) error {
	for _, door := range []struct {
		name string
		open func() error
	}{
		{"ONVIF", func() error { return s.line.prove(ctx, s.proof, p.old) }},
		{"RTSP", func() error {
			c, err := s.pull(ctx, p.old)
			if err == nil {
				c.Close()
			}
			return err
		}},
		{"HTTP", func() error {
			_, err := s.snap(ctx, p.old)
			return err
		}},
	} {
		switch err := door.open(); {
		case err == nil:
			return fmt.Errorf("%w: %s still takes the old password", device.ErrRefused, door.name)
		case errors.Is(err, device.ErrUnreachable):
			return err
		case !errors.Is(err, device.ErrRefused) && !errors.Is(err, device.ErrUnsupported):
			return fmt.Errorf("%s: %w", door.name, err)
		}
		as, _ := s.now()
		if err := s.line.prove(ctx, s.proof, as); err != nil {
			return err
		}
	}
	return nil
}

// newName is a user name that no camera finds too short.
func newName(prefix string) string { return prefix + random("abcdefghijkmnpqrstuvwxyz23456789", 8) }

func newPassword() device.Secret {
	return device.NewSecret(random("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", passwordSize))
}

// random draws letters, each as likely as any other.
func random(letters string, size int) string {
	out := make([]byte, 0, size)
	for b := make([]byte, 1); len(out) < size; {
		_, _ = rand.Read(b) // never fails
		if n := int(b[0]); n < 256/len(letters)*len(letters) {
			out = append(out, letters[n%len(letters)])
		}
	}
	return string(out)
}
