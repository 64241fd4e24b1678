package record

import (
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/home"
)

// What holds unless the household says otherwise. Free is what is left of the disk to others.
const (
	UsualDays  = 7
	UsualBytes = 10_000_000_000
	Free       = 2_000_000_000
)

// Rule is what the household wants of a camera. The zero Rule records nothing: recording is off until
// somebody switches it on.
type Rule struct {
	On     bool     `json:"on"`
	Sound  bool     `json:"sound,omitempty"`
	Days   int      `json:"days,omitempty"`   // 0 = UsualDays
	Bytes  int64    `json:"bytes,omitempty"`  // of one camera; 0 = UsualBytes
	People []string `json:"people,omitempty"` // who may see the clips, by ID; none: owners and guardians
}

// Settings are the rules by camera.
type Settings map[string]Rule

// Rule gives the rule of a camera, with what holds where it says nothing.
func (s Settings) Rule(camera string) Rule {
	r := s[camera]
	if r.Days == 0 {
		r.Days = UsualDays
	}
	if r.Bytes == 0 {
		r.Bytes = UsualBytes
	}
	return r
}

// Age is how long clips stay.
func (r Rule) Age() time.Duration { return time.Duration(r.Days) * 24 * time.Hour }

// MaySee says whether somebody may see a camera's clips.
func (r Rule) MaySee(p home.Person) bool {
	if len(r.People) > 0 {
		return slices.Contains(r.People, p.ID)
	}
	return p.Role == home.Owner || p.Role == home.Guardian
}
