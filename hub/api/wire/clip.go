package wire

import "time"

// Clip is one recording of a camera.
type Clip struct {
	ID     string    `json:"id"`
	Camera string    `json:"camera" doc:"the accessory's ID"`
	Why    string    `json:"why" enum:"motion,doorbell,by-hand,lost" doc:"lost: the note that said it did not survive"`
	At     time.Time `json:"at" doc:"of the first picture"`
	Millis int64     `json:"millis" doc:"how long it lasts; roughly, unless it is whole"`
	Size   int64     `json:"size" doc:"bytes of the film"`
	Width  int       `json:"width" doc:"pixels"`
	Height int       `json:"height" doc:"pixels"`
	Gaps   int       `json:"gaps" doc:"how often pictures are missing"`
	Sound  bool      `json:"sound"`
	Kept   bool      `json:"kept" doc:"it does not go by itself"`
	Still  bool      `json:"still" doc:"it has a picture of its own"`
	State  string    `json:"state" enum:"recording,whole,cut,damaged" doc:"cut: the hub stopped hard, and the end is missing"`
}

// Lasts is how long the clip is.
func (c Clip) Lasts() time.Duration { return time.Duration(c.Millis) * time.Millisecond }

// ClipRule is what the household wants recorded of a camera: nothing, until somebody says so.
type ClipRule struct {
	On     bool     `json:"on"`
	Sound  bool     `json:"sound" doc:"record sound too"`
	Days   int      `json:"days,omitempty" minimum:"0" maximum:"3650" doc:"how long clips stay; 0 is the usual time"`
	Bytes  int64    `json:"bytes,omitempty" minimum:"0" doc:"how much the clips of this camera may take; 0 is the usual size"`
	People []string `json:"people,omitempty" maxItems:"64" doc:"who may see them beside the owners, by ID or name; nobody named: guardians"`
}

// KeepRequest says whether a clip stays until somebody deletes it.
type KeepRequest struct {
	Kept bool `json:"kept"`
}

// ClipExportRequest asks for a clip as a plain MP4 file. Path is absolute, on the hub's machine: a new
// file, or a folder in which it gets a name.
type ClipExportRequest struct {
	Password string `json:"password" maxLength:"4096" doc:"again, or the recovery code: whoever has the file can see it"`
	Path     string `json:"path" maxLength:"1024"`
}

// ClipExport is a file that was made.
type ClipExport struct {
	Path string `json:"path"`
	Size int64  `json:"size" doc:"bytes"`
}
