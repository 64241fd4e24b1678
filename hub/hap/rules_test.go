package hap_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
)

// refusedTexts are what controllers do not take, by the type that says it.
func refusedTexts() map[string][]string {
	long := strings.Repeat("x", 65)
	names := []string{"", "x", long, "Lamp 💡", "Lamp.", " Lamp", "-Lamp", "La\nmp", "Lamp\xff", "Lamp #1", strings.Repeat("x", 10_000)}
	return map[string][]string{
		"20": {"", "x", long, "a\x00b", "a\xc3", "a\u202eb"},
		"21": {"", "M", long},
		"23": names,
		"30": {"", "1", long, "\x1b[31m"},
		"52": {"", "1", "v1.0", "1.0-rc1", "1.2.3.4", "1.", long},
		"E3": names,
	}
}

// TestStringsAndNames: what is said about a thing is what controllers take, or
// it is not said.
func TestStringsAndNames(t *testing.T) {
	t.Parallel()
	for typ, texts := range refusedTexts() {
		c := &hap.Characteristic{Type: typ, Format: hap.FormatString, Perms: hap.PermRead}
		const good = "1.0.2"
		if err := c.Set(hap.String(good)); err != nil {
			t.Errorf("%s %s: %v", typ, good, err)
		}
		for _, text := range texts {
			err := c.Set(hap.String(text))
			if !errors.Is(err, hap.StatusInvalidValue) || !strings.Contains(err.Error(), "characteristic "+typ) {
				t.Errorf("%s takes %.20q: %v", typ, text, err)
			}
			if err != nil && strings.Contains(err.Error(), text) && len(text) > 1 {
				t.Errorf("%s: the error repeats what was said: %v", typ, err)
			}
		}
		if v, _ := c.Value(); v != hap.String(good) {
			t.Errorf("%s: the last value went: %v", typ, v)
		}
	}
	for _, name := range []string{"TV", "Küche 2", "Mia’s lamp & fan (left) 1", "居間", strings.Repeat("x", 64)} {
		c := &hap.Characteristic{Type: "23", Format: hap.FormatString, Perms: hap.PermRead}
		if err := c.Set(hap.String(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// spoiled is a lamp that breaks one rule.
func spoiled(how func(a *hap.Accessory)) *hap.Accessory {
	a, _, _ := lamp(2, "Lamp")
	how(a)
	return a
}

// brightness spoils the characteristic of a lamp that has most rules.
func brightness(how func(c *hap.Characteristic)) *hap.Accessory {
	return spoiled(func(a *hap.Accessory) { how(a.Services[1].Characteristics[1]) })
}

// silent takes a text away from what an accessory says about itself.
func silent(typ string) *hap.Accessory {
	return spoiled(func(a *hap.Accessory) {
		for i, c := range a.Services[0].Characteristics {
			if c.Type == typ {
				a.Services[0].Characteristics[i] = &hap.Characteristic{IID: c.IID, Type: typ, Format: c.Format, Perms: c.Perms}
			}
		}
	})
}

func added(c *hap.Characteristic) *hap.Accessory {
	return spoiled(func(a *hap.Accessory) {
		c.IID = 30
		a.Services[1].Characteristics = append(a.Services[1].Characteristics, c)
	})
}

// badAccessories break one rule each.
func badAccessories() map[string]*hap.Accessory {
	second := func() *hap.Service {
		return &hap.Service{IID: 20, Type: "96", Characteristics: []*hap.Characteristic{{IID: 21, Type: "68", Format: hap.FormatUint8, Perms: hap.PermRead}}}
	}
	return map[string]*hap.Accessory{
		"taken aid":         spoiled(func(a *hap.Accessory) { a.AID = 1 }),
		"no aid":            spoiled(func(a *hap.Accessory) { a.AID = 0 }),
		"nil":               nil,
		"nil service":       spoiled(func(a *hap.Accessory) { a.Services[1] = nil }),
		"nil value":         spoiled(func(a *hap.Accessory) { a.Services[1].Characteristics[0] = nil }),
		"taken serial":      spoiled(func(a *hap.Accessory) { a.Service("3E").Characteristic("30").Set(hap.String("serial Bridge")) }),
		"no maker":          silent("20"),
		"no model":          silent("21"),
		"no name":           silent("23"),
		"no serial":         silent("30"),
		"no firmware":       silent("52"),
		"taken iid":         spoiled(func(a *hap.Accessory) { a.Services[1].Characteristics[1].IID = 9 }),
		"no information":    spoiled(func(a *hap.Accessory) { a.Services = a.Services[1:] }),
		"other iid":         spoiled(func(a *hap.Accessory) { a.Services[0].IID = 77 }),
		"no identify":       spoiled(func(a *hap.Accessory) { a.Services[0].Characteristics = a.Services[0].Characteristics[1:] }),
		"empty service":     spoiled(func(a *hap.Accessory) { a.Services[1].Characteristics = nil }),
		"type":              spoiled(func(a *hap.Accessory) { a.Services[1].Type = "0000003E" }),
		"long type":         spoiled(func(a *hap.Accessory) { a.Services[1].Type = "00000043-0000-1000-8000-0026BB765291" }),
		"link":              spoiled(func(a *hap.Accessory) { a.Services[1].Linked = []*hap.Service{bridge().Services[0]} }),
		"link to itself":    spoiled(func(a *hap.Accessory) { a.Services[1].Linked = []*hap.Service{a.Services[1]} }),
		"link to nothing":   spoiled(func(a *hap.Accessory) { a.Services[1].Linked = []*hap.Service{nil} }),
		"too many services": spoiled(func(a *hap.Accessory) { a.Services = append(a.Services, make([]*hap.Service, 99)...) }),
		"no names":          spoiled(func(a *hap.Accessory) { a.Services = append(a.Services, second()) }),
		"bad protocol": spoiled(func(a *hap.Accessory) {
			a.Services = append(a.Services, &hap.Service{IID: 30, Type: "A2", Characteristics: second().Characteristics})
		}),
		"twice":      added(&hap.Characteristic{Type: "25", Format: hap.FormatBool, Perms: everything}),
		"unset name": added(&hap.Characteristic{Type: "E3", Format: hap.FormatString, Perms: everything}),
	}
}

// badCharacteristics break a rule with one of their characteristics.
func badCharacteristics() map[string]*hap.Accessory {
	return map[string]*hap.Accessory{
		"no format":          brightness(func(c *hap.Characteristic) { c.Format = 0 }),
		"not Apple's format": brightness(func(c *hap.Characteristic) { c.Format = hap.FormatFloat }),
		"other format":       brightness(func(c *hap.Characteristic) { c.Format = 99 }),
		"no permissions":     brightness(func(c *hap.Characteristic) { c.Perms = 0 }),
		"only hidden":        brightness(func(c *hap.Characteristic) { c.Perms = hap.PermHidden }),
		"unknown perms":      brightness(func(c *hap.Characteristic) { c.Perms |= 128 }),
		"deaf events":        brightness(func(c *hap.Characteristic) { c.Perms = hap.PermWrite | hap.PermEvents }),
		"timed reads":        brightness(func(c *hap.Characteristic) { c.Perms = hap.PermRead | hap.PermTimed }),
		"limits":             brightness(func(c *hap.Characteristic) { c.Max = hap.Int(-1) }),
		"NaN": brightness(func(c *hap.Characteristic) {
			c.Type, c.Format, c.Min = foreign(1), hap.FormatFloat, hap.Float(math.NaN())
		}),
		"infinite": brightness(func(c *hap.Characteristic) {
			c.Type, c.Format, c.Max = foreign(1), hap.FormatFloat, hap.Float(math.Inf(1))
		}),
		"half a percent": brightness(func(c *hap.Characteristic) { c.Max = hap.Float(99.5) }),
		"beyond format":  brightness(func(c *hap.Characteristic) { c.Type, c.Format, c.Max = foreign(1), hap.FormatUint8, hap.Int(256) }),
		"text as limit":  brightness(func(c *hap.Characteristic) { c.Min = hap.String("0") }),
		"no step":        brightness(func(c *hap.Characteristic) { c.Step = hap.Int(0) }),
		"step is NaN": brightness(func(c *hap.Characteristic) {
			c.Type, c.Format, c.Step = foreign(1), hap.FormatFloat, hap.Float(math.NaN())
		}),
		"step goes back":  brightness(func(c *hap.Characteristic) { c.Step = hap.Int(-1) }),
		"limited truth":   spoiled(func(a *hap.Accessory) { a.Services[1].Characteristics[0].Max = hap.Int(1) }),
		"valid values":    brightness(func(c *hap.Characteristic) { c.ValidValues = []int64{1, 101} }),
		"valid range":     brightness(func(c *hap.Characteristic) { c.ValidRange = []int64{3, 2} }),
		"nothing fits":    brightness(func(c *hap.Characteristic) { c.ValidRange = []int64{200, 300} }),
		"long unit":       brightness(func(c *hap.Characteristic) { c.Unit = strings.Repeat("x", 65) }),
		"unit":            brightness(func(c *hap.Characteristic) { c.Unit = "\xff" }),
		"description":     brightness(func(c *hap.Characteristic) { c.Description = "a\xc3\x28" }),
		"longer than HAP": added(&hap.Characteristic{Type: foreign(1), Format: hap.FormatString, Perms: everything, MaxLen: 257}),
		"negative bytes":  added(&hap.Characteristic{Type: foreign(1), Format: hap.FormatBytes, Perms: everything, MaxBytes: -1}),
	}
}

// TestBadAccessoriesAreLeftOut, since one of them can spoil the whole server.
func TestBadAccessoriesAreLeftOut(t *testing.T) {
	t.Parallel()
	s, err := hap.New(t.Context(), hap.Options{Name: "Ingle", Model: "Hub", Memory: &disk{}})
	if err != nil {
		t.Fatal(err)
	}
	publish := func(accs ...*hap.Accessory) (aids []uint64) {
		err := s.Publish(t.Context(), accs...)
		if err == nil {
			return nil
		}
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			t.Fatal(err)
		}
		for _, err := range joined.Unwrap() {
			var fault *hap.AccessoryError
			if errors.As(err, &fault) {
				aids = append(aids, fault.AID)
			}
		}
		return aids
	}
	all := badAccessories()
	maps.Copy(all, badCharacteristics())
	for name, bad := range all {
		want := uint64(0)
		if bad != nil {
			want = bad.AID
		}
		good, _, _ := lamp(3, "Other")
		if aids := publish(bridge(), bad, good); len(aids) != 1 || aids[0] != want {
			t.Errorf("%s: left out %v", name, aids)
		}
	}
	old, _, _ := lamp(2, "Lamp")
	twin, _, _ := lamp(7, "Lamp")
	if aids := publish(twin, bridge(), old); len(aids) != 1 || aids[0] != 7 {
		t.Errorf("of two with one serial number the newer has to go: %v", aids)
	}
	if err := s.Publish(t.Context(), old); err == nil {
		t.Error("a server without accessory 1 was published")
	}
	number := s.Announcement().TXT["c#"]
	if aids := publish(bridge(), old); aids != nil || s.Announcement().TXT["c#"] != number {
		t.Errorf("a refused server has changed something: %v", aids)
	}
}

// TestDefaultsFit: a controller that reads before the device has spoken gets
// something that the limits allow.
func TestDefaultsFit(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]*hap.Characteristic{
		"140":  {Format: hap.FormatUint32, Min: hap.Int(140), Max: hap.Int(500)},
		"10":   {Format: hap.FormatFloat, Min: hap.Float(10), Max: hap.Float(38)},
		"-3":   {Format: hap.FormatInt, Max: hap.Int(-3)},
		"2":    {Format: hap.FormatUint8, ValidValues: []int64{2, 3}},
		"4":    {Format: hap.FormatUint8, ValidRange: []int64{4, 9}},
		"0":    {Format: hap.FormatInt, Min: hap.Int(-9), Max: hap.Int(9)},
		"null": {Type: "73", Format: hap.FormatUint8, ValidValues: []int64{1}},
		`""`:   {Format: hap.FormatTLV8},
	} {
		if c.Type == "" {
			c.Type = foreign(1)
		}
		c.Perms = hap.PermRead | hap.PermEvents
		_, _, client := paired(t, hap.Options{}, bridge(), sensor(2, "Sensor", c))
		if got := entries(t, do(t, client, 200, "GET", "/characteristics?id=2.9", "")); string(got[0].Value) != want {
			t.Errorf("%s: read %s", want, got[0].Value)
		}
		var db struct {
			Accessories []struct {
				Services []struct{ Characteristics []entry }
			}
		}
		if err := json.Unmarshal(do(t, client, 200, "GET", "/accessories", ""), &db); err != nil {
			t.Fatal(err)
		}
		if got := db.Accessories[1].Services[1].Characteristics[0].Value; string(got) != want {
			t.Errorf("%s: database %s", want, got)
		}
	}
}

func TestSetNeverClamps(t *testing.T) {
	c := &hap.Characteristic{Type: "8", Format: hap.FormatInt, Min: hap.Int(0), Max: hap.Int(100)}
	if err := c.Set(hap.Int(50)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []hap.Value{hap.Int(101), hap.Int(-1), hap.Float(1.5), hap.String("50")} {
		if err := c.Set(bad); !errors.Is(err, hap.StatusInvalidValue) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if v, _ := c.Value(); v != hap.Int(50) {
		t.Errorf("value moved to %v", v)
	}
}
