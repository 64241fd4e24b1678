package devicetest

import (
	"strings"

	"github.com/BurntSushi/toml"
)

// quality is what a driver's quality.toml says of each check: "done" or "exempt: reason".
type quality map[string]string

// readQuality reads the file and says what is wrong with the file itself.
func readQuality(path string, level Level) (q quality, wrong []Finding) {
	if path == "" {
		return nil, nil
	}
	if _, err := toml.DecodeFile(path, &q); err != nil {
		return nil, []Finding{{"quality", err.Error()}}
	}
	known := map[string]bool{}
	for _, c := range checks() {
		known[c.name] = true
		word, listed := q[c.name]
		why, exempt := strings.CutPrefix(word, "exempt:")
		switch {
		case !listed && c.level <= level:
			wrong = append(wrong, Finding{"quality", c.name + " is missing"})
		case exempt && strings.TrimSpace(why) == "":
			wrong = append(wrong, Finding{"quality", c.name + " is exempt without a reason"})
		case listed && !exempt && word != "done":
			wrong = append(wrong, Finding{"quality", c.name + ` is neither "done" nor "exempt: reason"`})
		}
	}
	for name := range q {
		if !known[name] {
			wrong = append(wrong, Finding{"quality", name + " is not a check"})
		}
	}
	return q, wrong
}

// exempt says whether a check is not to be run. What is exempt without a reason is run.
func (q quality) exempt(name string) bool {
	why, exempt := strings.CutPrefix(q[name], "exempt:")
	return exempt && strings.TrimSpace(why) != ""
}

func (q quality) done(name string) bool { return q[name] == "done" }
