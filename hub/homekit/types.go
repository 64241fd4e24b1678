package homekit

import "github.com/ingle-home/ingle/hub/hap"

// Apple's types, by the names of the HomeKit Accessory Protocol.
const (
	serviceInformation  = "3E"
	serviceProtocol     = "A2"
	serviceSwitch       = "49"
	serviceMotion       = "85"
	serviceOccupancy    = "86"
	serviceProgrammable = "89" // StatelessProgrammableSwitch
	serviceBattery      = "96"
	serviceFan          = "B7"
	serviceLabel        = "CC"
	serviceDoorbell     = "121"
	serviceMode         = "21A" // CameraOperatingMode

	typeIdentify      = "14"
	typeManufacturer  = "20"
	typeModel         = "21"
	typeName          = "23"
	typeSerial        = "30"
	typeFirmware      = "52"
	typeVersion       = "37"
	typeConfigured    = "E3" // ConfiguredName
	typeOn            = "25"
	typeMotion        = "22"
	typeOccupancy     = "71"
	typeActive        = "B0"
	typeSpeed         = "29" // RotationSpeed
	typeBattery       = "68"
	typeLowBattery    = "79"
	typeStatusActive  = "75"
	typeStatusFault   = "77"
	typeSwitchPressed = "73" // ProgrammableSwitchEvent
	typeLabelIndex    = "CB"
	typeLabelNames    = "CD" // ServiceLabelNamespace
	typeCameraActive  = "21B"
	typeEventStills   = "223" // EventSnapshotsActive
	typeUsualStills   = "225" // PeriodicSnapshotsActive
	typeDisabled      = "227" // ManuallyDisabled
)

const (
	reads  = hap.PermRead
	shows  = hap.PermRead | hap.PermEvents
	writes = hap.PermRead | hap.PermWrite | hap.PermEvents
)

// flag is a bool that starts as false.
func flag(typ string, perms hap.Perms) *hap.Characteristic {
	c := &hap.Characteristic{Type: typ, Format: hap.FormatBool, Perms: perms}
	_ = c.Set(hap.Bool(false)) // a bool always fits
	return c
}

func text(typ, value string) *hap.Characteristic {
	c := &hap.Characteristic{Type: typ, Format: hap.FormatString, Perms: reads}
	_ = c.Set(hap.String(value)) // fits: every text here went through plain or Name
	return c
}

// level is a small number from 0 to high.
func level(typ string, perms hap.Perms, high int64) *hap.Characteristic {
	c := &hap.Characteristic{Type: typ, Format: hap.FormatUint8, Perms: perms, Min: hap.Int(0), Max: hap.Int(high), Step: hap.Int(1)}
	if high == 1 {
		c.ValidValues = []int64{0, 1}
	}
	return c
}

// fixed is a number that never changes.
func fixed(typ string, value, low, high int64) *hap.Characteristic {
	c := &hap.Characteristic{Type: typ, Format: hap.FormatUint8, Perms: reads, Min: hap.Int(low), Max: hap.Int(high), Step: hap.Int(1)}
	_ = c.Set(hap.Int(value)) // fits: both are written down here
	return c
}

func percent(typ string, perms hap.Perms) *hap.Characteristic {
	c := level(typ, perms, 100)
	c.Unit = "percentage"
	return c
}

// button has one way to be pressed.
func button() *hap.Characteristic {
	return &hap.Characteristic{
		Type: typeSwitchPressed, Format: hap.FormatUint8, Perms: shows,
		Min: hap.Int(0), Max: hap.Int(2), ValidValues: []int64{0},
	}
}

func service(typ string, characteristics ...*hap.Characteristic) *hap.Service {
	return &hap.Service{Type: typ, Characteristics: characteristics}
}

// digit is how HAP spells yes and no where it has no bool.
func digit(yes bool) hap.Value {
	if yes {
		return hap.Int(1)
	}
	return hap.Int(0)
}
