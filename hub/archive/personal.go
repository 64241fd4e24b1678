package archive

import "github.com/ingle-home/ingle/storage/blobs"

// Personal lists the kinds of record that are about somebody: none of them can be stored without
// saying whose it is.
func Personal() []string {
	return append([]string{kindPerson, kindReading, kindAlarm, kindSecrets, kindLabel, "ledger-part", "security-part"}, blobs.Personal()...)
}

// Stay is how long a reading is kept; alarms stay until somebody deletes them.
const Stay = keep
