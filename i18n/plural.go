package i18n

// A rule gives the CLDR category of a whole number that is not negative.
type rule func(n int) string

// The rules follow the Unicode CLDR, plurals.xml, for whole numbers. Its category "many" of the
// Romance languages is for whole millions ("un million de jours"); "other" of Polish is for fractions,
// which Count never has, yet a catalog holds it, for it is the form that every language has.
func ruleOf(lang string) rule {
	switch lang {
	case "fr", "pt_BR":
		return func(n int) string { return romance(n <= 1, n) }
	case "es", "it":
		return func(n int) string { return romance(n == 1, n) }
	case "pl":
		return polish
	}
	return func(n int) string {
		if n == 1 {
			return "one"
		}
		return "other"
	}
}

func romance(one bool, n int) string {
	switch {
	case one:
		return "one"
	case n != 0 && n%1_000_000 == 0:
		return "many"
	}
	return "other"
}

func polish(n int) string {
	switch tens, ones := n%100, n%10; {
	case n == 1:
		return "one"
	case ones >= 2 && ones <= 4 && (tens < 12 || tens > 14):
		return "few"
	}
	return "many"
}

// Forms lists the plural categories that a catalog in the language has for each text that counts.
func Forms(lang string) []string {
	switch lang {
	case "fr", "pt_BR", "es", "it":
		return []string{"many", "one", "other"}
	case "pl":
		return []string{"few", "many", "one", "other"}
	}
	return []string{"one", "other"}
}
