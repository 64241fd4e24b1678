// Package facts is what is known of makers and models that a device cannot tell about itself: whom to write
// to about a hole, until when there are updates, which firmware has which known hole. It is a signed file
// that comes with the program, and nobody is asked over the network.
//
// Each fact has the address that it was read at and the day. The file is JSON with one line after it,
//
//	ed25519 KEY SIGNATURE
//
// both in base64, over all bytes before that line. The public key is compiled in (release.pub); the private one is not in this
// repository. `go run ./hub/label/facts/sign` makes keys and signatures.
package facts

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed release.pub
var releaseKey string

//go:embed facts.signed
var shipped []byte

// maxFile bounds a file of facts, and maxMakers and maxModels what one may list.
const (
	maxFile   = 4 << 20
	maxMakers = 4096
	maxModels = 65536
)

// ErrSignature says that a file is not signed by the key that is asked for, or was changed since.
var ErrSignature = errors.New("facts: the signature does not fit")

// ErrForm says that a signed file is not what a file of facts is.
var ErrForm = errors.New("facts: not a file of facts")

// Day is a date without a time, "2026-10-31".
type Day string

// Time is the day's first moment in UTC; zero for a day that is none.
func (d Day) Time() time.Time {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return time.Time{}
	}
	return t
}

// Source is where a fact was read, and when.
type Source struct {
	Address string `json:"source"`
	Read    Day    `json:"read"`
}

// Contact is whom to write to about a hole.
type Contact struct {
	Address string `json:"address"`
	Source
}

// Support is until when a model gets updates.
type Support struct {
	Until Day `json:"until"`
	Source
}

// Firmware is the newest version that the maker gave out.
type Firmware struct {
	Version string `json:"version"`
	Day     Day    `json:"day,omitempty"`
	Source
}

// Hole is a known weakness of firmware before a version, or built before a day.
type Hole struct {
	ID     string `json:"id"` // "CVE-2021-36260"
	Before string `json:"before,omitempty"`
	Built  Day    `json:"built_before,omitempty"`
	Source
}

// Model is one model of a maker, or all of them where Name is "*".
type Model struct {
	Name     string    `json:"model"`
	Support  *Support  `json:"support,omitempty"`
	Firmware *Firmware `json:"firmware,omitempty"`
	Holes    []Hole    `json:"holes,omitempty"`
}

// Maker is one maker, under every name that its devices give.
type Maker struct {
	Names   []string `json:"names"`
	Contact *Contact `json:"contact,omitempty"`
	Models  []Model  `json:"models,omitempty"`
}

// Facts is a list. Made is its day, Expires the first on which nobody should believe it any more.
type Facts struct {
	Made    Day     `json:"made"`
	Expires Day     `json:"expires"`
	Makers  []Maker `json:"makers"`
}

// Shipped is the list that came with the program.
func Shipped() (Facts, error) { return Parse(shipped, ReleaseKey()) }

// ReleaseKey is the key that signs what comes with the program.
func ReleaseKey() ed25519.PublicKey {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(releaseKey))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return make(ed25519.PublicKey, ed25519.PublicKeySize) // nobody's: nothing is signed by it
	}
	return key
}

// Sign appends the line with the signature to a list in JSON.
func Sign(list []byte, key ed25519.PrivateKey) []byte {
	body := append(bytes.TrimRight(list, "\n"), '\n')
	e := base64.StdEncoding
	line := "ed25519 " + e.EncodeToString(key.Public().(ed25519.PublicKey)) + " " + e.EncodeToString(ed25519.Sign(key, body)) + "\n"
	return append(body, line...)
}

// Parse reads a signed file. The key that the file names counts for nothing: it must be this one.
func Parse(file []byte, key ed25519.PublicKey) (Facts, error) {
	if len(file) > maxFile {
		return Facts{}, fmt.Errorf("%w: %d bytes", ErrForm, len(file))
	}
	end := bytes.LastIndexByte(bytes.TrimSuffix(file, []byte("\n")), '\n') + 1
	body, line := file[:end], strings.Fields(string(file[end:]))
	if len(line) != 3 || line[0] != "ed25519" {
		return Facts{}, ErrSignature
	}
	signature, err := base64.StdEncoding.DecodeString(line[2])
	if err != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, body, signature) {
		return Facts{}, ErrSignature
	}
	var f Facts
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	if err := in.Decode(&f); err != nil {
		return Facts{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return f, f.sound()
}

// sound refuses a list with a fact that does not say where it is from.
func (f Facts) sound() error {
	models := 0
	if f.Made.Time().IsZero() || !f.Expires.Time().After(f.Made.Time()) || len(f.Makers) > maxMakers {
		return fmt.Errorf("%w: its dates or its size", ErrForm)
	}
	for _, m := range f.Makers {
		if models += len(m.Models); len(m.Names) == 0 || models > maxModels {
			return fmt.Errorf("%w: a maker without a name, or too many models", ErrForm)
		}
		for _, s := range m.sources() {
			u, err := url.Parse(s.Address)
			if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || s.Read.Time().IsZero() {
				return fmt.Errorf("%w: %s: a fact without a source and a day", ErrForm, m.Names[0])
			}
		}
	}
	return nil
}

func (m Maker) sources() []Source {
	var all []Source
	if m.Contact != nil {
		all = append(all, m.Contact.Source)
	}
	for _, one := range m.Models {
		if one.Support != nil {
			all = append(all, one.Support.Source)
		}
		if one.Firmware != nil {
			all = append(all, one.Firmware.Source)
		}
		for _, h := range one.Holes {
			all = append(all, h.Source)
		}
	}
	return all
}

// Of gives what is known of a maker and a model; a model of the list that is named exactly hides what
// is said of all. Known is false for a maker that is not on the list.
func (f Facts) Of(maker, model string) (m Maker, of Model, known bool) {
	i := slices.IndexFunc(f.Makers, func(m Maker) bool {
		return slices.ContainsFunc(m.Names, func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(maker)) })
	})
	if i < 0 || strings.TrimSpace(maker) == "" {
		return Maker{}, Model{}, false
	}
	m = f.Makers[i]
	for _, one := range m.Models {
		if one.Name == "*" {
			of.Support, of.Firmware = cmp.Or(of.Support, one.Support), cmp.Or(of.Firmware, one.Firmware)
		} else if strings.EqualFold(one.Name, strings.TrimSpace(model)) {
			of.Support, of.Firmware = cmp.Or(one.Support, of.Support), cmp.Or(one.Firmware, of.Firmware)
		} else {
			continue
		}
		of.Holes = append(of.Holes, one.Holes...)
	}
	of.Name = model
	return m, of, true
}

// In says whether firmware has the hole; known is false where its version does not tell.
func (h Hole) In(firmware string) (has, known bool) {
	if h.Before != "" {
		order, ok := Compare(firmware, h.Before)
		return order < 0, ok
	}
	built := Built(firmware)
	return built.Before(h.Built.Time()), !built.IsZero() && h.Built != ""
}

// Compare orders two versions by their numbers; ok is false where one has none.
func Compare(a, b string) (order int, ok bool) {
	x, y := numbers(a), numbers(b)
	return slices.Compare(x, y), len(x) > 0 && len(y) > 0
}

// numbers are those of a version, "V5.5.82 build 190318": 5, 5, 82. Zeros at the end do not count.
func numbers(version string) []uint64 {
	first := regexp.MustCompile(`[0-9]+(\.[0-9]+)*`).FindString(version)
	var all []uint64
	for part := range strings.SplitSeq(first, ".") {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return nil
		}
		all = append(all, n)
	}
	for len(all) > 1 && all[len(all)-1] == 0 {
		all = all[:len(all)-1]
	}
	return all
}

// Built is the day on which firmware was built, if its version says so: "build 190318", "20190318" or
// "2019-03-18". Zero if not.
func Built(firmware string) time.Time {
	form := regexp.MustCompile(`(?i)build[ _.-]*([0-9]{6})(?:[^0-9]|$)|(?:^|[^0-9])(20[0-9]{2})[-._]?([01][0-9])[-._]?([0-3][0-9])(?:[^0-9]|$)`)
	m := form.FindStringSubmatch(firmware)
	if m == nil {
		return time.Time{}
	}
	digits := m[2] + m[3] + m[4]
	if m[1] != "" {
		digits = "20" + m[1]
	}
	t, err := time.Parse("20060102", digits)
	if err != nil || t.Year() < 2000 {
		return time.Time{}
	}
	return t
}
