package archive

// Personal lists the kinds of record that are about somebody: none of them can be stored without
// saying whose it is.
func Personal() []string { return []string{kindPerson, kindReading, kindAlarm, kindSecrets} }
