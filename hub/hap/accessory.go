package hap

import (
	"context"
	"fmt"
	"math"
	"sync"
)

// Accessory is one thing in the home as HAP sees it. Its AID and all IIDs are
// chosen by the caller, who must keep them for ever: rooms, scenes and
// automations of the household hang on them.
type Accessory struct {
	AID      uint64 // 1 is the bridge itself, or the only accessory of a server
	Services []*Service
}

// Service is a group of characteristics, such as a lightbulb.
type Service struct {
	IID             uint64
	Type            string // Apple's short form ("3E"), or a full UUID
	Primary, Hidden bool
	Linked          []*Service // services of the same accessory
	Characteristics []*Characteristic
}

// Characteristic finds the first characteristic of a type ("25" is On), or nil.
func (s *Service) Characteristic(typ string) *Characteristic {
	for _, c := range s.Characteristics {
		if c.Type == typ {
			return c
		}
	}
	return nil
}

// Service finds the first service of a type ("3E" is AccessoryInformation), or nil.
func (a *Accessory) Service(typ string) *Service {
	for _, s := range a.Services {
		if s.Type == typ {
			return s
		}
	}
	return nil
}

// Format is the type of a characteristic's value.
type Format uint8

// The formats of HAP; FormatBytes is spelled "data" on the wire.
const (
	FormatBool Format = iota + 1
	FormatUint8
	FormatUint16
	FormatUint32
	FormatUint64
	FormatInt
	FormatFloat
	FormatString
	FormatTLV8
	FormatBytes
)

// String is the protocol's spelling.
func (f Format) String() string {
	if names := [...]string{"", "bool", "uint8", "uint16", "uint32", "uint64", "int", "float", "string", "tlv8", "data"}; int(f) < len(names) {
		return names[f]
	}
	return ""
}

func (f Format) bounds() (low, high Value) {
	switch f {
	case FormatUint8:
		return Int(0), Int(math.MaxUint8)
	case FormatUint16:
		return Int(0), Int(math.MaxUint16)
	case FormatUint32:
		return Int(0), Int(math.MaxUint32)
	case FormatUint64:
		return Int(0), Uint(math.MaxUint64)
	}
	return Int(math.MinInt32), Int(math.MaxInt32)
}

// Perms says what controllers may do with a characteristic.
type Perms uint8

// The permissions of HAP in the protocol's order, with its spelling.
const (
	PermRead          Perms = 1 << iota // pr
	PermWrite                           // pw
	PermEvents                          // ev
	PermAuth                            // aa: writes carry authData
	PermTimed                           // tw: writes only after PUT /prepare
	PermHidden                          // hd
	PermWriteResponse                   // wr
)

// Characteristic is one value of a service and what may be done with it. All
// exported fields are set before it is published and not touched afterwards;
// the methods are safe for concurrent use. It must not be copied.
type Characteristic struct {
	IID            uint64
	Type           string // Apple's short form ("25"), or a full UUID
	Format         Format
	Perms          Perms
	Unit           string // "percentage", "celsius", "lux", "seconds", "arcdegrees", … or ""
	Description    string
	Min, Max, Step Value // numbers; null where there is no limit
	MaxLen         int   // strings, in characters, up to 256; 0 means 64
	MaxBytes       int   // tlv8 and data, in bytes, up to 2 MiB; 0 means that
	ValidValues    []int64
	ValidRange     []int64 // nil, or lowest and highest

	// AdminOnly refuses writes of controllers that are not admins (-70401).
	AdminOnly bool

	// OnWrite carries a checked value to the device; nil keeps it in the cache
	// only. The context ends after Limits.DeviceWrite, or when the session
	// does. A Status in the error goes to the controller, a deadline becomes
	// StatusTimeout, anything else StatusUnreachable. After success the cache
	// holds the written value, unless the device called Set meanwhile: then the
	// device knows better. The returned Value is the write response where the
	// controller asks for one ("wr"); null means none, and one that does not fit
	// becomes StatusUnreachable. Calls may overlap. While many have not come back
	// in time, there are no more: controllers hear StatusTimeout at once.
	OnWrite func(ctx context.Context, p *Peer, v Value) (Value, error)

	// OnRead answers a read of this one characteristic instead of the cache: for
	// values that differ per connection (SetupEndpoints), never for asking a
	// device what Set could have told. Bounded by Limits.DeviceRead; all of one
	// request run in parallel. GET /accessories never calls it. What OnWrite says
	// of values that do not fit and calls that do not come back holds here too.
	OnRead func(ctx context.Context, p *Peer) (Value, error)

	// Authorize checks authData where Perms has PermAuth (else -70411).
	Authorize func(authData []byte) bool

	mu       sync.Mutex
	value    Value
	status   Status
	version  uint64 // counts Set calls, so that a finished write knows whether the device spoke
	pending  []pendingWrite
	watchers []*subscription
	overdue  int  // calls that nobody waits for any more
	blamed   bool // for a value that does not fit, since the last one that did
}

// pendingWrite lets an echo of the device during OnWrite count as the writer's own.
type pendingWrite struct {
	by    *events
	value Value
}

// Set is the path from the device: it stores v as last known value, makes the
// characteristic reachable and tells the subscribers. It never blocks on a
// network. A value that does not fit format and limits, or a text about the
// accessory that controllers refuse, changes nothing: the error names the rule
// and is a StatusInvalidValue.
func (c *Characteristic) Set(v Value) error {
	fitted, err := c.fit(v)
	if err == nil {
		err = c.speaks(fitted)
	}
	if err != nil {
		return fmt.Errorf("hap: characteristic %s: %w", c.Type, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	var by *events
	for _, p := range c.pending {
		if p.value == fitted {
			by = p.by
			break
		}
	}
	c.store(fitted, by)
	return nil
}

// SetStatus marks the characteristic: StatusUnreachable while the device does
// not answer, StatusOK (or the next Set) ends it. Values stay as last known and
// nothing is announced: reachability is not an event in HAP. A status that HAP
// does not know counts as StatusUnreachable.
func (c *Characteristic) SetStatus(s Status) {
	if s != StatusOK {
		s = statusOf(s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = s
}

// Value is the last known value and the status of the characteristic.
func (c *Characteristic) Value() (Value, Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.value, c.status
}

// store runs under c.mu. Events go to all watchers but the one that caused it.
func (c *Characteristic) store(v Value, by *events) {
	c.status = StatusOK
	if c.press() {
		for _, w := range c.watchers {
			w.to.press(w, v)
		}
		return
	}
	if c.value == v {
		return
	}
	c.value = v
	for _, w := range c.watchers {
		if w.to != by {
			w.to.mark(w)
		}
	}
}

// press reports a type whose values are moments, not states: ProgrammableSwitchEvent
// and ButtonEvent. They read as null, and two equal ones are two.
func (c *Characteristic) press() bool { return c.Type == "73" || c.Type == "126" }

// immediate reports a type that must not wait for the event window: what people
// are warned of (leak, smoke, carbon monoxide, the alarm of a security system),
// what they see happen before them (lock, door), and what automations start at
// (motion, contact, occupancy).
func (c *Characteristic) immediate() bool {
	switch c.Type {
	case "70", "76", "69", "66", "1D", "E", "22", "6A", "71":
		return true
	}
	return false
}

// known is the last known value, or the least that fits: a controller drops
// accessories with missing values. Rules make sure that there is one.
func (c *Characteristic) known() Value {
	v, _ := c.Value()
	if v.Null() && !c.press() {
		return c.least()
	}
	return v
}

// least is nothing, or the number nearest to it that the limits allow.
func (c *Characteristic) least() Value {
	switch c.Format {
	case FormatBool:
		return Bool(false)
	case FormatString:
		return String("")
	case FormatTLV8, FormatBytes:
		return Bytes(nil)
	}
	for _, allowed := range [...][]int64{{0}, c.ValidValues, c.ValidRange} {
		for _, n := range allowed {
			if v, err := c.fit(Int(n)); err == nil {
				return v
			}
		}
	}
	for _, limit := range [...]Value{c.Min, c.Max} {
		if v, err := c.fit(limit); err == nil {
			return v
		}
	}
	return Int(0)
}

func (c *Characteristic) maxLen() int {
	if c.MaxLen == 0 {
		return 64
	}
	return c.MaxLen
}

func (c *Characteristic) maxBytes() int {
	if c.MaxBytes == 0 {
		return mostBytes
	}
	return c.MaxBytes
}
