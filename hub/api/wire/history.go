package wire

import (
	"encoding/json"
	"time"
)

// MaxPoints is how many points a History has at most.
const MaxPoints = 2000

// History is what is kept of one trait of a thing between two times (UTC; From is in it, To is not), the
// oldest first.
type History struct {
	Accessory string    `json:"accessory"`
	Trait     string    `json:"trait"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Points    []Point   `json:"points"`
}

// Point is one reading, or the last of several that are joined. Low and High are the least and the greatest
// of joined numbers, in the unit of the trait.
type Point struct {
	At    time.Time       `json:"at"`
	Value json.RawMessage `json:"value"`
	Low   *float64        `json:"low,omitempty"`
	High  *float64        `json:"high,omitempty"`
	Count int             `json:"count" minimum:"1" doc:"how many readings it stands for"`
}

// Join makes a history of at most n points of one that has more: each point then stands for as long a time as
// every other.
func (h History) Join(n int) History {
	if len(h.Points) <= n || n < 1 {
		return h
	}
	joined := make([]Point, 0, n)
	step := max(1, (h.To.Sub(h.From)+time.Duration(n)-1)/time.Duration(n))
	in := time.Duration(-1)
	for _, p := range h.Points {
		slot := p.At.Sub(h.From) / step
		if slot != in || len(joined) == 0 {
			joined, in = append(joined, p), slot
			continue
		}
		last := &joined[len(joined)-1]
		*last = last.with(p)
	}
	h.Points = joined
	return h
}

func (p Point) with(next Point) Point {
	low, high := p.span()
	nextLow, nextHigh := next.span()
	next.Count += p.Count
	if low != nil && nextLow != nil {
		least, greatest := min(*low, *nextLow), max(*high, *nextHigh)
		next.Low, next.High = &least, &greatest
	}
	return next
}

// span is nil for what is no number.
func (p Point) span() (low, high *float64) {
	if p.Low != nil && p.High != nil {
		return p.Low, p.High
	}
	var n *float64
	if json.Unmarshal(p.Value, &n) != nil {
		return nil, nil
	}
	return n, n
}

// Viewing is one look that somebody had: who looked at what, and when. Names are as they are now.
type Viewing struct {
	ID      uint64     `json:"id"`
	Begin   time.Time  `json:"begin"`
	End     *time.Time `json:"end,omitempty"` // none: it goes on, or nobody knows
	Times   int        `json:"times"`
	Act     string     `json:"act" enum:"still,live,clip,clip-still,export,place,history"`
	Via     string     `json:"via,omitempty" doc:"app, homekit, console, page or token"`
	Who     string     `json:"who,omitempty"`
	App     string     `json:"app,omitempty"`    // ID of the app, the controller or the token
	Person  string     `json:"person,omitempty"` // ID of whose app it is
	Role    string     `json:"role,omitempty"`
	Thing   string     `json:"thing,omitempty"`
	Device  string     `json:"device,omitempty"` // ID
	Whose   string     `json:"whose,omitempty"`  // ID of the person whose thing it is
	Clip    string     `json:"clip,omitempty"`
	Unknown []string   `json:"unknown,omitempty"` // "who", "what": forgotten since
}

// LedgerQuery selects looks; what is left zero selects all. Device and Person are IDs or names.
type LedgerQuery struct {
	Since          time.Time
	Device, Person string
}

// ChainCheck says whether entries are as they were written. Those from First to Last are there; older ones
// had their time.
type ChainCheck struct {
	Whole     bool      `json:"whole"`
	Entries   int       `json:"entries"`
	First     uint64    `json:"first"`
	Last      uint64    `json:"last"`
	Since     time.Time `json:"since,omitzero"`
	Forgotten int       `json:"forgotten" doc:"parts of entries that were forgotten, as the entries say"`
	Flaws     []Flaw    `json:"flaws"`
}

// Flaw is an entry that is not as it was written.
type Flaw struct {
	Entry uint64 `json:"entry"`
	What  string `json:"what" enum:"changed,removed,moved,added,forked,rolled-back,head"`
}

// SecurityEvent is something that happened to the hub's security. IDs only, but for Name, which is as it is now.
type SecurityEvent struct {
	ID       uint64     `json:"id"`
	At       time.Time  `json:"at"`
	Last     *time.Time `json:"last,omitempty"` // of several
	Times    int        `json:"times"`
	Kind     string     `json:"kind"` // its text has the key security.kind.KIND
	Severity string     `json:"severity" enum:"notice,warning,alarm"`
	Subject  string     `json:"subject,omitempty"` // ID of a thing, an app or a HomeKit server
	Name     string     `json:"name,omitempty"`    // of the subject
	From     string     `json:"from,omitempty"`    // a network address, or an app
}

// SecurityAlert is what people should hear of, until somebody has seen to it.
type SecurityAlert struct {
	ID           string     `json:"id"`
	Rule         string     `json:"rule"` // its texts have the keys health.security-RULE and that with .do
	Severity     string     `json:"severity" enum:"notice,warning,alarm"`
	Subject      string     `json:"subject,omitempty"`
	Name         string     `json:"name,omitempty"`
	First        time.Time  `json:"first"`
	Last         time.Time  `json:"last"`
	Times        int        `json:"times"`
	Acknowledged *time.Time `json:"acknowledged,omitempty"`
}

// Security is what happened, the newest first.
type Security struct {
	Events []SecurityEvent `json:"events"`
	Alerts []SecurityAlert `json:"alerts"`
}
