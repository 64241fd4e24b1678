package wire

import "time"

// ExportRequest asks for a copy in the clear. Path is absolute, on the hub's machine: a new file, or a
// folder in which it gets a name. Person, an ID or a name, limits it to what is about one person.
// Language is that of the page inside which explains the rest.
type ExportRequest struct {
	Password string `json:"password" maxLength:"4096" doc:"again, or the recovery code: whoever has the file can read it"`
	Path     string `json:"path" maxLength:"1024"`
	Person   string `json:"person,omitempty" maxLength:"256"`
	Language string `json:"language,omitempty" maxLength:"32" doc:"as the home's language; without it, that"`
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

// ForgetWord is what somebody types, in every language, before everything is forgotten.
const ForgetWord = "forget everything"

// The codes of forgetting.
const (
	CodeScope      = "privacy.scope"      // 422: nothing was said, or too much
	CodeForgetWord = "privacy.word"       // 422: the word was not typed
	CodeUnfinished = "privacy.unfinished" // 503: it is journalled, and completes by itself
)

// PrivacyScope is what is asked about: everything, or all that fits what is set. Person and Device are
// IDs or names.
type PrivacyScope struct {
	Everything bool       `json:"everything,omitempty"`
	Person     string     `json:"person,omitempty" maxLength:"64"`
	Device     string     `json:"device,omitempty" maxLength:"64"`
	Category   string     `json:"category,omitempty" maxLength:"64"`
	Since      *time.Time `json:"since,omitempty"`
	Until      *time.Time `json:"until,omitempty"`
}

// Name is what the scope is called: "everything", "person", "device", "category", "range"; "" is none.
func (s PrivacyScope) Name() string {
	switch {
	case s.Everything:
		return "everything"
	case s.Person != "":
		return "person"
	case s.Device != "":
		return "device"
	case s.Category != "":
		return "category"
	case s.Since != nil || s.Until != nil:
		return "range"
	}
	return ""
}

// PrivacyItem is how much of one kind is kept of one person and one device.
type PrivacyItem struct {
	Kind     string     `json:"kind"`
	Category string     `json:"category"`
	Class    string     `json:"class"`
	Where    string     `json:"where" enum:"hub,memory,backup,app,device,apple,outside"`
	Person   string     `json:"person,omitempty"` // ID
	Device   string     `json:"device,omitempty"` // ID
	Room     string     `json:"room,omitempty"`
	Count    int        `json:"count"`
	Bytes    int64      `json:"bytes"`
	Oldest   *time.Time `json:"oldest,omitempty"`
	Until    *time.Time `json:"until,omitempty"` // when the last of it goes by itself
}

// PrivacyStep is what will become of what is in one place. Why is an i18n code.
type PrivacyStep struct {
	Holder string `json:"holder"`
	Expect string `json:"expect" enum:"gone,waiting,impossible"`
	Why    string `json:"why,omitempty"`
	Many   int    `json:"many,omitempty"`
	Count  int    `json:"count"`
	Bytes  int64  `json:"bytes"`
}

// PrivacyPlan is what a forgetting would do. Word is to be typed; "" where the password is enough.
type PrivacyPlan struct {
	Scope string        `json:"scope" enum:"everything,person,device,category,range"`
	Steps []PrivacyStep `json:"steps"`
	Word  string        `json:"word,omitempty"`
}

// ForgetRequest has something forgotten. Whoever sits at the hub may wipe it without the password.
type ForgetRequest struct {
	PrivacyScope
	Password string `json:"password" maxLength:"1024"`
	Word     string `json:"word,omitempty" maxLength:"64"`
}

// WipeRequest forgets everything without the password: only who sits at the hub may.
type WipeRequest struct {
	Word string `json:"word" maxLength:"64"`
}

// PrivacyReceipt is the proof of a forgetting. File is the signed text, to be kept as it is.
type PrivacyReceipt struct {
	ID    string    `json:"id"`
	Scope string    `json:"scope"`
	Made  time.Time `json:"made"`
	Done  bool      `json:"done"` // nothing waits any more
	File  string    `json:"file"`
}

// RetentionRule says how many days a category is kept, of one person or of all.
type RetentionRule struct {
	Category string `json:"category" enum:"location,health,alarms,recordings"`
	Person   string `json:"person,omitempty" maxLength:"64"`
	Days     int    `json:"days" minimum:"1" maximum:"3650"`
}

// Consent is what somebody agreed to, or took back, and which version of the text they were shown.
type Consent struct {
	Person  string     `json:"person" maxLength:"64"`
	What    string     `json:"what" maxLength:"64"`
	Version string     `json:"version" maxLength:"64"`
	Given   bool       `json:"given"`
	At      *time.Time `json:"at,omitempty"` // the hub's clock says it
}

// PausePerson has the recording of a person's places and readings rest, or go on; alarms are still stored.
type PausePerson struct {
	Person string     `json:"person" maxLength:"64"`
	Paused bool       `json:"paused"`
	Since  *time.Time `json:"since,omitempty"`
}

// Cleanup are the forgettings after which an app has to drop all that it shows while it cannot reach the
// hub.
type Cleanup struct {
	IDs []string `json:"ids" maxItems:"256"`
}
