package wire

import "time"

// Still is a picture of a camera and when it was taken. Over HTTP the time is the header Last-Modified,
// and Age says how many seconds ago that was: what is older than ten is not what is to be seen now.
type Still struct {
	JPEG []byte
	At   time.Time
}

// Look is how somebody looks at pictures that move: they fit into Width by Height pixels, and there are
// about Rate a second. The hub brings what makes no sense into bounds.
type Look struct{ Width, Height, Rate int }

// Camera is what the household decided about a camera, beside whether it is on: that is the trait
// "active".
type Camera struct {
	Sound  bool `json:"sound"`  // it may be heard
	Motion bool `json:"motion"` // the hub looks for motion in its pictures, if it does not tell motion itself
}

// CameraRequest changes what is given of that.
type CameraRequest struct {
	Sound  *bool `json:"sound,omitempty"`
	Motion *bool `json:"motion,omitempty"`
}

// ChangeRequest gives a thing another name, room, address or login; what is empty stays. Fields and Secret
// hold only the driver's answers that change. With nothing in it the thing is only tried again.
type ChangeRequest struct {
	Name    string            `json:"name,omitempty"`
	Room    string            `json:"room,omitempty"`
	Address string            `json:"address,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
	Secret  map[string]string `json:"secret,omitempty"`
}

// Found is a thing that was seen on the network.
type Found struct {
	Driver  string            `json:"driver"`
	Name    string            `json:"name"`
	Model   string            `json:"model,omitempty"`
	Address string            `json:"address"`
	Fields  map[string]string `json:"fields,omitempty"`
	Known   string            `json:"known,omitempty"` // ID of the accessory that it already is
	Ask     []Question        `json:"ask,omitempty"`   // what has to be answered to add it, the optional ones as well
}

// Question is one that a driver asks; its text is the i18n key "field.<driver>.<key>".
type Question struct {
	Key      string `json:"key"`
	Secret   bool   `json:"secret,omitempty"`
	Optional bool   `json:"optional,omitempty"`
}

// About is what people decided about a thing: all of an Accessory that does not change by itself.
type About struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Driver  string  `json:"driver,omitempty"`
	Kind    string  `json:"kind"`
	Room    string  `json:"room,omitempty"`
	Person  string  `json:"person,omitempty"`
	Zone    string  `json:"zone,omitempty"`
	Alone   bool    `json:"alone,omitempty"`
	Private bool    `json:"private,omitempty"`
	Camera  *Camera `json:"camera,omitempty"`
}

// AboutOf is what people decided about an accessory.
func AboutOf(a Accessory) About {
	return About{a.ID, a.Name, a.Driver, a.Kind, a.Room, a.Person, a.Zone, a.Alone, a.Private, a.Camera}
}
