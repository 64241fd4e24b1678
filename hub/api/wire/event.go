package wire

// Snapshot is the whole state of an open hub. It is the first event of every stream, and again
// whenever the stream cannot go on without a gap.
type Snapshot struct {
	Status      Status      `json:"status"`
	Accessories []Accessory `json:"accessories"`
	People      []Person    `json:"people"`
	Zones       []Zone      `json:"zones"`
	Troubles    []Trouble   `json:"troubles"`
}

// Change is one thing that became different. Exactly one of its parts is set. All parts are whole
// new values, never differences, so a change that is applied twice does no harm.
type Change struct {
	Value     *Reported  `json:"value,omitempty"`
	Condition *Standing  `json:"condition,omitempty"`
	Accessory *Accessory `json:"accessory,omitempty"` // new, or its name, room or traits changed
	Removed   string     `json:"removed,omitempty"`   // ID of an accessory that is gone
	Person    *Person    `json:"person,omitempty"`
	Zone      *Zone      `json:"zone,omitempty"`
	Status    *Status    `json:"status,omitempty"`
	Troubles  *[]Trouble `json:"troubles,omitempty"` // all that is wrong now
	Filmed    *Filmed    `json:"filmed,omitempty"`   // what was recorded is not what it was
}

// Reported is a value of an accessory. Settable and Steps of the value are not repeated here.
type Reported struct {
	Accessory string `json:"accessory"`
	Value
}

// Standing is the new condition of an accessory.
type Standing struct {
	Accessory string `json:"accessory"`
	Condition
}

// Filmed says that a recording came, changed or went: whoever shows recordings asks for them anew. The
// snapshot has none of them.
type Filmed struct {
	Camera string `json:"camera,omitempty" doc:"the accessory's ID; empty: any"`
}

// Event is what the stream carries: the snapshot or a change.
type Event struct {
	ID       int64
	Snapshot *Snapshot
	Change   *Change
}

// Apply brings a snapshot up to date with a change.
func (s *Snapshot) Apply(c Change) {
	switch {
	case c.Value != nil:
		if a := s.accessory(c.Value.Accessory); a != nil {
			a.Traits = report(a.Traits, c.Value.Value)
		}
	case c.Condition != nil:
		if a := s.accessory(c.Condition.Accessory); a != nil {
			a.Condition = c.Condition.Condition
		}
	case c.Accessory != nil:
		s.Accessories = put(s.Accessories, *c.Accessory, func(a Accessory) string { return a.ID })
	case c.Removed != "":
		kept := make([]Accessory, 0, len(s.Accessories))
		for _, a := range s.Accessories {
			if a.ID != c.Removed {
				kept = append(kept, a)
			}
		}
		s.Accessories = kept
	case c.Person != nil:
		s.People = put(s.People, *c.Person, func(p Person) string { return p.ID })
	case c.Zone != nil:
		s.Zones = put(s.Zones, *c.Zone, func(z Zone) string { return z.ID })
	case c.Status != nil:
		s.Status = *c.Status
	case c.Troubles != nil:
		s.Troubles = *c.Troubles
	}
}

// Clone gives a copy that Apply on the other does not touch.
func (s Snapshot) Clone() Snapshot {
	c := s
	c.Accessories = append([]Accessory{}, s.Accessories...)
	for i, a := range c.Accessories {
		c.Accessories[i].Traits = append([]Value{}, a.Traits...)
	}
	c.People = append([]Person{}, s.People...)
	c.Zones = append([]Zone{}, s.Zones...)
	c.Troubles = append([]Trouble{}, s.Troubles...)
	return c
}

func (s *Snapshot) accessory(id string) *Accessory {
	for i := range s.Accessories {
		if s.Accessories[i].ID == id {
			return &s.Accessories[i]
		}
	}
	return nil
}

// report keeps what the offer said and takes the rest from the report.
func report(have []Value, v Value) []Value {
	for i, old := range have {
		if old.Trait == v.Trait {
			v.Settable, v.Steps = old.Settable, old.Steps
			have[i] = v
			return have
		}
	}
	return append(have, v)
}

func put[T any](list []T, v T, id func(T) string) []T {
	for i := range list {
		if id(list[i]) == id(v) {
			list[i] = v
			return list
		}
	}
	return append(list, v)
}
