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

// Apple's limits for one server and one accessory.
const (
	maxAccessories = 150
	maxServices    = 100
)

var (
	typePattern     = regexp.MustCompile(`^([1-9A-F][0-9A-F]{0,7}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12})$`)
	firmwarePattern = regexp.MustCompile(`^[0-9]+\.[0-9]+(\.[0-9]+)?$`)
)

// sound splits accs into those that may be published and what is wrong with the
// others.
func sound(accs []*Accessory) (good []*Accessory, faults []error) {
	aids, serials := map[uint64]bool{}, map[string]bool{}
	for _, a := range accs {
		err := a.check()
		serial := a.information("30")
		switch {
		case err != nil:
		case aids[a.AID]:
			err = errors.New("the aid is taken")
		case serials[serial]:
			err = errors.New("the serial number is taken")
		case len(good) == maxAccessories:
			err = fmt.Errorf("a server holds %d accessories", maxAccessories)
		}
		if err != nil {
			faults = append(faults, &AccessoryError{AID: a.AID, Err: err})
			continue
		}
		aids[a.AID], serials[serial] = true, true
		good = append(good, a)
	}
	if len(accs) > 0 && !aids[1] {
		faults = append(faults, &AccessoryError{AID: 1, Err: errors.New("every server needs an accessory 1")})
	}
	return good, faults
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
	case a.AID == 0:
		return errors.New("the aid is 0")
	case len(a.Services) > maxServices:
		return fmt.Errorf("it has more than %d services", maxServices)
	}
	if err := a.checkInformation(); err != nil {
		return err
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
		if err := cmp.Or(take(s.IID), a.checkService(s)); err != nil {
			return fmt.Errorf("service %s: %w", s.Type, err)
		}
		for _, c := range s.Characteristics {
			if err := cmp.Or(take(c.IID), c.check()); err != nil {
				return fmt.Errorf("service %s: characteristic %s: %w", s.Type, c.Type, err)
			}
		}
	}
	return nil
}

// checkInformation looks at what controllers show about an accessory, and refuse
// to add it without.
func (a *Accessory) checkInformation() error {
	s := a.Service("3E")
	if s == nil || s.IID != 1 {
		return errors.New("AccessoryInformation is missing or its iid is not 1")
	}
	if s.Characteristic("14") == nil {
		return errors.New("Identify is missing")
	}
	for _, typ := range []string{"20", "21", "23", "30"} {
		if n := utf8.RuneCountInString(a.information(typ)); n < 2 || n > 64 {
			return fmt.Errorf("characteristic %s needs 2 to 64 characters", typ)
		}
	}
	if !firmwarePattern.MatchString(a.information("52")) {
		return fmt.Errorf("firmware revision %q is not x.y or x.y.z", a.information("52"))
	}
	if name := a.information("23"); !properName(name) {
		return fmt.Errorf("the name %q has characters that controllers refuse", name)
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

func (a *Accessory) checkService(s *Service) error {
	switch {
	case !typePattern.MatchString(s.Type):
		return errors.New("the type is neither Apple's short form nor a UUID in capitals")
	case len(s.Characteristics) == 0:
		return errors.New("it has no characteristics")
	}
	for _, l := range s.Linked {
		if l == s || !slices.Contains(a.Services, l) {
			return errors.New("it links to itself or to another accessory")
		}
	}
	return nil
}

func (c *Characteristic) check() error {
	switch {
	case !typePattern.MatchString(c.Type):
		return errors.New("the type is neither Apple's short form nor a UUID in capitals")
	case c.Format.String() == "":
		return errors.New("it has no format")
	case c.Perms == 0:
		return errors.New("it has no permissions")
	case !c.Min.Null() && !c.Max.Null() && c.Max.less(c.Min):
		return errors.New("its maximum is below its minimum")
	case len(c.ValidRange) != 0 && (len(c.ValidRange) != 2 || c.ValidRange[0] > c.ValidRange[1]):
		return errors.New("its range of valid values is not two rising numbers")
	}
	return nil
}
