package wire

import "time"

// ExportRequest asks for a copy in the clear. Path is absolute, on the hub's machine: a new file, or a
// folder in which it gets a name. Person, an ID or a name, limits it to what is about one person.
// Language is that of the page inside which explains the rest.
type ExportRequest struct {
	Password string `json:"password" maxLength:"4096" doc:"again, or the recovery code: whoever has the file can read it"`
	Path     string `json:"path" maxLength:"1024"`
	Person   string `json:"person,omitempty" maxLength:"256"`
	Language string `json:"language,omitempty" maxLength:"32" doc:"en, de; English for any other"`
}

// Export is one that was made.
type Export struct {
	Path     string    `json:"path"`
	Made     time.Time `json:"made"`
	Size     int64     `json:"size" doc:"bytes"`
	Readings int       `json:"readings"`
	Clips    int       `json:"clips"`
}

// ExportStatus is how far the export is that is being made; Of is 0 if none is.
type ExportStatus struct {
	Done int64 `json:"done"`
	Of   int64 `json:"of"`
}

// Holding is one kind of what a hub keeps about its people, counted by the hub. All of it lies on the hub
// itself, sealed.
type Holding struct {
	What   string     `json:"what" enum:"recordings,positions,heart,steps,alarms,readings,apps"`
	Count  int        `json:"count"`
	Size   int64      `json:"size,omitempty" doc:"bytes, of recordings"`
	Oldest *time.Time `json:"oldest,omitempty" doc:"UTC"`
	Days   int        `json:"days,omitempty" doc:"after which each goes by itself; 0: when somebody deletes it, or its own rule says so"`
}
