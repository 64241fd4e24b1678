package wire

import "time"

// The states of a line of a label. A line that is not known is never counted as good.
const (
	LabelOK      = "ok"
	LabelFix     = "fix"
	LabelUnknown = "unknown"
	LabelNone    = "not-applicable"
)

// HubLabel stands for the hub itself where a label is asked for.
const HubLabel = "hub"

// Label says how safe a thing is, line by line, and how each line is known. No mark stands for the whole.
type Label struct {
	Device   string      `json:"device"` // ID of the accessory, or HubLabel
	Name     string      `json:"name"`
	Kind     string      `json:"kind"`
	Maker    string      `json:"maker,omitempty"`
	Model    string      `json:"model,omitempty"`
	Firmware string      `json:"firmware,omitempty"`
	Made     time.Time   `json:"made"`
	OK       int         `json:"ok"` // lines in this state
	Fix      int         `json:"fix"`
	Unknown  int         `json:"unknown"`
	Lines    []LabelLine `json:"lines"`
	Senses   []string    `json:"senses"` // i18n "label.sense.<one>"; for the hub none
	Holds    []string    `json:"holds"`  // i18n keys of the personal data that lie on it

	// The look at its doors. Consent is when the household agreed to it; without, nobody looks.
	Doors   bool         `json:"doors"` // there are some that could be looked at
	Consent *time.Time   `json:"consent,omitempty"`
	Checked *time.Time   `json:"checked,omitempty"` // the last look
	Next    *time.Time   `json:"next,omitempty"`    // not before
	Offline *time.Time   `json:"offline,omitempty"` // a test without the internet runs since
	History []LabelState `json:"history,omitempty"` // what changed, the newest first
}

// LabelLine is one line. Its title is the i18n text "label.line.<line>".
type LabelLine struct {
	Line   string            `json:"line"`
	State  string            `json:"state" enum:"ok,fix,unknown,not-applicable"`
	Text   string            `json:"text"` // i18n key of what was found
	Args   map[string]string `json:"args,omitempty"`
	Step   string            `json:"step,omitempty"`   // i18n key of what to do
	Method string            `json:"method,omitempty"` // measured, said, listed, inferred: i18n "label.method.<one>"
	At     *time.Time        `json:"at,omitempty"`     // when it was found
	Until  *time.Time        `json:"until,omitempty"`  // from then on it is unknown again
	Source string            `json:"source,omitempty"` // where the signed list has it from
	Raw    []string          `json:"raw,omitempty"`    // what was seen, for experts
}

// LabelState is a line that changed.
type LabelState struct {
	At    time.Time `json:"at"`
	Line  string    `json:"line"`
	State string    `json:"state"`
	Text  string    `json:"text"`
}

// LabelCheck asks for a look at a thing's doors. Consent is the household's yes, needed once; it is
// remembered with its date. Withdraw takes it back, and nobody looks.
type LabelCheck struct {
	Consent  bool `json:"consent,omitempty"`
	Withdraw bool `json:"withdraw,omitempty"`
}

// LabelOffline is the test without the internet: Start, take the house off the internet for two minutes or
// more, and Finish.
type LabelOffline struct {
	Step string `json:"step" enum:"start,finish,cancel"`
}
