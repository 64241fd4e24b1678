package wire

import "time"

// Page is the plain page for browsers. It is off until the owner switches it on, and shut while the hub
// is locked.
type Page struct {
	On          bool      `json:"on"`
	Address     string    `json:"address,omitempty" doc:"URL at which others in the home find it; only while it is on"`
	Words       string    `json:"words,omitempty" doc:"the key of its certificate as seven words; they stay when it is renewed"`
	Fingerprint string    `json:"fingerprint,omitempty" doc:"SHA-256 of the certificate, as browsers show it"`
	Until       time.Time `json:"until,omitzero" doc:"when the certificate ends; it is renewed two months before"`
}
