package house

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const importsList = "imports.txt"

// borders is .ci/imports.txt, sorted by verb.
type borders struct {
	may   map[string][]string // package or tree → what it may import of ours
	test  map[string][]string // the same, in its tests besides
	only  map[string][]string // library → its importers
	never map[string]string   // library → why not
}

// Imports checks .ci/imports.txt: which of our packages may import which, which one alone may
// import a library, and which library nobody may.
func (t *Tree) Imports() ([]Problem, error) {
	rules, err := t.rules(importsList)
	if err != nil {
		return nil, err
	}
	b, out := readBorders(rules)
	unlisted := map[string]bool{}
	for _, s := range t.goes {
		if entry(b.may, s.dir) == "" {
			if !unlisted[s.dir] {
				unlisted[s.dir] = true
				out = append(out, Problem{s.file, 0, "package " + s.dir + " is not listed in .ci/imports.txt: say what it may import"})
			}
			continue
		}
		for _, i := range s.Imports {
			target, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return nil, fmt.Errorf("house: %s: %w", s.file, err)
			}
			if why := b.refuse(s, t.module, target); why != "" {
				out = append(out, Problem{s.file, t.line(i.Pos()), why})
			}
		}
	}
	return out, nil
}

func readBorders(rules []rule) (*borders, []Problem) {
	b := &borders{may: map[string][]string{}, test: map[string][]string{}, only: map[string][]string{}, never: map[string]string{}}
	var out []Problem
	for _, r := range rules {
		if len(r.words) < 3 {
			out = append(out, r.problem("a line is: NAME may|test|only|never WORDS"))
			continue
		}
		name, rest := r.words[0], r.words[2:]
		switch r.words[1] {
		case "may":
			b.may[name] = append(b.may[name], rest...)
		case "test":
			b.test[name] = append(b.test[name], rest...)
		case "only":
			b.only[name] = append(b.only[name], rest...)
		case "never":
			b.never[name] = strings.Join(rest, " ")
		default:
			out = append(out, r.problem("unknown verb %q: may, test, only or never", r.words[1]))
		}
	}
	return b, out
}

// refuse says why s must not import target, "" when it may.
func (b *borders) refuse(s *source, module, target string) string {
	if target == module {
		target = module + "/."
	}
	if own, ok := strings.CutPrefix(target, module+"/"); ok {
		return b.refuseOurs(s, own)
	}
	return b.refuseTheirs(s, target)
}

func (b *borders) refuseOurs(s *source, target string) string {
	from := entry(b.may, s.dir)
	allowed := slices.Clone(b.may[from])
	if s.test {
		allowed = append(allowed, b.test[from]...)
		allowed = append(allowed, s.dir) // package x_test
	}
	if strings.HasSuffix(from, "/...") {
		allowed = append(allowed, from) // a tree knows itself
	}
	if slices.ContainsFunc(allowed, func(p string) bool { return covers(p, target) }) {
		return ""
	}
	return fmt.Sprintf("%s must not import %s: .ci/imports.txt allows %s", s.dir, target, strings.Join(allowed, " "))
}

func (b *borders) refuseTheirs(s *source, target string) string {
	library := longest(target, b.only, b.never)
	if library == "" {
		return ""
	}
	if why, banned := b.never[library]; banned {
		return fmt.Sprintf("nobody imports %s: %s", target, why)
	}
	if s.test || slices.ContainsFunc(b.only[library], func(p string) bool { return covers(p, s.dir) }) {
		return ""
	}
	return fmt.Sprintf("%s must not import %s: only %s does", s.dir, target, strings.Join(b.only[library], " "))
}

// covers says whether a pattern ("hub/hap", or "hub/hap/..." for it and all below) means dir.
func covers(pattern, dir string) bool {
	tree, deep := strings.CutSuffix(pattern, "/...")
	return dir == tree || deep && strings.HasPrefix(dir, tree+"/")
}

// entry finds the most exact line for dir.
func entry(lines map[string][]string, dir string) (best string) {
	for pattern := range lines {
		if covers(pattern, dir) && (best == "" || pattern == dir || best != dir && len(pattern) > len(best)) {
			best = pattern
		}
	}
	return best
}

// longest finds the most exact library that target belongs to.
func longest(target string, only map[string][]string, never map[string]string) (best string) {
	for library := range only {
		if covers(library+"/...", target) && len(library) > len(best) {
			best = library
		}
	}
	for library := range never {
		if covers(library+"/...", target) && len(library) > len(best) {
			best = library
		}
	}
	return best
}
