package witness

import (
	"context"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/hub/pairing"
	"github.com/ingle-home/ingle/hub/seclog"
)

// Unit is what a thing last said that it is.
type Unit struct {
	Make     string `json:"make"` // maker and model
	Firmware string `json:"firmware"`
}

// Unit notes what a thing says that it is, and tells when that is another than the last time.
func (s *Stand) Unit(ctx context.Context, accessory string, u Unit) {
	s.mu.Lock()
	h, old, known := s.house, s.units[accessory], false
	if _, known = s.units[accessory]; known && u.Firmware == "" {
		u.Firmware = old.Firmware
	}
	if h == nil || old == u && known {
		s.mu.Unlock()
		return
	}
	s.units[accessory] = u
	all := maps.Clone(s.units)
	s.mu.Unlock()
	switch {
	case known && u.Make != old.Make:
		s.Note(seclog.Event{Kind: seclog.DeviceChanged, Device: accessory})
	case known && old.Firmware != "" && u.Firmware != old.Firmware:
		s.Note(seclog.Event{Kind: seclog.Firmware, Device: accessory})
	}
	if err := h.Units.Save(ctx, all); err != nil {
		s.log.Debug("what a thing is was not kept", "accessory", accessory, "err", err)
	}
}

// kinds are the troubles that are events of security, by their code.
func kinds(code string) (seclog.Kind, bool) {
	switch code {
	case "clock-doubtful":
		return seclog.Clock, true
	case "announce-conflict", "announce-contested", "restored-twin":
		return seclog.Spoof, true
	case "store-damaged", "store-flawed":
		return seclog.Integrity, true
	case "camera-unsafe":
		return seclog.FactoryPassword, true
	}
	return "", false
}

// Troubles hears what is wrong with the house, whenever that changes.
func (s *Stand) Troubles(list []health.Trouble) {
	now := map[string]bool{}
	for _, t := range list {
		kind, ok := kinds(t.Code)
		if !ok {
			continue
		}
		key := t.Code + "/" + t.Subject
		now[key] = true
		s.mu.Lock()
		was := s.seen[key]
		s.mu.Unlock()
		if !was {
			s.Note(seclog.Event{Kind: kind, Device: t.Subject})
		}
	}
	s.mu.Lock()
	s.seen = now
	s.mu.Unlock()
}

// code is of the trouble of an alert that nobody has seen to.
func code(k seclog.Kind) string { return "security-" + string(k) }

// alarm hears which kinds have such alerts.
func (s *Stand) alarm(open []seclog.Kind) {
	s.mu.Lock()
	s.open = open
	s.mu.Unlock()
	s.tell()
}

// tell has the list of troubles say so, but for those of which it tells by itself.
func (s *Stand) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.house == nil {
		return
	}
	for _, k := range s.open {
		if !seclog.RuleOf(k).Known && !s.raised[k] {
			s.raised[k] = true
			s.house.Faults.Raise(code(k), "", nil)
		}
	}
	for k := range s.raised {
		if !slices.Contains(s.open, k) {
			delete(s.raised, k)
			s.house.Faults.Clear(code(k), "")
		}
	}
}

// From is the source of a request, as hub/keys has it, as an address or the ID of an app.
func From(source string) string {
	if source == keys.Console {
		return "console"
	}
	if host, port, err := net.SplitHostPort(source); err == nil && port != "" {
		source = host
	}
	return strings.TrimPrefix(source, keys.App)
}

// WrongPassword hears of a wrong password or recovery code.
func (s *Stand) WrongPassword(source string) {
	s.Note(seclog.Event{Kind: seclog.FailedLogin, From: From(source)})
}

// Opened hears that somebody opened the store with the password, or gave it again.
func (s *Stand) Opened(source string, again bool) {
	kind := seclog.Unlock
	if again {
		kind = seclog.StepUp
	}
	s.Note(seclog.Event{Kind: kind, From: From(source)})
}

// AppNotice hears of apps that come and go.
func (s *Stand) AppNotice(n pairing.Notice, about string) {
	switch n {
	case pairing.NoticeWrongCode:
		s.Note(seclog.Event{Kind: seclog.FailedClaim, From: about})
	case pairing.NoticePaired:
		s.Note(seclog.Event{Kind: seclog.NewApp, Subject: about})
	case pairing.NoticeRevoked:
		s.Note(seclog.Event{Kind: seclog.RevokedApp, Subject: about})
	}
}

// Controllers hears of HomeKit controllers that come and go at a server.
func (s *Stand) Controllers(server string, n hap.Notice) {
	e := seclog.Event{Kind: seclog.NewController, Subject: server}
	switch n {
	case hap.NoticeWrongCode:
		e.Kind = seclog.WrongSetupCode
	case hap.NoticeUnpaired:
		e.Kind = seclog.RemovedController
	}
	s.Note(e)
}
