package model

// Place is one of the app's screens.
type Place uint8

// The places.
const (
	AtHome Place = iota
	AtDevices
	AtCameras
	AtPeople
	AtPrivacy
	AtUpdates
	AtSettings
	AtDevice // of a Route with an ID
	AtCamera // of a Route with an ID
	AtHealth
	AtPairing
	AtMore
	AtKept     // all that is kept
	AtForget   // of a Route with an ID that says what, as keeping.ScopeID writes it
	AtReceipts // what was forgotten
	AtReceipt  // of a Route with an ID
	AtRules    // how long what stays, whose recording rests, who agreed to what
	AtLooks    // who looked, or of a Route with an ID at that thing
	AtLabels   // how safe everything is
	AtLabel    // of a Route with an ID
	AtSecurity
)

// Route says where in the app to go. ID names the accessory at a device or a camera, and what a page is about
// where its place says so.
type Route struct {
	Place Place
	ID    string
}

// Pages are the places that the rail shows, in the order of Ctrl+1 to Ctrl+7.
func Pages() []Place {
	return []Place{AtHome, AtDevices, AtCameras, AtPeople, AtPrivacy, AtUpdates, AtSettings}
}

// Narrow are the places of the bar at the bottom of a narrow window.
func Narrow() []Place { return []Place{AtHome, AtDevices, AtCameras, AtPrivacy, AtMore} }

// Key is the key of the place's name in the catalogs.
func (p Place) Key() string {
	return "app.page." + [...]string{"home", "devices", "cameras", "people", "privacy", "updates", "settings",
		"device", "camera", "health", "pairing", "more", "kept", "forget", "receipts", "receipt", "rules", "looks", "labels", "label",
		"security"}[min(p, AtSecurity)]
}

// Under gives the place among those in the rail or the bar to which p belongs.
func (p Place) Under(among []Place) Place {
	for _, one := range among {
		if one == p {
			return p
		}
	}
	switch p {
	case AtDevice:
		return AtDevices
	case AtCamera:
		return AtCameras
	case AtHealth, AtPairing, AtLabels, AtLabel, AtSecurity:
		return AtHome
	case AtKept, AtForget, AtReceipts, AtReceipt, AtRules, AtLooks:
		return AtPrivacy
	}
	return AtMore
}
