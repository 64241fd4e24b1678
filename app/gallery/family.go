package gallery

import (
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const homeLat, homeLon = 52.5200, 13.4050

// family is the home of Mia, Noor and Sam at a time.
func family(now time.Time) wire.Snapshot {
	return wire.Snapshot{
		Status: wire.Status{Ready: true, State: wire.Open, Version: "0.1.0", Language: "en", Protection: wire.ProtectionTPM, HomeKit: []wire.HomeKit{
			{ID: "bridge", Name: "Ingle", Kind: "bridge", Port: 51826, DeviceID: "AA:BB:CC:DD:EE:01", SetupCode: "482-61-937", SetupURI: "X-HM://0023ISYWYINGL"},
			{ID: "porch", Name: "Porch", Kind: "camera", Port: 51827, DeviceID: "AA:BB:CC:DD:EE:02", SetupCode: "703-18-254", SetupURI: "X-HM://0024MSQ0EINGL", Paired: true, Controllers: 2},
		}},
		Accessories: append(things(now), derived(now)...),
		People:      []wire.Person{{ID: "mia", Name: "Mia", Role: "member"}, {ID: "noor", Name: "Noor", Role: "guardian"}, {ID: "sam", Name: "Sam", Role: "owner"}},
		Zones:       []wire.Zone{{ID: "home", Name: "Home", Lat: homeLat, Lon: homeLon, Radius: 100}, {ID: "school", Name: "School", Lat: homeLat + 0.0042, Lon: homeLon + 0.0068, Radius: 120}},
		Troubles:    []wire.Trouble{},
	}
}

func things(now time.Time) []wire.Accessory {
	open := wire.Condition{State: "open"}
	at := now.Add(-4 * time.Minute)
	return []wire.Accessory{
		{ID: Porch, Name: "Porch", Driver: "onvif", Kind: "camera", Room: "Entrance", Alone: true, Condition: open, Camera: &wire.Camera{Motion: true, Sound: true},
			Traits: []wire.Value{wire.ValueOf(trait.Live.Of(true, at)), wire.ValueOf(trait.Motion.Of(true, at)),
				{Trait: trait.Doorbell.ID()}, settable(trait.Active.Of(true, at))}},
		{ID: Garden, Name: "Garden", Driver: "rtsp", Kind: "camera", Room: "Garden", Condition: open, Camera: &wire.Camera{},
			Traits: []wire.Value{wire.ValueOf(trait.Live.Of(true, at)), wire.ValueOf(trait.Motion.Of(false, at)), settable(trait.Active.Of(true, at))}},
		{ID: Watch, Name: "Mia's watch", Driver: "setracker", Kind: "watch", Person: "mia", Condition: open,
			Traits: []wire.Value{wire.ValueOf(trait.Reachable.Of(true, at)), wire.ValueOf(trait.Battery.Of(71, at)), settable(trait.Find.Of(false, at)),
				wire.ValueOf(trait.Where.Of(place(0.0042, 0.0068, 18), at)), wire.ValueOf(trait.Steps.Of(4210, at)), settable(trait.Emergency.Of(false, at)), {Trait: trait.SOS.ID()}}},
		{ID: Rocket, Name: "Rocket", Driver: "buttplug", Kind: "toy", Room: "Children", Condition: open,
			Traits: []wire.Value{wire.ValueOf(trait.Reachable.Of(true, at)), settable(trait.Speed.Of(35, at)), wire.ValueOf(trait.Battery.Of(88, at))}},
	}
}

func derived(now time.Time) []wire.Accessory {
	open := wire.Condition{State: "open"}
	return []wire.Accessory{
		{ID: "mia-home", Name: "Mia at Home", Kind: "presence", Person: "mia", Zone: "home", Condition: open, Traits: []wire.Value{wire.ValueOf(trait.Occupied.Of(false, now))}},
		{ID: "mia-school", Name: "Mia at School", Kind: "presence", Person: "mia", Zone: "school", Condition: open, Traits: []wire.Value{wire.ValueOf(trait.Occupied.Of(true, now))}},
		{ID: Privacy, Name: "Privacy", Kind: "switch", Condition: open, Traits: []wire.Value{settable(trait.Privacy.Of(false, now))}},
		{ID: StopAll, Name: "Stop everything", Kind: "switch", Condition: open, Traits: []wire.Value{settable(trait.StopAll.Of(false, now))}},
		{ID: "quiet", Name: "Quiet time", Kind: "switch", Condition: open, Traits: []wire.Value{settable(trait.QuietTime.Of(false, now))}},
	}
}

func place(north, east, accuracy float64) trait.Place {
	return trait.Place{Lat: homeLat + north, Lon: homeLon + east, Accuracy: accuracy, Fixed: true}
}

func settable(r trait.Reading) wire.Value {
	v := wire.ValueOf(r)
	v.Settable = true
	return v
}

// Day lets the morning pass in reports, the oldest first: a walk to school, a battery that drains.
// The last of them is what the home shows anyway.
func (h *House) Day(tell func()) {
	now := h.now()
	walk := [][2]float64{{0, 0}, {0.0004, 0.0002}, {0.0009, 0.0013}, {0.0016, 0.0021}, {0.0017, 0.0035}, {0.0029, 0.0041}, {0.0036, 0.0055}, {0.0041, 0.0066}, {0.0042, 0.0068}}
	for i, p := range walk {
		at := now.Add(time.Duration(i-len(walk))*9*time.Minute - time.Minute)
		h.Report(Watch, trait.Where.Of(place(p[0], p[1], 25), at))
		h.Report(Watch, trait.Battery.Of(84-i*3/2, at))
		h.Report(Watch, trait.Steps.Of(300+i*i*60, at))
		h.Report(Rocket, trait.Speed.Of([]int{0, 20, 60, 60, 0, 0, 45, 80, 35}[i], at))
		tell()
	}
	h.Report(Watch, trait.Where.Of(place(0.0042, 0.0068, 18), now))
	h.Report(Watch, trait.Battery.Of(71, now))
	h.Report(Watch, trait.Steps.Of(4210, now))
	h.Report(Rocket, trait.Speed.Of(35, now))
	tell()
}

// films are what the porch recorded.
func films(now time.Time) []wire.Clip {
	var list []wire.Clip
	for i, one := range []struct {
		ago    time.Duration
		why    string
		millis int64
		state  string
		kept   bool
	}{{4 * time.Minute, "motion", 21_000, "whole", false}, {72 * time.Minute, "doorbell", 34_000, "whole", true}, {3 * time.Hour, "motion", 12_000, "whole", false},
		{5 * time.Hour, "motion", 48_000, "cut", false}, {9 * time.Hour, "by-hand", 60_000, "whole", false}} {
		list = append(list, wire.Clip{ID: "clip-" + string(rune('a'+i)), Camera: Porch, Why: one.why, At: now.Add(-one.ago), Millis: one.millis,
			Size: one.millis * 180, Width: 1280, Height: 720, Sound: true, Still: true, Kept: one.kept, State: one.state})
	}
	return list
}
