package house

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const budgetList = "budget.txt"

// The kinds of rule that .ci/budget.txt can set a limit for or except something from.
const (
	fileLines    = "file-lines"
	funcLines    = "func-lines"
	packageFiles = "package-files"
	noInit       = "init"
	noSleep      = "sleep"
	docs         = "doc"
	noGlobal     = "global"
	names        = "name"
)

// budget is .ci/budget.txt, and what the check of it has found so far.
type budget struct {
	tree   *Tree
	limits map[string]int
	banned []string
	except map[string]map[string]*exception // kind → what
	found  []Problem
}

type exception struct {
	rule
	used bool
}

// Budget checks .ci/budget.txt: sizes, descriptions, names, and what has no place here at all.
// An exception that nothing needs any more is a problem too, so the list stays true.
func (t *Tree) Budget() ([]Problem, error) {
	rules, err := t.rules(budgetList)
	if err != nil {
		return nil, err
	}
	b := &budget{tree: t, limits: map[string]int{}, except: map[string]map[string]*exception{}}
	for _, kind := range []string{fileLines, funcLines, packageFiles, noInit, noSleep, docs, noGlobal, names} {
		b.except[kind] = map[string]*exception{}
	}
	for _, r := range rules {
		if !b.take(r) {
			b.found = append(b.found, r.problem("a line is: limit KIND N, banned WORD, or except KIND WHAT REASON"))
		}
	}
	for _, kind := range []string{fileLines, funcLines, packageFiles} {
		if b.limits[kind] == 0 {
			return nil, fmt.Errorf("house: .ci/%s: no limit for %s", budgetList, kind)
		}
	}
	b.sizes()
	b.described()
	b.places()
	b.banish()
	b.stale()
	return b.found, nil
}

func (b *budget) take(r rule) bool {
	w := r.words
	switch {
	case w[0] == "limit" && len(w) == 3:
		n, err := strconv.Atoi(w[2])
		b.limits[w[1]] = n
		return err == nil && n > 0
	case w[0] == "banned" && len(w) == 2:
		b.banned = append(b.banned, w[1])
		return true
	case w[0] == "except" && len(w) > 3 && b.except[w[1]] != nil:
		b.except[w[1]][w[2]] = &exception{rule: r}
		return true
	}
	return false
}

// breach notes a problem, unless what (or all of its package, PACKAGE.*) is excepted.
func (b *budget) breach(kind, what, pkg, file string, line int, format string, args ...any) {
	for _, key := range []string{what, pkg + ".*"} {
		if e := b.except[kind][key]; e != nil {
			e.used = true
			return
		}
	}
	b.found = append(b.found, Problem{file, line, fmt.Sprintf(format, args...)})
}

// stale names exceptions that excepted nothing. What is not in this tree at all is passed over:
// a package may be on its way.
func (b *budget) stale() {
	for _, kind := range slices.Sorted(maps.Keys(b.except)) {
		for _, what := range slices.Sorted(maps.Keys(b.except[kind])) {
			e := b.except[kind][what]
			if !e.used && b.there(what) {
				b.found = append(b.found, e.problem("nothing needs the exception %s %s any more: remove the line", kind, what))
			}
		}
	}
}

// there says whether the package of what (PATH/PACKAGE.Name, PATH/FILE.go or PATH) is in the tree.
func (b *budget) there(what string) bool {
	dir, last := ".", what
	if i := strings.LastIndexByte(what, '/'); i >= 0 {
		dir, last = what[:i], what[i+1:]
	}
	if !strings.HasSuffix(last, ".go") {
		name, _, _ := strings.Cut(last, ".")
		dir = filepath.Join(dir, name)
	}
	_, err := os.Stat(filepath.Join(b.tree.root, dir))
	return err == nil
}

// banish finds the banned words in the names of Go files and their folders.
func (b *budget) banish() {
	for _, s := range b.tree.goes {
		words := strings.FieldsFunc(strings.ToLower(s.file), func(c rune) bool { return strings.ContainsRune("/_-.", c) })
		for _, word := range words {
			if slices.Contains(b.banned, word) {
				b.breach(names, s.file, s.dir, s.file, 0, "%q says nothing in a name: name what it is", word)
			}
		}
	}
}
