package hap

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// AccessoryError is why one accessory was not published.
type AccessoryError struct {
	AID uint64
	Err error
}

// Error names the accessory and the rule it breaks.
func (e *AccessoryError) Error() string { return fmt.Sprintf("hap: accessory %d: %v", e.AID, e.Err) }

// Unwrap is the rule.
func (e *AccessoryError) Unwrap() error { return e.Err }

// Apple's limits for one server, one accessory and one characteristic.
const (
	maxAccessories     = 150
	maxServices        = 100
	maxCharacteristics = 100 // of a service
	maxText            = 64  // characters, of what is said about a thing
	mostLen            = 256
	mostBytes          = 2 << 20
)

// applesBase ends the UUIDs that Apple writes as 1 to 8 digits.
const applesBase = "-0000-1000-8000-0026BB765291"

var (
	typePattern     = regexp.MustCompile(`^([1-9A-F][0-9A-F]{0,7}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12})$`)
	firmwarePattern = regexp.MustCompile(`^[0-9]{1,10}\.[0-9]{1,10}(\.[0-9]{1,10})?$`)
)

// sound splits accs into those that may be published and what is wrong with the
// others. Where two cannot both be, the one with the lower aid stays: it was
// there first, and the household knows it.
func sound(accs []*Accessory) (good []*Accessory, faults []error) {
	inOrder := slices.Clone(accs)
	slices.SortStableFunc(inOrder, func(a, b *Accessory) int { return cmp.Compare(a.number(), b.number()) })
	aids, serials := map[uint64]bool{}, map[string]bool{}
	for _, a := range inOrder {
		err := a.check()
		switch {
		case err != nil:
		case aids[a.AID]:
			err = errors.New("the aid is taken")
		case serials[a.information("30")]:
			err = errors.New("the serial number is taken")
		case len(good) == maxAccessories:
			err = fmt.Errorf("a server holds %d accessories", maxAccessories)
		}
		if err != nil {
			faults = append(faults, &AccessoryError{AID: a.number(), Err: err})
			continue
		}
		aids[a.AID], serials[a.information("30")] = true, true
		good = append(good, a)
	}
	return good, faults
}

// number is the aid; 0, which no accessory has, for nil.
func (a *Accessory) number() uint64 {
	if a == nil {
		return 0
	}
	return a.AID
}

// information is a string of the AccessoryInformation service, or "".
func (a *Accessory) information(typ string) string {
	s := a.Service("3E")
	if s == nil {
		return ""
	}
	c := s.Characteristic(typ)
	if c == nil {
		return ""
	}
	v, _ := c.Value()
	return v.Text()
}

func (a *Accessory) check() error {
	switch {
	case a.number() == 0:
		return errors.New("the aid is 0")
	case len(a.Services) > maxServices:
		return fmt.Errorf("it has more than %d services", maxServices)
	}
	iids := map[uint64]bool{}
	take := func(iid uint64) error {
		if iid == 0 || iids[iid] {
			return fmt.Errorf("iid %d is 0 or taken", iid)
		}
		iids[iid] = true
		return nil
	}
	for _, s := range a.Services {
		if s == nil {
			return errors.New("a service is nil")
		}
		if err := cmp.Or(a.checkService(s), take(s.IID)); err != nil {
			return fmt.Errorf("service %s: %w", s.Type, err)
		}
		for _, c := range s.Characteristics {
			if err := cmp.Or(c.check(), take(c.IID)); err != nil {
				return fmt.Errorf("service %s: characteristic %s: %w", s.Type, c.Type, err)
			}
		}
	}
	return cmp.Or(a.checkInformation(), a.checkNames(), a.checkProtocol())
}

// checkInformation looks at what controllers show about an accessory, and refuse
// to add it without.
func (a *Accessory) checkInformation() error {
	s := a.Service("3E")
	if s == nil || s.IID != 1 {
		return errors.New("AccessoryInformation is missing or its iid is not 1")
	}
	if c := s.Characteristic("14"); c == nil || c.Format != FormatBool || c.Perms&PermWrite == 0 {
		return errors.New("Identify is missing or cannot be written")
	}
	for _, typ := range []string{"20", "21", "23", "30", "52"} {
		if c := s.Characteristic(typ); c == nil || c.Format != FormatString || c.Perms&PermRead == 0 {
			return fmt.Errorf("characteristic %s of AccessoryInformation is missing or not a text to read", typ)
		}
	}
	return nil
}

// checkNames demands a ConfiguredName where there is more than one thing to name:
// controllers otherwise call every service as they call the accessory.
func (a *Accessory) checkNames() error {
	several := 0
	for _, s := range a.Services {
		if s.Characteristic("E3") != nil {
			return nil
		}
		if s.Type != "3E" && s.Type != "A2" {
			several++
		}
	}
	if several > 1 {
		return errors.New("it has several services and no ConfiguredName")
	}
	return nil
}

// checkProtocol demands ProtocolInformation of the accessory that stands for the
// server.
func (a *Accessory) checkProtocol() error {
	s := a.Service("A2")
	if s == nil {
		if a.AID == bridgeAID {
			return errors.New("ProtocolInformation is missing")
		}
		return nil
	}
	c := s.Characteristic("37")
	if c == nil {
		return errors.New("ProtocolInformation has no Version")
	}
	if v, _ := c.Value(); !firmwarePattern.MatchString(v.Text()) {
		return errors.New("ProtocolInformation has no Version like 1.1.0")
	}
	return nil
}

func (a *Accessory) checkService(s *Service) error {
	switch {
	case !properType(s.Type):
		return errors.New("the type is neither Apple's short form nor another's UUID in capitals")
	case len(s.Characteristics) == 0:
		return errors.New("it has no characteristics")
	case len(s.Characteristics) > maxCharacteristics:
		return fmt.Errorf("it has more than %d characteristics", maxCharacteristics)
	case slices.Contains(s.Characteristics, nil):
		return errors.New("a characteristic is nil")
	}
	for i, l := range s.Linked {
		if l == nil || l == s || !slices.Contains(a.Services, l) || slices.Contains(s.Linked[:i], l) {
			return errors.New("it links to itself, to another accessory or twice")
		}
	}
	for _, c := range s.Characteristics {
		if s.Characteristic(c.Type) != c {
			return fmt.Errorf("it has two characteristics of type %s", c.Type)
		}
	}
	return nil
}

func properType(typ string) bool {
	return typePattern.MatchString(typ) && !strings.HasSuffix(typ, applesBase)
}

func (c *Characteristic) check() error {
	apples := applesFormat(c.Type)
	switch {
	case !properType(c.Type):
		return errors.New("the type is neither Apple's short form nor another's UUID in capitals")
	case c.Format.String() == "":
		return errors.New("it has no format")
	case apples != 0 && apples != c.Format:
		return fmt.Errorf("its format is %v in Apple's definition", apples)
	case c.Perms >= PermWriteResponse<<1:
		return errors.New("it has permissions that HAP does not know")
	case c.Perms&(PermRead|PermWrite) == 0:
		return errors.New("it can be neither read nor written")
	case c.Perms&PermEvents != 0 && c.Perms&PermRead == 0:
		return errors.New("it has events and cannot be read")
	case c.Perms&(PermAuth|PermTimed|PermWriteResponse) != 0 && c.Perms&PermWrite == 0:
		return errors.New("it says how to write and cannot be written")
	case !short(c.Unit) || !short(c.Description):
		return fmt.Errorf("its unit or description is not up to %d characters of UTF-8", maxText)
	}
	return cmp.Or(c.checkLimits(), c.checkValue())
}

// applesFormat is the format that a type of Apple's always has; 0 for types that
// are not in this list.
func applesFormat(typ string) Format {
	switch typ {
	case "5", "6F", "14", "22", "24", "25", "26", "59", "63", "75", "11A", "11B", "11F":
		return FormatBool
	case "1C", "1D", "1E", "32", "33", "36", "65", "66", "67", "68", "69", "6A", "6D", "70", "71", "72", "73", "74", "76", "77", "78", "79", "7A", "7C",
		"8E", "8F", "92", "95", "9C", "A7", "A8", "A9", "AA", "AC", "AD", "AE", "AF", "B0", "B1", "B2", "B3", "B4", "B6", "BE", "BF", "C0", "CB", "CD",
		"D1", "D2", "D5", "D6", "DB", "DC", "DD", "DF", "E", "E0", "E1", "E2", "E8", "E9", "EA", "F", "119", "134", "135", "137":
		return FormatUint8
	case "D3", "D4", "E6", "E7":
		return FormatUint32
	case "8", "28", "6C", "6E", "7B", "7D", "C1", "C2", "CE", "11E":
		return FormatInt
	case "10", "11", "12", "13", "29", "2F", "34", "35", "64", "6B", "90", "91", "93", "94", "AB", "B5", "C3", "C4", "C5", "C7", "C8", "C9", "CA", "D",
		"11C", "11D":
		return FormatFloat
	case "20", "21", "23", "30", "37", "52", "53", "54", "E3":
		return FormatString
	case "114", "115", "116", "117", "118", "120", "126", "130", "131", "205", "206", "207", "209":
		return FormatTLV8
	}
	return 0
}

// short reports a text that may describe something.
func short(text string) bool {
	return len(text) <= utf8.UTFMax*maxText && utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxText &&
		!strings.ContainsFunc(text, unicode.IsControl)
}

// checkLimits looks at what a value is held against.
func (c *Characteristic) checkLimits() error {
	numeric := c.Format != FormatBool && c.Format < FormatString
	limited := !c.Min.Null() || !c.Max.Null() || !c.Step.Null() || len(c.ValidValues)+len(c.ValidRange) > 0
	bare := Characteristic{Format: c.Format} // its values are held against the format alone
	for _, limit := range [...]Value{c.Min, c.Max, c.Step} {
		if _, err := bare.fit(limit); numeric && !limit.Null() && err != nil {
			return fmt.Errorf("a limit is not a number of its format: %w", err)
		}
	}
	switch {
	case !numeric && limited:
		return errors.New("it has the limits of a number and is none")
	case !c.Step.Null() && !Int(0).less(c.Step):
		return errors.New("its step is not above 0")
	case !c.Min.Null() && !c.Max.Null() && c.Max.less(c.Min):
		return errors.New("its maximum is below its minimum")
	case len(c.ValidRange) != 0 && (len(c.ValidRange) != 2 || c.ValidRange[0] > c.ValidRange[1]):
		return errors.New("its range of valid values is not two rising numbers")
	case c.MaxLen < 0 || c.MaxLen > mostLen:
		return fmt.Errorf("its longest text is not 0 to %d characters", mostLen)
	case c.MaxBytes < 0 || c.MaxBytes > mostBytes:
		return fmt.Errorf("its most bytes are not 0 to %d", mostBytes)
	}
	for _, n := range c.ValidValues {
		if _, err := c.fit(Int(n)); err != nil {
			return fmt.Errorf("valid value %d is none: %w", n, err)
		}
	}
	return nil
}

// checkValue looks at what a controller would read now.
func (c *Characteristic) checkValue() error {
	if c.Perms&PermRead == 0 {
		return nil
	}
	v := c.known()
	if v.Null() && c.press() {
		return nil
	}
	v, err := c.fit(v)
	if err == nil {
		err = c.speaks(v)
	}
	if err != nil {
		return fmt.Errorf("its value: %w", err)
	}
	return nil
}

const (
	errShort    fault = "the text is not 2 to 64 printable characters"
	errName     fault = "the name has characters that controllers refuse, or does not begin and end with a letter or digit"
	errFirmware fault = "the revision is not x.y or x.y.z"
)

// speaks refuses what controllers do not accept as maker, model, serial number,
// name, ConfiguredName or firmware revision.
func (c *Characteristic) speaks(v Value) error {
	text := v.Text()
	n := utf8.RuneCountInString(text)
	switch c.Type {
	case "20", "21", "30", "23", "E3":
		if n < 2 || n > maxText || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return errShort
		}
	}
	switch c.Type {
	case "23", "E3":
		if !properName(text) {
			return errName
		}
	case "52":
		if !firmwarePattern.MatchString(text) {
			return errFirmware
		}
	}
	return nil
}

func properName(name string) bool {
	plain := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) }
	first, _ := utf8.DecodeRuneInString(name)
	last, _ := utf8.DecodeLastRuneInString(name)
	foreign := func(r rune) bool { return !plain(r) && !strings.ContainsRune(" ’'&!._:;()/,-", r) }
	return plain(first) && plain(last) && !strings.ContainsFunc(name, foreign)
}
