package vault_test

import (
	"testing"

	"github.com/ingle-home/ingle/storage/vault"
)

// Passwords as people make them, twenty weak and twenty strong ones for each of
// the shipped languages. No weak one is taken, no strong one refused.
func TestSamples(t *testing.T) {
	weak := map[string][]string{
		"en": {
			"password12345678", "Password!Password", "letmeinletmein1!", "summer2026summer", "Christmas2025!!!!", "iloveyouforever1", "welcomehome2026!",
			"qwertyuiop123456", "1q2w3e4r5t6y7u8i", "zxcvbnm,./zxcvbnm", "manchesterunited1", "ilovemyfamily2024", "happybirthday1990", "monday tuesday 12",
			"abcdefghijklmnop", "1234567890123456", "12 December 1987", "sunflower-garden", "chocolate cookie 7", "aaaaabbbbbcccccddddd",
		},
		"de": {
			"passwort12345678", "Passwort!Passwort", "willkommen2026!!", "Sommer2026Sommer", "Weihnachten2025!", "ichliebedich1234", "schatzischatzi99",
			"qwertzuiopü12345", "1q2w3e4r5t6z7u8i", "yxcvbnm,yxcvbnm,", "bayernmünchen123", "meinefamilie2024", "Geburtstag 24.12.1990", "montag dienstag 1",
			"zyxwvutsrqponmlk", "147258369147258", "31.12.1999 31.12.1999", "sonnenblume garten", "Kartoffelsuppe 12", "FrankfurtStuttgart1",
		},
	}
	strong := map[string][]string{
		"en": {
			"quokka umbrella tarmac violin", "zebra-lagoon-crisp-unicycle-mint", "x7!kQ9#mP2$vL4z", "my aunt's parrot recites tax law", "Seventeen damp ferrets yodel",
			"correct thimble yodels at dawn", "tangerine fjord mnemonic plinth", "gh4Tz-pw9Lk-mm2Xq", "the kettle argues with ducklings", "rhubarb! quarrels? obviously.",
			"nine velvet submarines giggle", "otter-pickle-harbour-violet-lantern", "blimey, wombats knit mufflers", "Vexed Gnu Plays Dulcimer", "j'ai vu trois hérissons verts",
			"no toads were bribed yesterday", "kxvqz wjhpl mrtbd", "perhaps Edinburgh dreams of shrimp", "whirring cog sandwich epistle", "crumpets befriend algebra slowly",
		},
		"de": {
			"der mond kocht heute linsensuppe", "Grüne Tür, drei Kamele", "otter-kuchen-seil-birke-zirkus", "Vierzehn Dachse jodeln schief", "mein Onkel züchtet Gewitter",
			"Zwetschge stolpert über Gleis", "kein Dackel wurde je befördert", "Quark verhandelt mit Möwen", "übermorgen fliegen die Stühle", "x9#Lp2!vRt7$kWq",
			"Brummkreisel tröstet Hydranten", "acht samtene U-Boote kichern", "Lurche stricken Ohrenschützer", "neulich bellte der Toaster", "schräge Gurken philosophieren",
			"Tante Käthes Papagei zitiert Goethe", "hinterm Deich gähnt ein Klavier", "Igel mogeln beim Kniffel", "pfützenforscher bevorzugen lila", "wmzqk lrtvh xpdbn",
		},
	}
	for language, list := range weak {
		for _, password := range list {
			if err := vault.Judge(password, nil); err == nil {
				t.Errorf("%s: %q is taken", language, password)
			}
		}
	}
	for language, list := range strong {
		for _, password := range list {
			if err := vault.Judge(password, nil); err != nil {
				t.Errorf("%s: %q: %v", language, password, err)
			}
		}
	}
}
