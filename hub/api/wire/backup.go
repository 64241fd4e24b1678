package wire

import "time"

// BackupRequest asks for a backup. Path is absolute, on the hub's machine: a new file, or a folder in
// which it gets a name.
type BackupRequest struct {
	Path  string `json:"path" maxLength:"1024"`
	Media bool   `json:"media,omitempty" doc:"with the recordings"`
}

// Backup is one that was made, read again and opened.
type Backup struct {
	Path       string    `json:"path"`
	Made       time.Time `json:"made"`
	Size       int64     `json:"size" doc:"bytes"`
	Recordings int       `json:"recordings"`
}

// How often a hub makes a backup.
const (
	BackupOff  = "off"
	BackupDay  = "day"
	BackupWeek = "week"
)

// BackupSchedule says where and how often the hub makes a backup by itself, and how many it keeps
// there. Folder is absolute, on the hub's machine, and must exist.
type BackupSchedule struct {
	Folder string `json:"folder,omitempty" maxLength:"1024"`
	Every  string `json:"every" enum:"off,day,week"`
	Keep   int    `json:"keep,omitempty" minimum:"0" maximum:"365" doc:"0 is 7"`
	Media  bool   `json:"media,omitempty" doc:"with the recordings"`
}

// BackupStatus is what there is to know about backups. Done and Of are bytes of the one that is being
// made, and 0 if none is.
type BackupStatus struct {
	Schedule BackupSchedule `json:"schedule"`
	Last     *Backup        `json:"last,omitempty" doc:"the newest that was made"`
	Done     int64          `json:"done,omitempty"`
	Of       int64          `json:"of,omitempty"`
}
