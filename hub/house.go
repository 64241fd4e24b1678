package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/all"
	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/alarm"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/backups"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/cameras"
	"github.com/ingle-home/ingle/hub/clips"
	"github.com/ingle-home/ingle/hub/export"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/keeper"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/hub/label/desk"
	"github.com/ingle-home/ingle/hub/live"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/hub/safety"
	"github.com/ingle-home/ingle/hub/tongue"
	"github.com/ingle-home/ingle/hub/upkeep"
	"github.com/ingle-home/ingle/hub/zone"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// closeTime is how long a hub takes at most to bring every motor to rest before it goes.
const closeTime = 5 * time.Second

// switches is what the household's switches were set to; it outlives a restart.
type switches struct {
	Privacy bool                        `json:"privacy"`
	StopAll bool                        `json:"stop_all"`
	Cameras map[string]cameras.Settings `json:"cameras,omitempty"` // by accessory
}

// house is an open hub: everything that works only once the store is open.
type house struct {
	*daemon
	store    *records.Store
	unsound  error // why the store is only read; nil as a rule
	home     *home.Home
	bus      *bus.Bus
	health   *health.List
	readings archive.Readings
	switches archive.Document[switches]
	presence archive.Document[map[string]time.Time]
	alarms   archive.Document[map[string]time.Time]
	recovery archive.Document[keys.Recovery]
	shelf    *backups.Shelf
	upkeep   *upkeep.Upkeep // nil where the store is only read
	desk     *export.Desk
	clips    *clips.Desk
	labels   *desk.Desk
	studio   *live.Studio
	restored backup.Restored // how the store came out of a backup, if it did
	lan      *keeper.LAN
	guard    *safety.Guard
	latch    *alarm.Latch
	bridges  *bridges
	drivers  map[string]device.Driver

	secrecy secrecy

	switching sync.Mutex // one change of the switches at a time
	veiling   sync.Mutex // one order to the Privacy switch at a time
	deciding  sync.Mutex // one change of a camera's settings at a time
	showing   sync.Mutex // held while things get their keepers, and while HomeKit is shown both

	telling sync.Mutex
	told    map[string]bool // the derived accessories that the apps know of

	mu      sync.Mutex
	kept    map[string]*kept // by accessory
	privacy bool
	sights  map[string]cameras.Settings // what was decided about cameras, by accessory
	cried   map[string]time.Time        // when people heard of an alarm that is not stored

	living context.Context    // ends with the house
	end    context.CancelFunc // ends living
	tasks  sync.WaitGroup
}

// openHouse starts everything; on an error nothing is left running, and the vault is the caller's.
func openHouse(d *daemon, v *vault.Vault) (*house, error) {
	ctx, end := context.WithCancel(context.Background())
	h := &house{daemon: d, living: ctx, end: end, kept: map[string]*kept{}, cried: map[string]time.Time{}, drivers: map[string]device.Driver{}, bus: bus.New(), lan: keeper.NewLAN(d.settings.doors())}
	for _, driver := range all.Drivers() {
		h.drivers[driver.About().ID] = driver
	}
	if err := h.openStore(v); err != nil {
		end()
		return nil, fmt.Errorf("open: %w", err)
	}
	if err := h.start(ctx, v); err != nil {
		return nil, errors.Join(err, h.unsound, h.close()) // a damaged store is why
	}
	return h, nil
}

// doors are the ports that devices may call.
func (s settings) doors() map[string]string {
	if s.watchPort < 0 {
		return nil
	}
	return map[string]string{"watch": net.JoinHostPort(s.listenHost(), strconv.Itoa(s.watchPort))}
}

func (s settings) listenHost() string {
	if s.loopback {
		return "127.0.0.1"
	}
	return ""
}

func (h *house) start(ctx context.Context, v *vault.Vault) error {
	h.readings = archive.Readings{Store: h.store}
	h.switches = archive.Document[switches]{Store: h.store, Name: "switches"}
	h.presence = archive.Document[map[string]time.Time]{Store: h.store, Name: "presence"}
	h.alarms = archive.Document[map[string]time.Time]{Store: h.store, Name: "alarms"}
	h.recovery = archive.Document[keys.Recovery]{Store: h.store, Name: "recovery"}
	set, err := recall(ctx, h, h.switches, switches{Privacy: true, StopAll: true})
	if err != nil {
		return err
	}
	if err := h.openTongue(ctx); err != nil {
		return err
	}
	inside, err := h.inZones(ctx)
	if err != nil {
		return err
	}
	held, err := recall(ctx, h, h.alarms, nil)
	if err != nil {
		return err
	}
	if h.home, err = home.Open(ctx, archive.Home{Store: h.store}); err != nil {
		return err
	}
	h.desk = export.New(export.Options{Dir: h.settings.dir, ID: v.ID(), Home: h.home.Contents, Readings: h.readings, Presence: h.inZones,
		Clips: func() record.Clips { return h.clips.Recordings() }})
	h.health = health.New(time.Now, map[string]health.Severity{
		codeFull: health.Alarm, codeDisk: health.Alarm, codeNoWrite: health.Alarm, codeDamaged: health.Alarm, codeFlawed: health.Alarm,
		safety.CodeNotStopped: health.Alarm, "accessory-unreachable": health.Notice,
	})
	if err := h.tellRecovery(ctx); err != nil {
		return err
	}
	h.openClips(ctx)
	h.openRecords(ctx)
	if err := h.openLabels(); err != nil {
		return err
	}
	h.privacy, h.sights = set.Privacy, map[string]cameras.Settings{}
	maps.Copy(h.sights, set.Cameras)
	h.bus.Publish(bus.Change{Accessory: home.PrivacySwitch, Reading: trait.Privacy.Of(set.Privacy, time.Now())})
	h.guard = safety.New(safety.Options{Actuator: h, Bus: h.bus, Faults: h.health, Held: set.StopAll})
	h.latch = alarm.New(h.home, h.bus, held, func(all map[string]time.Time) { h.stored(h.alarms.Save(ctx, all)) })
	h.runAll(ctx, map[string]func(context.Context) error{
		"zone": zone.New(h.home, h.bus, inside).Run, "alarm": h.latch.Run, "safety": h.guard.Run,
		"feed": h.feedChanges, "troubles": h.feedTroubles, "traffic": h.feedTraffic,
	})
	if err := h.openShelf(ctx, v); err != nil {
		return err
	}
	if err := h.openPrivacy(ctx, v); err != nil {
		return err
	}
	if h.unsound != nil {
		h.tellUnsound()
	} else if err := h.care(ctx, inside); err != nil {
		return err
	}
	return h.settle(ctx)
}

// openTongue has the home speak the language that was chosen.
func (h *house) openTongue(ctx context.Context) error {
	paper := archive.Document[tongue.State]{Store: h.store, Name: "language"}
	kept, err := recall(ctx, h, paper, tongue.State{})
	if err != nil {
		return err
	}
	h.Tongue.Open(paper, kept)
	return nil
}

// care starts what writes to the store by itself.
func (h *house) care(ctx context.Context, inside map[string]time.Time) (err error) {
	h.upkeep, err = upkeep.New(ctx, upkeep.Options{
		Store: swept{tended{h.store, h.settings.dir}, h}, Faults: h.health, Log: h.log, Checked: h.checked,
		Memory: upkept{archive.Document[upkeep.Notes]{Store: h.store, Name: "upkeep"}},
	})
	if err != nil {
		return err
	}
	h.run(ctx, "presence", func(ctx context.Context) error { return h.keepPresence(ctx, inside) })
	h.run(ctx, "upkeep", h.upkeep.Run)
	h.run(ctx, "disk", h.watchDisk)
	h.run(ctx, "renewal", h.renew)
	h.run(ctx, "clips", h.clips.Run)
	h.run(ctx, "labels", h.labels.Run)
	h.run(ctx, "backups", h.shelf.Run)
	h.run(ctx, "forgetting", h.forgets)
	return nil
}

// settle shows the things to HomeKit and then opens them: one that is reached at once must find
// somebody who shows it.
func (h *house) settle(ctx context.Context) error {
	var things []*kept
	for _, a := range h.home.Contents().Accessories {
		k, err := h.prepare(ctx, a)
		if err != nil {
			return err
		}
		if k != nil {
			things = append(things, k)
		}
	}
	var err error
	if h.bridges, err = openBridges(ctx, h); err != nil && h.unsound == nil {
		return err
	} else if err != nil { // all else is worth having without HomeKit
		h.log.Error("HomeKit stays away", "err", err)
		h.health.Raise(codeNoHomeKit, "", nil)
	}
	for _, k := range things {
		k.begin(ctx)
	}
	return nil
}

func (h *house) runAll(ctx context.Context, tasks map[string]func(context.Context) error) {
	for name, task := range tasks {
		h.run(ctx, name, task)
	}
}

// run starts a task that close waits for. A task ends with its context or with the bus.
func (h *house) run(ctx context.Context, name string, task func(context.Context) error) {
	h.tasks.Go(func() {
		err := task(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, bus.ErrClosed) {
			h.log.Error("a part of the hub stopped", "part", name, "err", err)
		}
	})
}

// feedTraffic tells the apps within a minute that something left the home, or that a new day is counted.
func (h *house) feedTraffic(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for last := h.lan.Traffic(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := h.lan.Traffic()
		if now.Since != last.Since || now.Outside != last.Outside || now.Refused != last.Refused {
			status := h.Status(ctx)
			h.feed.Publish(wire.Change{Status: &status})
		}
		last = now
	}
}

// close brings the motors to rest while their links still work, then ends the links, the controllers'
// sessions and the store, in this order.
func (h *house) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	var err error
	if h.guard != nil {
		err = h.guard.Close(ctx)
	}
	h.end()
	if h.studio != nil {
		h.studio.Close()
	}
	if h.clips != nil { // while the cameras are there, so that the last clip has its picture
		err = errors.Join(err, h.clips.Close())
	}
	h.mu.Lock()
	things := slices.Collect(maps.Values(h.kept))
	h.mu.Unlock()
	for _, k := range things { // a keeper that ends may still have something to tell the house
		k.stop()
	}
	if h.bridges != nil {
		err = errors.Join(err, h.bridges.close())
	}
	h.bus.Close()
	h.tasks.Wait()
	return errors.Join(err, h.closeRecords(), h.store.Close())
}

// keepPresence remembers who was where, so that a restart does not send everybody away.
func (h *house) keepPresence(ctx context.Context, inside map[string]time.Time) error {
	sub := h.bus.Subscribe("presence", trait.Household)
	defer sub.Close()
	now := map[string]time.Time{}
	for id, since := range inside {
		now[id] = since
	}
	for {
		c, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		in, ok := trait.Occupied.In(c.Reading)
		if _, was := now[c.Accessory]; !ok || in == was {
			continue
		}
		delete(now, c.Accessory)
		if in {
			now[c.Accessory] = c.Reading.At
		}
		maps.DeleteFunc(now, func(id string, _ time.Time) bool { return !h.lives(id) })
		if err := h.presence.Save(ctx, now); err != nil {
			h.stored(err)
		}
	}
}

// lives says whether the person and the zone of a presence are still of this home.
func (h *house) lives(presence string) bool {
	person, in, _ := strings.Cut(presence, "@")
	has := h.home.Contents()
	_, err := has.Person(person)
	return err == nil && slices.ContainsFunc(has.Zones, func(z home.Zone) bool { return z.ID == in })
}

// inZones is who was in which zone when it was last kept.
func (h *house) inZones(ctx context.Context) (map[string]time.Time, error) {
	return recall(ctx, h, h.presence, nil)
}

// feedChanges passes what the bus carries to the owner's apps.
func (h *house) feedChanges(ctx context.Context) error {
	sub := h.bus.Subscribe("api", trait.Personal)
	defer sub.Close()
	for {
		c, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		h.feed.Publish(wire.Change{Value: &wire.Reported{Accessory: c.Accessory, Value: wire.ValueOf(c.Reading)}})
	}
}

func (h *house) feedTroubles(ctx context.Context) error {
	for {
		changed := h.health.Changed()
		troubles := troublesOf(h.health)
		h.feed.Publish(wire.Change{Troubles: &troubles})
		h.stand.Troubles(h.health.All())
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}
