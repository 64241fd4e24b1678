package house

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

// sizes measures files, functions and packages. What a generator wrote is not measured.
func (b *budget) sizes() {
	count := map[string]int{}
	for _, s := range b.tree.goes {
		if s.made {
			continue
		}
		if limit := b.limits[fileLines]; s.lines > limit {
			b.breach(fileLines, s.file, s.dir, s.file, 0, "%d lines, %d are allowed: split it by what it does", s.lines, limit)
		}
		for f := range functions(s) {
			n := b.tree.line(f.End()) - b.tree.line(f.Pos()) + 1
			if limit := b.limits[funcLines]; n > limit {
				b.breach(funcLines, s.dir+"."+f.Name.Name, s.dir, s.file, b.tree.line(f.Pos()),
					"%s has %d lines, %d are allowed: name its parts", f.Name.Name, n, limit)
			}
		}
		if s.test {
			continue
		}
		count[s.dir]++
		if limit := b.limits[packageFiles]; count[s.dir] == limit+1 {
			b.breach(packageFiles, s.dir, s.dir, s.dir, 0, "more than %d files in a package: which part stands alone?", limit)
		}
	}
}

func functions(s *source) func(yield func(*ast.FuncDecl) bool) {
	return func(yield func(*ast.FuncDecl) bool) {
		for _, d := range s.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && !yield(f) {
				return
			}
		}
	}
}

// places finds what has no place: init, package variables, and sleep in tests.
func (b *budget) places() {
	for _, s := range b.tree.goes {
		for f := range functions(s) {
			if f.Recv == nil && f.Name.Name == "init" {
				b.breach(noInit, s.dir+".init", s.dir, s.file, b.tree.line(f.Pos()), "init() hides work from who reads main: call it by name")
			}
		}
		if s.test {
			b.sleeps(s)
		} else {
			b.globals(s)
		}
	}
}

func (b *budget) globals(s *source) {
	for _, d := range s.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			if embedded(g, v) || constant(v) {
				continue
			}
			for _, name := range v.Names {
				if name.Name != "_" {
					b.breach(noGlobal, s.dir+"."+name.Name, s.dir, s.file, b.tree.line(name.Pos()),
						"package variable %s: pass it, make it a constant, or except it in .ci/budget.txt with a reason", name.Name)
				}
			}
		}
	}
}

// embedded says whether a go:embed directive fills the variable.
func embedded(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

// constant says whether every value is one that is made once and never changed: an error, or a
// compiled expression.
func constant(v *ast.ValueSpec) bool {
	for _, value := range v.Values {
		call, ok := value.(*ast.CallExpr)
		if !ok {
			return false
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		pkg, ok := f.X.(*ast.Ident)
		if !ok {
			return false
		}
		switch pkg.Name + "." + f.Sel.Name {
		case "errors.New", "fmt.Errorf", "regexp.MustCompile":
		default:
			return false
		}
	}
	return len(v.Values) > 0
}

func (b *budget) sleeps(s *source) {
	name := ""
	for _, i := range s.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err == nil && p == "time" {
			name = "time"
			if i.Name != nil {
				name = i.Name.Name
			}
		}
	}
	if name == "" {
		return
	}
	ast.Inspect(s.File, func(n ast.Node) bool {
		e, ok := n.(*ast.SelectorExpr)
		if !ok || e.Sel.Name != "Sleep" {
			return true
		}
		if x, ok := e.X.(*ast.Ident); ok && x.Name == name {
			b.breach(noSleep, s.file, s.dir, s.file, b.tree.line(e.Pos()), "time.Sleep in a test: wait for the thing itself, or use testing/synctest")
		}
		return true
	})
}
