package home_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/home"
)

// paper is a store that keeps nothing: names are judged before anything is kept.
type paper struct{ home.Store }

func (paper) Load(context.Context) (home.Contents, error)   { return home.Contents{}, nil }
func (paper) SavePerson(context.Context, home.Person) error { return nil }

func TestNamesOfEveryScript(t *testing.T) {
	h, err := home.Open(t.Context(), paper{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"Mia", "Jörg", "Zoe\u0308", "O’Neil", "\u092e\u0940\u0928\u093e", "\u0e1b\u0e39\u0e48", "مايا", "小明", strings.Repeat("é", 64),
	} {
		if p, err := h.AddPerson(t.Context(), name, home.Member); err != nil || p.Name != name {
			t.Errorf("%q: %q, %v", name, p.Name, err)
		}
	}
	for _, name := range []string{
		"", "a", "\u0301\u0301", "\u202eevil", "Zo\u200bé", "Mia.", ".Mia", ".\u0301\u0301", "a\x00b", "\xff\xfe\xfd", "<b>Mia</b>", "😀😀", strings.Repeat("é", 65),
	} {
		if p, err := h.AddPerson(t.Context(), name, home.Member); !errors.Is(err, home.ErrName) {
			t.Errorf("%q became %q, %v", name, p.Name, err)
		}
	}
}
