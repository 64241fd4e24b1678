package wire

import "time"

// Holding is one kind of what a hub keeps about its people, counted by the hub. All of it lies on the hub
// itself, sealed.
type Holding struct {
	What   string     `json:"what" enum:"recordings,positions,heart,steps,alarms,readings,apps"`
	Count  int        `json:"count"`
	Size   int64      `json:"size,omitempty" doc:"bytes, of recordings"`
	Oldest *time.Time `json:"oldest,omitempty" doc:"UTC"`
	Days   int        `json:"days,omitempty" doc:"after which each goes by itself; 0: when somebody deletes it, or its own rule says so"`
}
