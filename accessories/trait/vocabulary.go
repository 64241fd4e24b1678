package trait

// Place is where a person's watch is: degrees WGS84, and the radius in metres within which it lies
// with 68 % probability. Fixed is false for a position that the watch itself calls stale or guessed.
type Place struct {
	Lat      float64 `json:"lat"`
	Lon      float64 `json:"lon"`
	Accuracy float64 `json:"accuracy"`
	Fixed    bool    `json:"fixed"`
}

// What things report and can be told. Alarms and presses are events and carry true.
var (
	Reachable = declare[bool]("reachable", None, Household, State) // the hub has a live line to it
	Battery   = declare[int]("battery", Percent, Household, State) // 0–100
	Speed     = declare[int]("speed", Percent, Household, State)   // 0–100, 0 is at rest
	Find      = declare[bool]("find", None, Household, State)      // set true: it rings
	Motion    = declare[bool]("motion", None, Household, State)    // something moves before a camera
	Live      = declare[bool]("live", None, Household, State)      // a camera delivers pictures

	Doorbell = declare[bool]("doorbell", None, Household, Event)  // somebody rang
	SOS      = declare[bool]("sos", None, Household, Event)       // the wearer calls for help
	Fall     = declare[bool]("fall", None, Household, Event)      // the wearer fell
	TakenOff = declare[bool]("taken-off", None, Household, Event) // the watch left the wrist
	Alarm    = declare[bool]("alarm", None, Household, Event)     // an alarm that names no cause

	Where = declare[Place]("where", Degrees, Personal, State) // the wearer's position
	Steps = declare[int]("steps", Count, Personal, State)     // since the watch's midnight
	Heart = declare[int]("heart", Beats, Intimate, State)     // heart rate

	Occupied  = declare[bool]("occupied", None, Household, State)   // a person is in a zone
	Emergency = declare[bool]("emergency", None, Household, State)  // an alarm of a person, latched
	Active    = declare[bool]("active", None, Household, State)     // the household lets this camera see
	Privacy   = declare[bool]("privacy", None, Household, State)    // cameras and histories are off
	StopAll   = declare[bool]("stop-all", None, Household, State)   // every motor is held at rest
	QuietTime = declare[bool]("quiet-time", None, Household, State) // children's toys rest
)

// All is the table of every trait, in the order in which people should see them.
func All() []Any {
	return []Any{
		Reachable.Any(), Battery.Any(), Speed.Any(), Find.Any(), Motion.Any(), Live.Any(),
		Doorbell.Any(), SOS.Any(), Fall.Any(), TakenOff.Any(), Alarm.Any(),
		Where.Any(), Steps.Any(), Heart.Any(),
		Occupied.Any(), Emergency.Any(), Active.Any(), Privacy.Any(), StopAll.Any(), QuietTime.Any(),
	}
}

// Lookup finds a trait by its ID.
func Lookup(id string) (Any, bool) {
	for _, a := range All() {
		if a.ID() == id {
			return a, true
		}
	}
	return Any{}, false
}
