package wire

import "time"

// The roles of people and of their apps, from the most to the least.
const (
	RoleOwner    = "owner"    // everything
	RoleGuardian = "guardian" // what a member may, and where people are
	RoleMember   = "member"   // sees and switches what is in the home
	RoleGuest    = "guest"    // sees what is in the home
)

// App is one that is paired with the hub.
type App struct {
	ID       string    `json:"id"` // the first 16 signs of its pin
	Name     string    `json:"name"`
	Platform string    `json:"platform,omitempty"`
	Role     string    `json:"role" enum:"owner,guardian,member,guest"`
	Person   string    `json:"person,omitempty"` // ID of whose it is
	Added    time.Time `json:"added"`
	Seen     time.Time `json:"seen,omitzero"`  // about when it last called
	This     bool      `json:"this,omitempty"` // the one that asks
}

// Invitation lets one more app in, by a code.
type Invitation struct {
	Role   string `json:"role,omitempty" enum:"owner,guardian,member,guest"` // none: that of the person, or member
	Person string `json:"person,omitempty" maxLength:"64"`                   // ID of whose it is
}

// ClaimCode is what the other app is told. It is shown and never kept.
type ClaimCode struct {
	Code  string    `json:"code"` // five signs, a hyphen, five signs
	Until time.Time `json:"until"`
	API   string    `json:"api"` // URL at which the app finds the hub
}

// PairRequest pairs an app on the hub's own machine, which needs no code.
type PairRequest struct {
	Name     string `json:"name" maxLength:"64"`
	Platform string `json:"platform,omitempty" maxLength:"32"`
	Pin      string `json:"pin" minLength:"64" maxLength:"64" doc:"SHA-256 of the app's public key (SPKI), in hexadecimal"`
}

// Paired is what such an app is told.
type Paired struct {
	App App    `json:"app"`
	Pin string `json:"pin"` // SHA-256 of the hub's public key (SPKI), in hexadecimal
	API string `json:"api"` // URL of the network listener
}

// AppName is the new name of an app.
type AppName struct {
	Name string `json:"name" minLength:"1" maxLength:"64"`
}

// Page is the plain page for browsers. It is off until the owner switches it on, and shut while the hub
// is locked.
type Page struct {
	On          bool      `json:"on"`
	Address     string    `json:"address,omitempty" doc:"URL at which others in the home find it; only while it is on"`
	Words       string    `json:"words,omitempty" doc:"the key of its certificate as seven words; they stay when it is renewed"`
	Fingerprint string    `json:"fingerprint,omitempty" doc:"SHA-256 of the certificate, as browsers show it"`
	Until       time.Time `json:"until,omitzero" doc:"when the certificate ends; it is renewed two months before"`
}
