package homekit

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// Names and versions are unexported, and controllers see too few of them to fill these tables.

func TestFirmwareThatAppleTakes(t *testing.T) {
	for said, want := range map[string]string{
		"":                                   "1.0.0",
		"nightly":                            "1.0.0",
		"0":                                  "1.0.0",
		"0.0.0":                              "1.0.0",
		"1":                                  "1.0.0",
		"1.0":                                "1.0.0",
		"1.2.3":                              "1.2.3",
		"1.2.3.4":                            "1.2.3",
		"v2.4-build 7":                       "2.4.7",
		"2020":                               "2020.0.0",
		"2020-05-07":                         "2020.5.7",
		"20240115":                           "20240115.0.0",
		"20240115123045":                     "202401151.0.0",
		"001.002.003":                        "1.2.3",
		"v00001.9999999999999.-3":            "1.999999999.3",
		"V5.7.3 build 220315":                "5.7.3",
		"V2.800.0000000.16.R, build 2020-05": "2.800.0",
		"Model 3 v2.4":                       "2.4.0",
		"IPC-HDW2431 V2.8":                   "2.8.0",
		"1..2":                               "1.2.0",
		"-1.-2.-3":                           "1.2.3",
		"١.٢.٣":                              "1.0.0",
		"\xff1.\xff2":                        "1.2.0",
		strings.Repeat("9", 1000):            "999999999.0.0",
		strings.Repeat("x", 70) + "2.0":      "1.0.0",
	} {
		if got := firmware(said); got != want {
			t.Errorf("%q gives %s, want %s", said, got, want)
		}
	}
}

func TestWordsThatAppleTakes(t *testing.T) {
	for said, want := range map[string]string{
		"":                                "instead",
		"X":                               "instead",
		" X ":                             "instead",
		"\x00X\x07":                       "instead",
		"X1":                              "X1",
		"  Acme  ":                        "Acme",
		"two\twords":                      "two words",
		"line\r\nline":                    "line line",
		"no\u00a0break":                   "no break",
		"\u202eoverride":                  "override",
		"Ä\xffÖ":                          "ÄÖ",
		"\xff\xfe":                        "instead",
		strings.Repeat("ä", 99):           strings.Repeat("ä", 64),
		strings.Repeat("a", 63) + " tail": strings.Repeat("a", 63),
	} {
		if got := plain(said, "instead"); got != want {
			t.Errorf("%q gives %q, want %q", said, got, want)
		}
	}
}

func TestNamesThatAppleTakes(t *testing.T) {
	for said, want := range map[string]string{
		"Porch":                        "Porch",
		"Mia's Watch":                  "Mia's Watch",
		"Mia’s Watch":                  "Mia’s Watch",
		"Dining (left), No. 2":         "Dining (left), No. 2",
		"Tea & Co: a-b/c_d;e!":         "Tea & Co: a-b/c_d;e",
		"":                             "Thing",
		"!":                            "Thing",
		"🚀":                            "Thing",
		"é":                            "Thing é",
		"7":                            "Thing 7",
		"TV":                           "TV",
		"  Porch   light ":             "Porch light",
		"Porch\nlight":                 "Porch light",
		"Porch+light":                  "Porch light",
		"“Porch”":                      "Porch",
		"(Porch)":                      "Porch",
		"Porch'":                       "Porch",
		"Porch\u00a0light":             "Porch light",
		"🚀 Rocket 🚀":                   "Rocket",
		"\xffPorch\xff":                "Porch",
		"台所":                           "台所",
		"Кухня":                        "Кухня",
		"मिया":                         "मिया",
		"\u0301Porch":                  "Porch",
		strings.Repeat("a", 99):        strings.Repeat("a", 64),
		strings.Repeat("a", 63) + "-b": strings.Repeat("a", 63),
	} {
		if got := speakable(said, longest); got != want {
			t.Errorf("%q gives %q, want %q", said, got, want)
		}
	}
}

func TestNamesAreToldApart(t *testing.T) {
	n := names{}
	for _, c := range []struct{ said, want string }{
		{"Lamp", "Lamp"}, {"Lamp", "Lamp 2"}, {"LAMP", "LAMP 3"}, {"Lamp 2", "Lamp 2 2"}, {" lamp!", "lamp 4"},
		{strings.Repeat("x", 80), strings.Repeat("x", 64)}, {strings.Repeat("x", 80), strings.Repeat("x", 62) + " 2"},
		{"", "Thing"}, {"🚀", "Thing 2"},
	} {
		if got := n.unique(c.said); got != c.want {
			t.Errorf("%q gives %q, want %q", c.said, got, c.want)
		}
	}
	if got := joined(strings.Repeat("x", 64), " Battery"); got != strings.Repeat("x", 56)+" Battery" {
		t.Errorf("a long name with a word: %q", got)
	}
}

func FuzzWhatAppleTakes(f *testing.F) {
	for _, said := range []string{"", "1.2.3", "🚀\x00\xff", "é́́", strings.Repeat("(a) ", 99), "\u202e", "٣.٤"} {
		f.Add(said)
	}
	version := regexp.MustCompile(`^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}$`)
	f.Fuzz(func(t *testing.T, said string) {
		if got := firmware(said); !version.MatchString(got) || got == "0.0.0" {
			t.Errorf("%q has the version %q", said, got)
		}
		for _, got := range []string{plain(said, "instead"), speakable(said, longest), joined(said, " Battery"), names{}.unique(said)} {
			if n := utf8.RuneCountInString(got); n < 2 || n > longest || !utf8.ValidString(got) {
				t.Errorf("%q gives %q", said, got)
			}
		}
		if got := speakable(said, longest); speakable(got, longest) != got {
			t.Errorf("%q gives %q, which is changed again", said, got)
		}
	})
}
