package vault_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/vault"
)

func TestJudge(t *testing.T) {
	names := []string{"Mia", "Noor", "Sam", "Lindenhof Nord"}
	for password, want := range map[string]string{
		"":                               "password.too_short",
		"x7!kQ9#mP2$vL4":                 "password.too_short",
		"ﬁﬁﬁﬁ":                           "password.too_short", // ligatures count as two each
		strings.Repeat("x7!kQ9#mP2", 13): "password.too_long",
		strings.Repeat("x", 5000):        "password.too_long",

		"aaaaaaaaaaaaaaaaaaaa": "password.repeats",
		"xk9!xk9!xk9!xk9!":     "password.repeats",
		"ababababababababab":   "password.repeats",

		"123456789012345":      "password.sequence",
		"abcdefghijklmnopqrst": "password.sequence",
		"zyxwvutsrqponmlkj":    "password.sequence",
		"13579bdfhjlnprtvxz":   "password.sequence",

		"qwertyuiopasdfghjkl":  "password.keyboard",
		"qwertzuiopüasdfgh":    "password.keyboard",
		"1qaz2wsx3edc4rfv5tgb": "password.keyboard",
		"poiuytrewqlkjhgfdsa":  "password.keyboard",

		"31.12.1999-24.12.2001": "password.date",
		"199912312001122420":    "password.date",

		"MiaNoorSamMia2015":  "password.name",
		"l1nd3nh0f nord mia": "password.name",

		"password12345678":             "password.common",
		"P@ssw0rdP@ssw0rd":             "password.common",
		"Willkommen Zuhause 2026":      "password.common",
		"iloveyou sunshine!":           "password.common",
		"correct horse battery staple": "password.common",
	} {
		err := vault.Judge(password, names)
		var why *vault.Refusal
		if !errors.As(err, &why) {
			t.Errorf("%q is taken, want %s", password, want)
		} else if why.Code != want {
			t.Errorf("%q: %s, want %s", password, why.Code, want)
		}
	}
	for _, password := range []string{
		"quokka umbrella tarmac violin",
		"Grüne Tür, drei Kamele",
		"der mond kocht heute linsensuppe",
		"x7!kQ9#mP2$vL4z",
		"ноты на снегу тают",
		"雨の日は傘を忘れて走るのが好きだ",
		"zebra-lagoon-crisp-unicycle-mint",
		"שלום \u202e wolke lampe zitrone",
		"🦊🌧️🧦🪁🥨🦉🧵🪐🌵🥁🪜🐌🍇🧭👩\u200d🚒",
	} {
		if err := vault.Judge(password, names); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

// What no phone can type again would lock out.
func TestJudgeRefusesWhatCannotBeTyped(t *testing.T) {
	for _, password := range []string{
		"Gr\xfc\xdfe aus dem h\xfcgeligen Odenwald",       // Latin-1
		"Gr\ufffd\ufffde aus dem h\ufffdgeligen Odenwald", // the same through JSON
		"\ufeffder mond kocht heute linsensuppe",          // a byte order mark
		"der mond kocht\nheute linsensuppe",               // a restore reads one line
		"der mond kocht\x00heute linsensuppe",
		"der mond\tkocht heute linsensuppe",
	} {
		var why *vault.Refusal
		if err := vault.Judge(password, nil); !errors.As(err, &why) || why.Code != "password.unreadable" {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add("passwordpassword", "Mia")
	f.Add(strings.Repeat("ä", 128), "")
	f.Add("\xff\xfe\x00123456789abcdef", "\xff")
	f.Fuzz(func(t *testing.T, password, name string) {
		err := vault.Judge(password, []string{name})
		var why *vault.Refusal
		if err != nil && (!errors.As(err, &why) || !strings.HasPrefix(why.Code, "password.")) {
			t.Errorf("%q: %v", password, err)
		}
	})
}

// The measure never contradicts the judge, and grows as a password does.
func TestWeigh(t *testing.T) {
	last := 0
	for _, p := range []string{"", "otter", "otter-lantern", "otter-lantern-violet", "otter-lantern-violet-harbour-pickle"} {
		got := vault.Weigh(p, nil)
		if well := vault.Judge(p, nil) == nil; well != (got >= 100) || got < last {
			t.Errorf("%q weighs %d %%, after %d %%; it will do: %v", p, got, last, well)
		}
		last = got
	}
	for _, p := range []string{"passwordpassword12345678", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Mia und Noor wohnen hier"} {
		if got := vault.Weigh(p, []string{"Mia", "Noor"}); got >= 100 != (vault.Judge(p, []string{"Mia", "Noor"}) == nil) {
			t.Errorf("%q weighs %d %%", p, got)
		}
	}
}
