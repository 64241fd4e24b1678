package devicetest

import (
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// compareQuality holds a driver's quality.toml against what the suite saw.
func compareQuality(path string, level Level, found []Finding, ran []string) (wrong []Finding) {
	var says map[string]string
	if _, err := toml.DecodeFile(path, &says); err != nil {
		return []Finding{{"quality", err.Error()}}
	}
	known := map[string]bool{}
	for _, c := range checks() {
		known[c.name] = true
		if c.level > level {
			continue
		}
		word, listed := says[c.name]
		why, exempt := strings.CutPrefix(word, "exempt:")
		switch {
		case !listed:
			wrong = append(wrong, Finding{"quality", c.name + " is missing"})
		case exempt && strings.TrimSpace(why) == "":
			wrong = append(wrong, Finding{"quality", c.name + " is exempt without a reason"})
		case !exempt && word != "done":
			wrong = append(wrong, Finding{"quality", c.name + ` is neither "done" nor "exempt: reason"`})
		case word == "done" && !slices.Contains(ran, c.name):
			wrong = append(wrong, Finding{"quality", c.name + " is said to be done and did not run"})
		}
	}
	for name := range says {
		if !known[name] {
			wrong = append(wrong, Finding{"quality", name + " is not a check"})
		}
	}
	return wrong
}
