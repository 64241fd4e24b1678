package house

import (
	"go/ast"
	"maps"
	"slices"
)

// described finds packages without a package comment, and exported names without a comment.
func (b *budget) described() {
	first, has := map[string]string{}, map[string]bool{}
	for _, s := range b.tree.goes {
		if first[s.dir] == "" {
			first[s.dir] = s.file
		}
		has[s.dir] = has[s.dir] || s.Doc.Text() != ""
		if !s.test && !s.made {
			b.exported(s)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(first)) {
		if !has[dir] {
			b.breach(docs, dir, dir, first[dir], 1, "package %s has no package comment: what is it for?", dir)
		}
	}
}

func (b *budget) exported(s *source) {
	for _, d := range s.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && known(d.Recv) && d.Doc.Text() == "" {
				b.undescribed(s, d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				b.spec(s, d, spec)
			}
		}
	}
}

// spec checks one line of a declaration. A comment on a group of constants or variables counts
// for each of them, as does one at the end of the line.
func (b *budget) spec(s *source, g *ast.GenDecl, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		alone := !g.Lparen.IsValid() && g.Doc.Text() != ""
		if spec.Name.IsExported() && !alone && spec.Doc.Text() == "" && spec.Comment.Text() == "" {
			b.undescribed(s, spec.Name)
		}
	case *ast.ValueSpec:
		if g.Doc.Text() != "" || spec.Doc.Text() != "" || spec.Comment.Text() != "" {
			return
		}
		for _, name := range spec.Names {
			if name.IsExported() {
				b.undescribed(s, name)
			}
		}
	}
}

// known says whether a receiver, if there is one, is of a type that others can see.
func known(recv *ast.FieldList) bool {
	if recv == nil {
		return true
	}
	e := recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

func (b *budget) undescribed(s *source, name *ast.Ident) {
	b.breach(docs, s.dir+"."+name.Name, s.dir, s.file, b.tree.line(name.Pos()), "%s is exported and has no comment", name.Name)
}
