package vault

import (
	"strings"
	"testing"
)

func TestMistyped(t *testing.T) {
	const code = "1ETE-KSK0-3S22-QGCJ-V1CR-KG9V-T0P5"
	if _, err := parseCode(code); err != nil {
		t.Fatal(err)
	}
	slip := "Z" + code[1:]
	for typed, want := range map[string]bool{
		code:                                false,
		slip:                                true,
		strings.ToLower(slip):               true,
		strings.ReplaceAll(slip, "-", " "):  true,
		code[:len(code)-1]:                  true, // one sign short
		code + "7":                          true,
		code[:len(code)-3]:                  false,
		"":                                  false,
		secret:                              false,
		another:                             false,
		"correct horse battery staple 1987": false,
		"twenty eight letters no digit":     false,
		strings.Repeat("1", maxTyped+1):     false,
		strings.Repeat("ü1", allSigns/2):    false,
	} {
		if got := Mistyped(typed); got != want {
			t.Errorf("%q: %v", typed, got)
		}
	}
}
