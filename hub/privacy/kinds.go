package privacy

import "slices"

// Kind is one kind of personal data that a hub keeps, or knows of elsewhere. The texts are what
// docs/PRIVACY.md says.
type Kind struct {
	ID       string // also of its i18n text, "privacy.kind.ID"
	Category Category
	What     string
	Subject  string // whose it is: "person", "device", "household", "app"
	Purpose  string
	Class    string // "household", "personal", "intimate", "secret"
	Where    Place
	Lies     string // where exactly
	Kept     string // how long
	Seen     string // by whom
	Erased   string // how

	// By these the tests know what belongs to it.
	Records   []string // kinds of record
	Traits    []string // IDs of traits, of readings
	Documents []string // names of documents, as path.Match has them
	Files     []string // files and folders below the hub's, likewise
}

// Category is what a household may forget at once.
type Category string

// The categories.
const (
	Identity   Category = "identity"   // who lives here, and what their things are called
	Location   Category = "location"   // where somebody was
	Health     Category = "health"     // what a body did
	Alarms     Category = "alarms"     // calls for help
	Recordings Category = "recordings" // what cameras saw and heard
	Access     Category = "access"     // who may look at the home, and with what
	Secrets    Category = "secrets"    // what opens things
	Technical  Category = "technical"  // what the hub needs to work
)

// Place is where data are.
type Place string

// The places.
const (
	InHub    Place = "hub"
	InMemory Place = "memory"
	InBackup Place = "backup"
	InApp    Place = "app"
	OnDevice Place = "device"
	AtApple  Place = "apple"
	Outside  Place = "outside" // files that somebody asked for
)

const (
	core      = "sealed, `core-*.db`"
	telemetry = "sealed, `telemetry-*.db`"
	folder    = "in the clear, in the hub's folder"

	everyApp  = "all of the household, as far as their role lets them"
	guardians = "guardians and owners"
	owners    = "owners"
	nobody    = "nobody"

	withPerson = "with the person: the key is destroyed, then the rows"
	withDevice = "with the device: its key is destroyed, then the rows"
	rewritten  = "taken out of its document, which is written anew"
	withAll    = "with everything"
)

// Kinds lists all kinds of personal data.
func Kinds() []Kind {
	return append(append(lived(), seen()...), worked()...)
}

// lived is who lives here and what became of them.
func lived() []Kind {
	return []Kind{
		{ID: "person", Category: Identity, What: "a person's name and role", Subject: "person", Purpose: "to say whose things are, and who may see what", Class: "household",
			Where: InHub, Lies: core + ", under the person's key", Kept: "until forgotten", Seen: everyApp + "; Apple Home in the names of derived things", Erased: withPerson, Records: []string{"person"}},
		{ID: "zone", Category: Identity, What: "a zone: its name and place", Subject: "household", Purpose: "to say at home or at school instead of a position", Class: "personal",
			Where: InHub, Lies: core, Kept: "until forgotten", Seen: "its name " + everyApp + ", its place " + guardians, Erased: "with a person whom its name names, or with everything", Records: []string{"zone"}},
		{ID: "accessory", Category: Identity, What: "a thing: name, room, address, whose it is", Subject: "device", Purpose: "to reach it and to show it", Class: "household",
			Where: InHub, Lies: core + ", under the thing's key", Kept: "until removed", Seen: everyApp + "; Apple Home gets the name", Erased: withDevice, Records: []string{"accessory"}},
		{ID: "secrets", Category: Secrets, What: "passwords of a thing", Subject: "device", Purpose: "to log in to it", Class: "secret",
			Where: InHub, Lies: core + ", under the thing's key", Kept: "until removed", Seen: nobody, Erased: withDevice, Records: []string{"secrets"}},
		{ID: "location", Category: Location, What: "where a person was", Subject: "person", Purpose: "to know that a child has arrived", Class: "personal",
			Where: InHub, Lies: telemetry + ", under the person's key", Kept: "7 days, or as you say", Seen: guardians, Erased: withPerson + "; alone by category or time", Records: []string{"reading"}, Traits: []string{"where"}},
		{ID: "activity", Category: Health, What: "steps and the like", Subject: "person", Purpose: "to show them", Class: "personal",
			Where: InHub, Lies: telemetry + ", under the person's key", Kept: "7 days, or as you say", Seen: guardians, Erased: withPerson + "; alone by category or time", Records: []string{"reading"}, Traits: []string{"steps"}},
		{ID: "heart", Category: Health, What: "heart rate", Subject: "person", Purpose: "to show it", Class: "intimate",
			Where: InHub, Lies: telemetry + ", under the person's key", Kept: "7 days, or as you say", Seen: owners, Erased: withPerson + "; alone by category or time", Records: []string{"reading"}, Traits: []string{"heart"}},
		{ID: "alarm", Category: Alarms, What: "a call for help, a fall, a ring at the door", Subject: "person", Purpose: "so that no alarm is lost", Class: "household",
			Where: InHub, Lies: core + ", under the wearer's key", Kept: "30 days, or as you say", Seen: everyApp, Erased: withPerson + "; alone by category or time", Records: []string{"alarm"}},
		{ID: "presence", Category: Location, What: "who is in which zone, the newest only", Subject: "person", Purpose: "so that a restart sends nobody away", Class: "household",
			Where: InHub, Lies: core, Kept: "until it changes", Seen: everyApp + "; Apple Home", Erased: rewritten, Documents: []string{"presence"}},
		{ID: "held", Category: Alarms, What: "who calls for help unanswered", Subject: "person", Purpose: "so that a restart answers nobody", Class: "household",
			Where: InHub, Lies: core, Kept: "until answered", Seen: everyApp + "; Apple Home", Erased: rewritten, Documents: []string{"alarms"}},
		{ID: "on-device", Category: Recordings, What: "what a device keeps itself: positions, numbers, recordings on a card", Subject: "device", Purpose: "the device's own", Class: "personal",
			Where: OnDevice, Lies: "on the device", Kept: "as the device decides", Seen: "whoever has the device", Erased: "the hub tells the device to; one that is off is told when it is back"},
	}
}

// seen is what cameras saw, and who may look.
func seen() []Kind {
	return []Kind{
		{ID: "clip", Category: Recordings, What: "what a camera saw when something moved or somebody rang, with a small picture; sound where that is on", Subject: "device", Purpose: "to see what happened", Class: "personal",
			Where: InHub, Lies: "sealed, `media/`, under the camera's media key; when, why and how long in `core-*.db`", Kept: "7 days or 10 GB of a camera, or as you say; what you keep stays", Seen: "owners and guardians, or whom you name for a camera",
			Erased: "the camera's media key is destroyed, then the files; alone by category or time", Records: []string{"segment", "media-key", "media-folder"}, Files: []string{"media", "media/*"}},
		{ID: "clip-rules", Category: Recordings, What: "which cameras record, for how long, and who may see it", Subject: "household", Purpose: "nothing is recorded before somebody wants it", Class: "household",
			Where: InHub, Lies: core, Kept: "as long as the camera", Seen: owners, Erased: rewritten, Documents: []string{"clips"}},
		{ID: "still", Category: Recordings, What: "the last still of each camera, the newest pictures, the seconds before a clip", Subject: "device", Purpose: "to show a picture at once", Class: "personal",
			Where: InMemory, Lies: "memory", Kept: "until newer ones come, or Privacy", Seen: "who may see the camera", Erased: "with the camera's session"},
		{ID: "homekit-name", Category: Identity, What: "HomeKit's numbers of things, and what a phone renamed them to", Subject: "device", Purpose: "so that rooms and automations stay", Class: "household",
			Where: InHub, Lies: core, Kept: "as long as the hub", Seen: "paired phones", Erased: rewritten + "; a number is never given again", Documents: []string{"homekit/numbers", "restores-told"}},
		{ID: "homekit-pairing", Category: Access, What: "HomeKit identities and pairings", Subject: "household", Purpose: "to know the phones that may come in", Class: "secret",
			Where: InHub, Lies: core, Kept: "as long as the hub, or the camera whose own server it is", Seen: nobody, Erased: "with the camera, or with everything", Documents: []string{"homekit/*"}},
		{ID: "app", Category: Access, What: "a paired app or a script with a token: name, platform, whose, role, since when, last seen", Subject: "app", Purpose: "to know who may come in", Class: "household",
			Where: InHub, Lies: core, Kept: "until revoked", Seen: owners, Erased: "with its person: it is revoked", Documents: []string{"apps", "tokens"}},
		{ID: "door", Category: Access, What: "the hub's key, the pins and roles of the apps; no names", Subject: "household", Purpose: "so that a locked hub is itself", Class: "secret",
			Where: InHub, Lies: folder, Kept: "as long as the hub", Seen: nobody, Erased: withAll + "; an app's part when it is revoked", Files: []string{"door.json"}},
		{ID: "app-cache", Category: Identity, What: "what an app shows while it cannot reach the hub", Subject: "app", Purpose: "to show something at once", Class: "household",
			Where: InApp, Lies: "in each app", Kept: "until the hub is reached", Seen: "who has the phone", Erased: "the app drops it when it next calls, and says so"},
		{ID: "apple-home", Category: Identity, What: "names and states that Apple Home was given, and what it made of them", Subject: "household", Purpose: "to work in Apple Home", Class: "household",
			Where: AtApple, Lies: "in the phones, and where Apple Home keeps its homes", Kept: "as Apple decides", Seen: "whom you share your home with", Erased: "what the hub shows goes at once; what phones keep is beyond it"},
	}
}

// worked is what the hub needs.
func worked() []Kind {
	return []Kind{
		{ID: "switches", Category: Technical, What: "the switches Privacy and Stop everything, and what you decided about cameras", Subject: "household", Purpose: "so that a restart changes nothing", Class: "household",
			Where: InHub, Lies: core, Kept: "the newest only", Seen: everyApp, Erased: rewritten, Documents: []string{"switches"}},
		{ID: "choice", Category: Access, What: "how long what is kept, whose recording pauses, and who consented to what and when", Subject: "person", Purpose: "to keep to what was agreed", Class: "personal",
			Where: InHub, Lies: core, Kept: "until the person is forgotten", Seen: owners, Erased: rewritten, Documents: []string{"privacy"}},
		{ID: "look", Category: Access, What: "who looked at what, and when", Subject: "person", Purpose: "to see who looks", Class: "personal",
			Where: InHub, Lies: core + ": who under the viewer's key, what under that of whom it concerns", Kept: "90 days, 20,000 entries at most", Seen: guardians + "; all others what concerns them",
			Erased: "with the person or the device: what is left is a time and a hash", Records: []string{"ledger", "ledger-part", "ledger-head"}, Files: []string{"ledger.head"}},
		{ID: "security", Category: Technical, What: "what happened to the hub's security: IDs and network addresses, no names", Subject: "household", Purpose: "to notice an attack", Class: "household",
			Where: InHub, Lies: core, Kept: "a year, 20,000 entries at most", Seen: owners, Erased: "with the device or the app that it names, or with everything",
			Records: []string{"security", "security-part", "security-head"}, Documents: []string{"security-alerts", "units"}, Files: []string{"security.head"}},
		{ID: "label", Category: Technical, What: "how safe a thing was found to be, and when it was last looked at", Subject: "device", Purpose: "to show its label", Class: "household",
			Where: InHub, Lies: core + ", under the thing's key", Kept: "the newest only", Seen: everyApp, Erased: withDevice, Records: []string{"label"}, Documents: []string{"label-looks"}},
		{ID: "forgetting", Category: Technical, What: "a forgetting that is under way: random IDs, no names", Subject: "household", Purpose: "so that a power cut cannot end it", Class: "household",
			Where: InHub, Lies: core + "; of everything `forgetting.json`", Kept: "until all of it is done", Seen: owners, Erased: "by itself when it is done", Documents: []string{"forgetting/*"}, Files: []string{"forgetting.json"}},
		{ID: "receipt", Category: Technical, What: "receipts of what was forgotten: numbers, no names", Subject: "household", Purpose: "so that you can prove it", Class: "household",
			Where: InHub, Lies: core + "; of everything `receipts/`, in the clear", Kept: "until everything is forgotten", Seen: owners, Erased: withAll, Documents: []string{"receipt/*"}, Files: []string{"receipts", "receipts/*"}},
		{ID: "upkeep", Category: Technical, What: "when the store was looked after, where backups go, whether the recovery code was seen", Subject: "household", Purpose: "to look after the store", Class: "household",
			Where: InHub, Lies: core, Kept: "the newest only", Seen: owners, Erased: withAll, Records: []string{"restored"}, Documents: []string{"upkeep", "backups", "recovery", "disk-trial", "page", "language"}},
		{ID: "store", Category: Technical, What: "the store itself: sealed pages of all that is said to be in it", Subject: "household", Purpose: "to keep it", Class: "secret",
			Where: InHub, Lies: "sealed, `core-*.db` and `telemetry-*.db` with their logs", Kept: "as long as the hub; after a forgetting it is sealed anew under another key", Seen: nobody, Erased: withAll, Records: []string{"document"},
			Files: []string{"core-*.db*", "telemetry-*.db*", "lock", "hub.sock", "setup-unfinished", "backup.copy", "backup.copy/*", "backup.trial", "backup.trial/*", ".ingle-*"}},
		{ID: "keys", Category: Secrets, What: "the wrapped keys, and the key with which the hub starts by itself", Subject: "household", Purpose: "to open the store", Class: "secret",
			Where: InHub, Lies: "`keys.json` and its twin; `boot-*.cred`, a file on another disk, or nowhere, as `hub boot` says", Kept: "as long as the hub", Seen: nobody, Erased: withAll + ", first of all", Files: []string{"keys.json*", "keys.twin.json*", "boot-*.cred"}},
		{ID: "tries", Category: Access, What: "wrong passwords from the network: how many, and whence as a hash", Subject: "household", Purpose: "to slow down who guesses", Class: "household",
			Where: InHub, Lies: folder, Kept: "until the right one", Seen: nobody, Erased: withAll, Files: []string{"tries.json*"}},
		{ID: "replaced", Category: Technical, What: "what a restore replaced", Subject: "household", Purpose: "to undo a wrong restore", Class: "secret",
			Where: InHub, Lies: "as sealed as it was, `restore.old/`", Kept: "7 days, or until something is forgotten or a secret replaced", Seen: nobody, Erased: "with whatever is forgotten next", Files: []string{"restore.old", "restore.old/*", "restore.*", "restore.*/*"}},
		{ID: "backup", Category: Technical, What: "backups", Subject: "household", Purpose: "to have the home again after a fire", Class: "secret",
			Where: InBackup, Lies: "sealed, in the folder that you chose; they open by the password or recovery code of their day", Kept: "as many as you said; those made by hand until you delete them", Seen: "who has file and code",
			Erased: "those in the folder of the schedule are deleted, and the last one made by hand; others are named as what remains"},
		{ID: "export", Category: Identity, What: "exports and films that you wrote into files", Subject: "household", Purpose: "because you asked", Class: "personal",
			Where: Outside, Lies: "in the clear, where you said", Kept: "yours to keep or not", Seen: "who has the file", Erased: "by you: the hub keeps no list of them"},
		{ID: "log", Category: Technical, What: "the log: IDs and network addresses, no names", Subject: "household", Purpose: "to find faults", Class: "household",
			Where: Outside, Lies: "stderr", Kept: "yours to keep or not", Seen: "who may read the system's log", Erased: "by the system; the IDs in it lead to nothing once what they stood for is forgotten"},
	}
}

// OfTrait gives the kind of a trait's readings, where they are about somebody.
func OfTrait(trait string) (Kind, bool) {
	for _, k := range Kinds() {
		if slices.Contains(k.Traits, trait) {
			return k, true
		}
	}
	return Kind{}, false
}

// Find gives a kind by its ID.
func Find(id string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.ID == id {
			return k, true
		}
	}
	return Kind{}, false
}
