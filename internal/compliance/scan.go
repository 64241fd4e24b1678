package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// sources is what the Go files of the repository say, nested modules included.
type sources struct {
	root    string
	tests   map[string][]string        // Test and Fuzz functions, with the folders that have them
	imports map[string]map[string]bool // what folders import, tests apart
}

// scan reads them.
func scan(root string) (*sources, error) {
	s := &sources{root: root, tests: map[string][]string{}, imports: map[string]map[string]bool{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		return s.read(path, filepath.ToSlash(folder))
	})
	return s, err
}

func (s *sources) read(path, folder string) error {
	test := strings.HasSuffix(path, "_test.go")
	mode := parser.SkipObjectResolution
	if !test {
		mode |= parser.ImportsOnly
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, mode)
	if err != nil {
		return err
	}
	if !test {
		if s.imports[folder] == nil {
			s.imports[folder] = map[string]bool{}
		}
		for _, i := range f.Imports {
			if name, err := strconv.Unquote(i.Path.Value); err == nil {
				s.imports[folder][name] = true
			}
		}
		return nil
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if ok && fn.Recv == nil && isTest(fn.Name.Name) && !slices.Contains(s.tests[fn.Name.Name], folder) {
			s.tests[fn.Name.Name] = append(s.tests[fn.Name.Name], folder)
		}
	}
	return nil
}
