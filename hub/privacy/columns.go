package privacy

// Column is a column of a table of the store. What is in the columns that are not Personal says nothing
// of anybody by itself: random IDs, times and numbers.
type Column struct {
	Table, Name string
	Holds       string
	Personal    bool
}

// Columns lists every column that the store has.
func Columns() []Column {
	list := []Column{
		{"meta", "name", "what the store notes of itself; with forgetting/, the random ID of whose key is gone", false},
		{"meta", "value", "its value: numbers", false},
		{"subject_key", "subject", "a random ID", false},
		{"subject_key", "wrapped", "the subject's key, sealed", false},
		{"reading", "seq", "a running number", false},
	}
	for _, table := range []string{"record", "reading"} {
		list = append(list, []Column{
			{table, "kind", "a kind of record, see above", false},
			{table, "id", "a random ID, a trait, the name of a document", false},
			{table, "subject", "a random ID", false},
			{table, "at", "when", false},
			{table, "expires", "until when it is kept", false},
			{table, "body", "all the rest, sealed under the subject's key", true},
		}...)
	}
	return list
}

// LogKey is a key of the hub's log lines.
type LogKey struct{ Key, Holds string }

// LogKeys lists every key that log lines of hub, storage and drivers may have. None of them may hold a
// name, a position or a secret.
func LogKeys() []LogKey {
	return []LogKey{
		{"accessory", "a random ID"},
		{"address", "a network address of the home"},
		{"again_in", "a time to wait"},
		{"by", "a kind of caller"},
		{"broken", "whether a look at a device was broken off"},
		{"camera", "a random ID"},
		{"chain", "which of the hub's own records"},
		{"device", "the number of a HomeKit server"},
		{"err", "an error; it can carry a network address"},
		{"error", "an error; it can carry a network address"},
		{"interface", "a network interface of this machine"},
		{"method", "a method of HTTP"},
		{"number", "a number of HomeKit"},
		{"packets", "how many were sent"},
		{"panic", "where a part of the hub broke"},
		{"part", "a part of the hub"},
		{"remote", "a network address"},
		{"route", "a route of the API"},
		{"search", "a driver"},
		{"server", "a HomeKit server by its random ID"},
		{"stack", "where a part of the hub broke"},
		{"state", "the state of a line"},
		{"swap", "a disk of this machine"},
		{"topic", "a kind of event of a camera"},
		{"trait", "a trait"},
		{"type", "a HomeKit type"},
	}
}
