package seclog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what happened. Its i18n text is "security.kind.KIND".
type Kind string

// The kinds.
const (
	FailedLogin       Kind = "failed-login"       // a wrong password or recovery code
	FailedClaim       Kind = "failed-claim"       // a wrong code of an app that wants in
	WrongSetupCode    Kind = "wrong-setup-code"   // of HomeKit
	NewApp            Kind = "new-app"            // or the token of a script
	RevokedApp        Kind = "revoked-app"        //
	NewController     Kind = "new-controller"     // of HomeKit
	RemovedController Kind = "removed-controller" //
	NewListener       Kind = "new-listener"       // another port is open
	DeviceChanged     Kind = "device-changed"     // a thing is not the one it was: its key, its serial number
	FactoryPassword   Kind = "factory-password"   // a thing has its factory's
	Firmware          Kind = "firmware"           // of a thing, is another
	Integrity         Kind = "integrity"          // what is stored is not what was written
	Clock             Kind = "clock"              // is hard to believe
	Spoof             Kind = "spoof"              // somebody uses the hub's name, or a watch's number
	StepUp            Kind = "step-up"            // somebody gave the password again, for what takes it
	Password          Kind = "password"           // was changed
	Recovery          Kind = "recovery"           // a recovery code was made or used
	Restore           Kind = "restore"            // the hub came out of a backup
	Unlock            Kind = "unlock"             // the store was opened
)

// Severity says how urgent it is: "notice", "warning", "alarm".
type Severity string

// The severities.
const (
	Notice  Severity = "notice"
	Warning Severity = "warning"
	Alarm   Severity = "alarm"
)

// Rule says when people hear of a kind: at so many within a time. Its i18n texts are "security.rule.KIND"
// and with ".do" what to do. Known are those of which the list of troubles tells by itself.
type Rule struct {
	Kind     Kind
	Severity Severity
	Count    int // 0: they do not
	Within   time.Duration
	Known    bool
}

// Rules are all kinds, with their rules.
func Rules() []Rule {
	often := 10 * time.Minute
	return []Rule{
		{FailedLogin, Warning, 5, often, false},
		{FailedClaim, Warning, 3, often, false},
		{WrongSetupCode, Warning, 5, often, true},
		{NewApp, Warning, 1, 0, false},
		{RevokedApp, Notice, 0, 0, false},
		{NewController, Warning, 1, 0, false},
		{RemovedController, Notice, 0, 0, false},
		{NewListener, Notice, 1, 0, false},
		{DeviceChanged, Alarm, 1, 0, false},
		{FactoryPassword, Warning, 1, 0, true},
		{Firmware, Notice, 1, 0, false},
		{Integrity, Alarm, 1, 0, true},
		{Clock, Warning, 1, 0, true},
		{Spoof, Warning, 1, 0, true},
		{StepUp, Notice, 0, 0, false},
		{Password, Warning, 1, 0, false},
		{Recovery, Warning, 0, 0, false},
		{Restore, Notice, 1, 0, false},
		{Unlock, Notice, 0, 0, false},
	}
}

// RuleOf is the rule of a kind; one that nobody knows has none.
func RuleOf(k Kind) Rule {
	for _, r := range Rules() {
		if r.Kind == k {
			return r
		}
	}
	return Rule{Kind: k, Severity: Notice}
}

// maxAlerts bounds the alerts that are kept.
const maxAlerts = 100

// Alert is what people should hear of. Seen is when somebody said that they have seen to it.
type Alert struct {
	ID      string    `json:"id"`
	Rule    Kind      `json:"rule"`
	Subject string    `json:"subject,omitempty"` // ID of what it is about, if it is about one
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Times   int       `json:"times"`
	Seen    time.Time `json:"seen,omitzero"`
}

// ErrUnknown says that there is no such alert.
var ErrUnknown = errors.New("seclog: there is no such alert")

// judge raises an alert if a rule says so. l.mu is held.
func (l *Log) judge(e Event, now time.Time) {
	r := RuleOf(e.Kind)
	if r.Count == 0 {
		return
	}
	recent := append(l.recent[e.Kind], now)
	recent = recent[max(0, len(recent)-r.Count):]
	l.recent[e.Kind] = recent
	if len(recent) < r.Count || r.Within > 0 && now.Sub(recent[0]).Abs() > r.Within {
		return
	}
	subject := e.Device + e.Subject // one of them is empty
	at := slices.IndexFunc(l.alerts, func(a Alert) bool { return a.Rule == e.Kind && a.Subject == subject && a.Seen.IsZero() })
	if at < 0 {
		l.alerts = bounded(append(l.alerts, Alert{ID: strings.ToLower(rand.Text()[:12]), Rule: e.Kind, Subject: subject, First: recent[0], Last: now, Times: len(recent)}))
		l.tell()
	} else {
		l.alerts[at].Last, l.alerts[at].Times = now, l.alerts[at].Times+1
	}
	l.dirty = true
}

// bounded drops the oldest alerts, those first that somebody has seen to.
func bounded(list []Alert) []Alert {
	for len(list) > maxAlerts {
		at := max(0, slices.IndexFunc(list, func(a Alert) bool { return !a.Seen.IsZero() }))
		list = slices.Delete(list, at, at+1)
	}
	return list
}

// tell says which kinds are open, if they are others than before. l.mu is held.
func (l *Log) tell() {
	var open []Kind
	for _, a := range l.alerts {
		if a.Seen.IsZero() && !slices.Contains(open, a.Rule) {
			open = append(open, a.Rule)
		}
	}
	slices.Sort(open)
	if !slices.Equal(open, l.told) {
		l.told = open
		l.o.Alarm(slices.Clone(open))
	}
}

// Alerts are those that there are, the newest first.
func (l *Log) Alerts() []Alert {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := slices.Clone(l.alerts)
	slices.SortStableFunc(list, func(a, b Alert) int { return b.Last.Compare(a.Last) })
	return list
}

// Acknowledge notes that somebody has seen to an alert; ErrUnknown where there is none.
func (l *Log) Acknowledge(ctx context.Context, id string) error {
	l.mu.Lock()
	at := slices.IndexFunc(l.alerts, func(a Alert) bool { return a.ID == id })
	if at >= 0 && l.alerts[at].Seen.IsZero() {
		l.alerts[at].Seen = l.o.Now().UTC()
		l.dirty = true
		l.tell()
	}
	l.mu.Unlock()
	if at < 0 {
		return ErrUnknown
	}
	return l.save(ctx)
}

// save keeps the alerts if they changed.
func (l *Log) save(ctx context.Context) error {
	l.saving.Lock()
	defer l.saving.Unlock()
	l.mu.Lock()
	list, m, dirty := slices.Clone(l.alerts), l.memory, l.dirty
	if m == nil || !dirty {
		l.mu.Unlock()
		return nil
	}
	l.dirty = false
	l.mu.Unlock()
	if err := m.Save(ctx, list); err != nil {
		l.mu.Lock()
		l.dirty = true
		l.mu.Unlock()
		return fmt.Errorf("seclog: alerts: %w", err)
	}
	return nil
}
