package home

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ForgetPerson takes somebody out of the home, and off the things that were theirs. The person's key goes
// first, and with it all that is kept under it. Somebody who is not there is no error: it may be done again.
func (h *Home) ForgetPerson(ctx context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.store.DropPerson(ctx, id); err != nil {
		return err
	}
	h.has.People = slices.DeleteFunc(slices.Clone(h.has.People), func(p Person) bool { return p.ID == id })
	return nil
}

// RemoveZone takes a zone out of the home. One that is not there is no error.
func (h *Home) RemoveZone(ctx context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.store.DropZone(ctx, id); err != nil {
		return err
	}
	h.has.Zones = slices.DeleteFunc(slices.Clone(h.has.Zones), func(z Zone) bool { return z.ID == id })
	return nil
}

// Disown gives a thing a name that says nothing of anybody, in no room and with no owner; its identity stays.
func (h *Home) Disown(ctx context.Context, id string) error {
	_, err := h.changeAccessory(ctx, id, nil, func(a *Accessory) error {
		h.unname(a)
		a.Person = ""
		return nil
	})
	return err
}

// Unname is Disown of a thing that stays whose it is: it only bears somebody else's name.
func (h *Home) Unname(ctx context.Context, id string) error {
	_, err := h.changeAccessory(ctx, id, nil, func(a *Accessory) error {
		h.unname(a)
		return nil
	})
	return err
}

func (h *Home) unname(a *Accessory) {
	neutral := strings.ToUpper(a.Kind[:1]) + a.Kind[1:]
	if number, is := strings.CutPrefix(a.Name, neutral); !is || strings.Trim(number, " 0123456789") != "" {
		a.Name = h.unique(neutral)
	}
	a.Room = ""
}

// Names says whether a text names somebody: their name is a word of it, or begins one, as in "Mias Uhr".
func (p Person) Names(text string) bool {
	name := strings.ToLower(p.Name)
	if name == "" {
		return false
	}
	rest := strings.ToLower(text)
	for {
		at := strings.Index(rest, name)
		if at < 0 {
			return false
		}
		before, _ := utf8.DecodeLastRuneInString(rest[:at])
		after := strings.TrimLeftFunc(rest[at+len(name):], unicode.IsMark)
		if !plain(before) && len(wordOf(after)) <= len("s") {
			return true
		}
		rest = rest[at+len(name):]
	}
}

// wordOf is how the word goes on.
func wordOf(s string) string {
	for i, r := range s {
		if !plain(r) {
			return s[:i]
		}
	}
	return s
}

// Naming lists what names somebody and is not theirs: zones, and things by their name or room.
func (c Contents) Naming(p Person) (zones, things []string) {
	for _, z := range c.Zones {
		if p.Names(z.Name) {
			zones = append(zones, z.ID)
		}
	}
	for _, a := range c.Accessories {
		if a.Person != p.ID && (p.Names(a.Name) || p.Names(a.Room)) {
			things = append(things, a.ID)
		}
	}
	return zones, things
}
