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
)

// Route says where in the app to go. ID names the accessory at a device or a camera.
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
		"device", "camera", "health", "pairing", "more"}[min(p, AtMore)]
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
	case AtHealth, AtPairing:
		return AtHome
	}
	return AtMore
}
