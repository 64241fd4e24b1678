// Package apple turns the definitions of Apple's services and characteristics in
// brutella/hap into the model of hub/hap. Only the definitions are used: type,
// permissions, format, unit and limits, put right where they differ from what
// controllers expect. It is the only importer of that library.
package apple

import (
	"github.com/brutella/hap/characteristic"
	"github.com/brutella/hap/service"

	"github.com/ingle-home/ingle/hub/hap"
)

// Service copies a definition with its characteristics. The caller sets the IIDs
// and links; values are null until Set.
func Service(s *service.S) *hap.Service {
	out := &hap.Service{Type: s.Type, Primary: s.Primary, Hidden: s.Hidden}
	for _, c := range s.Cs {
		out.Characteristics = append(out.Characteristics, Characteristic(c))
	}
	return out
}

// Characteristic copies a definition, for what a service has beyond those that
// its constructor adds. The caller sets the IID.
func Characteristic(c *characteristic.C) *hap.Characteristic {
	out := &hap.Characteristic{
		Type: c.Type, Format: format(c.Format), Perms: perms(c.Permissions),
		Unit: c.Unit, Description: c.Description, MaxLen: c.MaxLen,
		Min: number(c.MinVal), Max: number(c.MaxVal), Step: number(c.StepVal),
		ValidValues: numbers(c.ValidVals), ValidRange: numbers(c.ValidRange),
	}
	correct(out)
	return out
}

// correct is the list of definitions that differ from those of Apple and of the
// controllers.
func correct(c *hap.Characteristic) {
	switch c.Type {
	case characteristic.TypeCurrentTemperature: // from 0: frost outside could not be told
		c.Min = hap.Float(-270)
	case characteristic.TypeColorTemperature:
		c.Format = hap.FormatInt
	case characteristic.TypeImageRotation: // a float up to 270
		c.Format = hap.FormatInt
		c.Min, c.Max, c.Step = hap.Int(0), hap.Int(360), hap.Int(90)
	case characteristic.TypePictureMode: // uint16
		c.Format = hap.FormatUint8
	case characteristic.TypeNightVision: // without timed writes
		c.Perms |= hap.PermTimed
	case characteristic.TypeVersion: // with events
		c.Perms &^= hap.PermEvents
	case characteristic.TypeCurrentVisibilityState, characteristic.TypeTargetVisibilityState: // up to 3 and 2
		c.Max = hap.Int(1)
	}
}

// format reads the library's names; its "int32" is HAP's "int".
func format(name string) hap.Format {
	if name == characteristic.FormatInt32 {
		return hap.FormatInt
	}
	for f := hap.FormatBool; f <= hap.FormatBytes; f++ {
		if f.String() == name {
			return f
		}
	}
	return 0
}

func perms(names []string) hap.Perms {
	var p hap.Perms
	for _, name := range names {
		switch name {
		case characteristic.PermissionRead:
			p |= hap.PermRead
		case characteristic.PermissionWrite:
			p |= hap.PermWrite
		case characteristic.PermissionEvents:
			p |= hap.PermEvents
		case characteristic.PermissionTimedWrite:
			p |= hap.PermTimed
		case characteristic.PermissionHidden:
			p |= hap.PermHidden
		case characteristic.PermissionWriteResponse:
			p |= hap.PermWriteResponse
		}
	}
	return p
}

func number(limit any) hap.Value {
	switch n := limit.(type) {
	case int:
		return hap.Int(int64(n))
	case float64:
		return hap.Float(n)
	}
	return hap.Value{}
}

func numbers(list []int) []int64 {
	var out []int64
	for _, n := range list {
		out = append(out, int64(n))
	}
	return out
}
