package wire

// Protection is what stands between the stored bytes and whoever has the disk. "protection.<value>"
// is its text.
type Protection string

// The levels of protection, strongest first.
const (
	ProtectionManual   Protection = "manual"    // nothing but a person opens the store
	ProtectionTPM      Protection = "tpm"       // this machine's security chip does
	ProtectionMedium   Protection = "medium"    // a key on another disk does
	ProtectionSameDisk Protection = "same-disk" // a key on the same disk does: whoever has the card has both
)

// PasswordRequest changes the password. Password is the present one, or the recovery code.
type PasswordRequest struct {
	Password string `json:"password" maxLength:"1024"`
	New      string `json:"new" maxLength:"1024"`
}

// RecoveryCode is shown once. Sent back, it says that somebody has it.
type RecoveryCode struct {
	RecoveryCode string `json:"recovery_code" maxLength:"128"`
}

// How a hub starts.
const (
	BootItself  = "itself"   // with the best key that the machine can keep
	BootLocked  = "locked"   // it waits for the password
	BootKeyFile = "key-file" // with the key in a file, on a disk that is kept apart
)

// BootRequest says how the hub starts after a power cut. Path is absolute, on the hub's machine.
type BootRequest struct {
	Password string `json:"password" maxLength:"1024"`
	How      string `json:"how" enum:"itself,locked,key-file"`
	Path     string `json:"path,omitempty" maxLength:"1024"`
}

// BootAnswer is what the choice protects.
type BootAnswer struct {
	Protection Protection `json:"protection" enum:"manual,tpm,medium,same-disk"`
}

// Language is that of the home, in which the hub says what it says by itself.
type Language struct {
	Language string `json:"language" maxLength:"32" doc:"de, en, es, fr, it, nl, pl, pt_BR"`
}

// PasswordCheck is a password that somebody thinks of; it is judged and forgotten.
type PasswordCheck struct {
	Password string `json:"password" maxLength:"1024"`
}

// Verdict is what the hub thinks of it. Percent is how much of what it takes is there: from 100 on it will
// do, and Code, the code of the refusal otherwise, is empty.
type Verdict struct {
	Percent int               `json:"percent"`
	Code    string            `json:"code,omitempty"`
	Args    map[string]string `json:"args,omitempty"`
}

// Passphrase is an offer that nobody else was made. Bits is how hard it is to guess for somebody who
// knows how it was made.
type Passphrase struct {
	Passphrase string  `json:"passphrase"`
	Bits       float64 `json:"bits"`
}
