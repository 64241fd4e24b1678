package wire

import "time"

// Token lets a script in without a key of its own. What a token is itself is told once, in NewToken.
type Token struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Role  string    `json:"role" enum:"guardian,member,guest"` // what only owners may, no script may
	Added time.Time `json:"added"`
	Until time.Time `json:"until"`
	Seen  time.Time `json:"seen,omitzero"` // about when it was last used
}

// TokenRequest asks for a token.
type TokenRequest struct {
	Name string `json:"name" minLength:"1" maxLength:"64"`
	Role string `json:"role" enum:"guardian,member,guest"`
	Days int    `json:"days,omitempty" minimum:"0" maximum:"3650" doc:"how long it is good; 0 is a year"`
}

// NewToken is a token that was made. Secret is shown once: the hub keeps only its hash.
type NewToken struct {
	Token
	Secret string `json:"secret" doc:"for the header Authorization: Bearer"`
	API    string `json:"api" doc:"URL at which the script finds the hub"`
	Pin    string `json:"pin" doc:"the hub's public key as curl's --pinnedpubkey takes it"`
}
