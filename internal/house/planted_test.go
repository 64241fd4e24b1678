package house_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/internal/house"
)

// good is a small house in which nothing is wrong.
func good() map[string]string {
	return map[string]string{
		"go.mod": "module example.org/home\n",
		".ci/imports.txt": `
hub       may  hub/bus
hub/bus   may  -
hub/bus   test tools/...
tools/... may  -
example.com/radio      only  tools/...
example.com/radio/knob only  hub/bus
example.com/server     never it is not strict
`,
		".ci/budget.txt": `
limit file-lines 40
limit func-lines 8
limit package-files 2
banned util
banned data
except global hub/bus.primes  a table
`,
		"hub/bus/bus.go": `// Package bus carries.
package bus

import (
	"errors"
	"regexp"

	_ "example.com/radio/knob"
)

// ErrFull says so.
var ErrFull = errors.New("full")

var form = regexp.MustCompile("^x$")

var primes = []int{2, 3, 5}

// Bus carries.
type Bus struct{}

// Ride rides.
func (Bus) Ride() {}

type hidden struct{}

func (hidden) Ride() {}
`,
		"hub/bus/bus_test.go": "package bus_test\n\nimport (\n\t_ \"example.com/radio\"\n\t_ \"example.org/home/hub/bus\"\n\t_ \"example.org/home/tools/x\"\n)\n",
		"hub/main.go":         "// Command hub wires.\npackage main\n\nimport _ \"example.org/home/hub/bus\"\n",
		"tools/x/x.go":        "// Package x helps nobody.\npackage x\n",
		"docs/A.md":           "See [bus](../hub/bus/bus.go), [here](#top), [there](https://example.org/x) and `[no](link)`.\n",
		"nested/go.mod":       "module example.org/nested\n",
		"nested/bad.go":       "package util\n\nfunc init() {}\n",
	}
}

func TestEveryRuleNamesItsBreach(t *testing.T) {
	long := strings.Repeat("\n", 41)
	tests := []struct {
		name string
		file string // added to, or put in, the good house
		text string
		want string // the only problem
	}{
		{"nothing", "docs/B.md", "Nothing.\n", ""},
		{"import up", "hub/bus/up.go", "package bus\n\nimport _ \"example.org/home/tools/x\"\n", "hub/bus/up.go:3: hub/bus must not import tools/x"},
		{"import in a test", "hub/main_test.go", "package main\n\nimport _ \"example.org/home/tools/x\"\n", "hub/main_test.go:3: hub must not import tools/x"},
		{"import by an unlisted package", "new/new.go", "// Package new is new.\npackage new\n", "new/new.go: package new is not listed"},
		{"a tree's library elsewhere", "hub/radio.go", "package main\n\nimport _ \"example.com/radio/v5/wave\"\n", "hub/radio.go:3: hub must not import example.com/radio/v5/wave: only tools/... does"},
		{"the most exact library line", "tools/x/knob.go", "package x\n\nimport _ \"example.com/radio/knob\"\n", "tools/x/knob.go:3: tools/x must not import example.com/radio/knob: only hub/bus does"},
		{"library for nobody", "tools/x/x_test.go", "package x\n\nimport _ \"example.com/server/pair\"\n", "tools/x/x_test.go:3: nobody imports example.com/server/pair: it is not strict"},
		{"bad line of imports", ".ci/imports.txt", "\nhub/bus likes tools\n", ".ci/imports.txt:10: unknown verb \"likes\""},
		{"long file", "tools/x/long.go", "package x\n" + long, "tools/x/long.go: 42 lines, 40 are allowed"},
		{"long function", "tools/x/f_test.go", "package x\n\nfunc f() {" + strings.Repeat("\n", 8) + "}\n", "tools/x/f_test.go:3: f has 9 lines, 8 are allowed"},
		{"many files", "tools/x/", "", "tools/x: more than 2 files in a package"},
		{"init", "hub/bus/i.go", "package bus\n\nfunc init() {}\n", "hub/bus/i.go:3: init() hides"},
		{"sleep", "hub/s_test.go", "package main\n\nimport clock \"time\"\n\nfunc f() { clock.Sleep(1) }\n", "hub/s_test.go:5: time.Sleep in a test"},
		{"no package comment", "tools/y/y.go", "package y\n", "tools/y/y.go:1: package tools/y has no package comment"},
		{"bare function", "tools/x/f.go", "package x\n\nfunc Fly() {}\n", "tools/x/f.go:3: Fly is exported and has no comment"},
		{"bare method", "hub/bus/m.go", "package bus\n\nfunc (*Bus) Stop() {}\n", "hub/bus/m.go:3: Stop is exported and has no comment"},
		{"bare type", "tools/x/t.go", "package x\n\ntype (\n\tBare int\n)\n", "tools/x/t.go:4: Bare is exported and has no comment"},
		{"bare constant", "tools/x/c.go", "package x\n\nconst (\n\tOne = 1 // one\n\tTwo = 2\n)\n", "tools/x/c.go:5: Two is exported and has no comment"},
		{"global", "hub/bus/g.go", "package bus\n\nvar cache = map[string]int{}\n", "hub/bus/g.go:3: package variable cache"},
		{"global without a value", "hub/bus/g.go", "package bus\n\nvar last error\n", "hub/bus/g.go:3: package variable last"},
		{"exception without need", ".ci/budget.txt", "\nexcept sleep hub/main.go it was slow\n", ".ci/budget.txt:9: nothing needs the exception sleep hub/main.go"},
		{"exception without reason", ".ci/budget.txt", "\nexcept init hub.init\n", ".ci/budget.txt:9: a line is: limit KIND N"},
		{"name of a file", "tools/x/wire_util.go", "package x\n", "tools/x/wire_util.go: \"util\" says nothing"},
		{"name of a folder", "tools/util/x.go", "// Package x is.\npackage x\n", "tools/util/x.go: \"util\" says nothing"},
		{"dead link", "docs/B.md", "One\n[two](../hub/gone.go \"gone\")\n", "docs/B.md:2: the link ../hub/gone.go leads nowhere"},
		{"link out of the house", "docs/B.md", "[up](../../other/x.md)\n", "docs/B.md:1: the link ../../other/x.md leads nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := good()
			if strings.HasSuffix(tt.file, "/") {
				for n := range 3 {
					files[fmt.Sprintf("%s%d.go", tt.file, n)] = "package x\n"
				}
			} else {
				files[tt.file] += tt.text
			}
			got := problems(t, build(t, files))
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("a good house has problems: %q", got)
			case tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want)):
				t.Errorf("problems are %q\nwant only %q…", got, tt.want)
			}
		})
	}
}

func TestWithoutItsListsNothingIsChecked(t *testing.T) {
	for _, list := range []string{"imports.txt", "budget.txt"} {
		files := good()
		delete(files, ".ci/"+list)
		tree, err := house.Load(build(t, files))
		if err != nil {
			t.Fatal(err)
		}
		_, one := tree.Imports()
		_, two := tree.Budget()
		if one == nil && two == nil {
			t.Errorf("nobody misses %s", list)
		}
	}
}

// build writes the files below a new folder.
func build(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(files[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// problems runs every rule.
func problems(t *testing.T, root string) (out []string) {
	t.Helper()
	tree, err := house.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range []func() ([]house.Problem, error){tree.Imports, tree.Budget, tree.Links} {
		found, err := check()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found {
			out = append(out, p.String())
		}
	}
	return out
}
