// Package onvif drives cameras that speak ONVIF (Core Specification, Profile S; recordings by Profile
// G): it finds them, shows them a password only when their clock is known, takes their pictures
// through accessories/rtsp, hears their motion and their doorbell, and gives them passwords of their
// own.
//
// A session has no connection that stays: each SOAP call has its own, and Run asks for events by long
// polls. Every URL that a camera gives is put on the host that the household named; no password goes
// anywhere else, none goes out as HTTP Basic, and none is sent before the camera has asked for it.
//
// A camera that still has a password from the factory shows no picture here: anybody else could watch
// too. Rekey changes that.
package onvif

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/trait"
)

// ID is the driver's ID.
const ID = "onvif"

// The keys of the driver's fields. A person answers the first two, and may name a doorbell's topic;
// Rekey keeps the others.
const (
	fieldUser     = "user"
	fieldPassword = "password"
	fieldDoorbell = "doorbell" // words in the topic of a doorbell that is not known by itself

	fieldAdmin         = "admin" // the account for Rekey alone
	fieldAdminPassword = "admin-password"
	fieldOld           = "old-user" // how the camera let us in before Rekey, until it no longer does
	fieldOldPassword   = "old-password"
	fieldMaker         = "maker" // the account for Rekey that this Rekey replaces
	fieldMakerPassword = "maker-password"
	fieldShut          = "shut-user" // the account that Rekey shut, and the password that it gave it
	fieldShutPassword  = "shut-password"
)

const openTime = 15 * time.Second

// Driver opens ONVIF cameras. It keeps nothing between sessions.
type Driver struct{ pace pace }

// New makes the driver.
func New() *Driver { return &Driver{usual()} }

// About says what setup must ask for. Address is a host, host:port, or the URL of the camera's device
// service.
func (*Driver) About() device.About {
	return device.About{
		ID:    ID,
		Kinds: []device.Kind{device.Camera},
		Fields: []device.Field{
			{Key: fieldUser, Optional: true},
			{Key: fieldPassword, Secret: true, Optional: true},
			{Key: fieldDoorbell, Optional: true},
		},
	}
}

// Open measures the camera's clock, logs in with at most two tries, and learns its views and events,
// within 15 s. device.ErrRefused names what a person has to see to: the password, or the clock.
func (d *Driver) Open(ctx context.Context, c device.Config) (device.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	l, err := newLine(c.Address, c.Net, c.Now)
	if err != nil {
		return nil, err
	}
	s := &session{config: c, line: l, pace: d.pace, tuned: map[string]bool{}, rung: make(chan struct{}, 1)}
	if err := s.login(ctx); err != nil {
		return nil, err
	}
	err = s.learn(ctx)
	// A new account that Rekey made may open SOAP and not yet the streams.
	if errors.Is(err, device.ErrRefused) && !s.old.nobody() && s.as != s.old && s.line.prove(ctx, s.proof, s.old) == nil {
		s.as = s.old
		err = s.learn(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.life, s.end = context.WithCancel(context.Background()) // outlives Open; Run ends it
	if s.pictures.Speaks() {
		return &speaking{s}, nil
	}
	return s, nil
}

// login finds the account and the camera's parts.
func (s *session) login(ctx context.Context) error {
	if err := s.line.measure(ctx); err != nil {
		return err
	}
	parts, err := s.line.parts(ctx, account{})
	if err != nil && !errors.Is(err, errLogin) {
		return err
	}
	if s.proof, err = s.line.findProof(ctx, parts.media); err != nil {
		return err
	}
	s.old = accountOf(s.config, fieldOld, fieldOldPassword)
	if s.as, err = s.line.enter(ctx, s.proof, accounts(s.config)); err != nil {
		return fmt.Errorf("onvif: login: %w", err)
	}
	if parts.media == "" {
		if parts, err = s.line.parts(ctx, s.as); err != nil {
			return err
		}
	}
	if s.parts = parts; parts.media == "" {
		return fmt.Errorf("onvif: %w: it has no pictures", device.ErrUnsupported)
	}
	if skew, _ := s.line.skew(); skew.Abs() > skewTold && s.config.Log != nil {
		s.config.Log.Warn("onvif: the camera's clock is off; set it, or its own recordings bear the wrong time", "by", skew.Round(time.Second))
	}
	return nil
}

// learn asks what the camera is and offers.
func (s *session) learn(ctx context.Context) error {
	info, err := s.call(ctx, ask{ns: nsDevice, action: "GetDeviceInformation"})
	if err != nil && !errors.As(err, new(*fault)) {
		return err
	}
	if s.profiles, err = s.readProfiles(ctx); err != nil {
		return err
	}
	if err = s.openPictures(ctx); err != nil {
		return err
	}
	s.offer = device.Offer{
		Maker:    printable(info.str("Manufacturer"), 64),
		Model:    printable(info.str("Model"), 64),
		Serial:   printable(info.str("SerialNumber"), 64),
		Firmware: printable(info.str("FirmwareVersion"), 64),
		Traits:   []device.Offered{{Trait: trait.Live.Any()}},
	}
	s.heeds = s.readTopics(ctx)
	if s.heeds.motion {
		s.offer.Traits = append(s.offer.Traits, device.Offered{Trait: trait.Motion.Any()})
	}
	if s.heeds.doorbell {
		s.offer.Traits = append(s.offer.Traits, device.Offered{Trait: trait.Doorbell.Any()})
	}
	return nil
}

// accounts lists what may let us in, the likeliest first: the newest of what Rekey kept, then what
// was in use before it.
func accounts(c device.Config) []account {
	var list []account
	for _, f := range [][2]string{{fieldUser, fieldPassword}, {fieldOld, fieldOldPassword}} {
		if a := accountOf(c, f[0], f[1]); !a.nobody() {
			list = append(list, a)
		}
	}
	return list
}

func accountOf(c device.Config, user, password string) account {
	a := account{user: c.Fields[user]}
	if c.Secret != nil {
		a.password = c.Secret(password)
	}
	return a
}

// configOf is what the RTSP side needs to go in as an account.
func (s *session) configOf(as account) device.Config {
	c := s.config
	c.Fields = map[string]string{rtsp.FieldUser: as.user}
	c.Secret = func(string) device.Secret { return as.password }
	return c
}

// parts are the URLs of a camera's services; "" for those that it lacks.
type parts struct{ media, events, recording, search string }

// parts asks where the camera's services are: by GetServices, or as it was done before that.
func (l *line) parts(ctx context.Context, as account) (parts, error) {
	at := map[string]string{}
	n, err := l.call(ctx, ask{ns: nsDevice, action: "GetServices", as: as, body: "<IncludeCapability>false</IncludeCapability>"})
	if err == nil {
		for _, service := range n.all("Service") {
			at[service.str("Namespace")] = l.home(service.str("XAddr"), "http", "https")
		}
	}
	p := parts{at[nsMedia], at[nsEvents], at[nsRecording], at[nsSearch]}
	if p.media != "" || errors.Is(err, device.ErrUnreachable) {
		return p, err
	}
	n, err = l.call(ctx, ask{ns: nsDevice, action: "GetCapabilities", as: as, body: "<Category>All</Category>"})
	if err != nil {
		return parts{}, err
	}
	address := func(path ...string) string {
		return l.home(n.get("Capabilities").str(append(path, "XAddr")...), "http", "https")
	}
	return parts{address("Media"), address("Events"), address("Extension", "Recording"), address("Extension", "Search")}, nil
}
