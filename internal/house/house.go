// Package house holds the rules of the house as ordinary Go tests: who may import whom
// (.ci/imports.txt), how large and how well described a thing may be (.ci/budget.txt), and that
// no link in the documents leads nowhere. Both lists explain their own form at the top.
//
// A rule is a method of [Tree] that returns what is wrong, each with file and line. The package's
// tests run every rule on this repository, and on small trees with one planted fault each.
package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Problem is one breach of a rule.
type Problem struct {
	File string // relative to the root, with slashes
	Line int    // 0 for the whole file or folder
	Text string // what is wrong, and what to do
}

// String gives the form that editors jump to: "file:line: text".
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// Tree is a module's source, read once.
type Tree struct {
	root   string
	module string
	fset   *token.FileSet
	goes   []*source
	texts  []string // Markdown files, relative
}

// source is one parsed Go file.
type source struct {
	*ast.File
	file  string // relative to the root, with slashes
	dir   string // "." for the root
	lines int
	test  bool
	made  bool // by a generator
}

// Load reads every Go and Markdown file of the module at root. Nested modules, testdata and what
// is no source (bin, data, node_modules, folders that begin with a dot) are left out.
func Load(root string) (*Tree, error) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("house: %w", err)
	}
	t := &Tree{root: root, fset: token.NewFileSet()}
	for line := range strings.Lines(string(mod)) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			t.module = strings.TrimSpace(name)
		}
	}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if file != root && skipped(file, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		return t.read(file)
	})
	if err != nil {
		return nil, fmt.Errorf("house: %w", err)
	}
	return t, nil
}

func skipped(dir, name string) bool {
	if strings.HasPrefix(name, ".") || slices.Contains([]string{"bin", "data", "node_modules", "testdata"}, name) {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func (t *Tree) read(file string) error {
	rel, err := filepath.Rel(t.root, file)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	switch path.Ext(rel) {
	case ".md":
		t.texts = append(t.texts, rel)
	case ".go":
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(t.fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		t.goes = append(t.goes, &source{
			File: parsed, file: rel, dir: path.Dir(rel),
			lines: strings.Count(string(text), "\n"),
			test:  strings.HasSuffix(rel, "_test.go"),
			made:  ast.IsGenerated(parsed),
		})
	}
	return nil
}

func (t *Tree) line(at token.Pos) int { return t.fset.Position(at).Line }

// rule is one line of a list: its words, and where it stands.
type rule struct {
	words []string
	file  string
	line  int
}

// rules reads a list under .ci: words in columns, and # begins a comment.
func (t *Tree) rules(name string) ([]rule, error) {
	file := path.Join(".ci", name)
	text, err := os.ReadFile(filepath.Join(t.root, filepath.FromSlash(file)))
	if err != nil {
		return nil, fmt.Errorf("house: %w", err)
	}
	var out []rule
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) > 0 {
			out = append(out, rule{words: words, file: file, line: n})
		}
	}
	return out, nil
}

func (r rule) problem(format string, args ...any) Problem {
	return Problem{r.file, r.line, fmt.Sprintf(format, args...)}
}
