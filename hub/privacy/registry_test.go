package privacy_test

import (
	"database/sql"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // reads the schema as the store does

	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/i18n"
)

var update = flag.Bool("update", false, "write the tables of docs/PRIVACY.md anew")

const top = "../.."

// A column that nobody registered is a place where somebody may be kept and not forgotten.
func TestEveryColumnIsRegistered(t *testing.T) {
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for i, name := range []string{"core.sql", "telemetry.sql"} {
		raw, err := os.ReadFile(filepath.Join(top, "storage/records", name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(string(raw)); err != nil {
			t.Fatalf("%d %s: %v", i, name, err)
		}
	}
	there := columns(t, db)
	var registered []string
	for _, c := range privacy.Columns() {
		registered = append(registered, c.Table+"."+c.Name)
		if c.Holds == "" {
			t.Errorf("%s.%s: nobody says what it holds", c.Table, c.Name)
		}
	}
	compare(t, "column", there, registered)
	if _, err := db.Exec("ALTER TABLE record ADD COLUMN nickname TEXT"); err != nil { // the control
		t.Fatal(err)
	}
	if slices.Contains(registered, "record.nickname") || !slices.Contains(columns(t, db), "record.nickname") {
		t.Error("a new column would not be noticed")
	}
}

func columns(t *testing.T, db *sql.DB) (list []string) {
	t.Helper()
	rows, err := db.Query("SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type='table'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		list = append(list, one)
	}
	return list
}

func compare(t *testing.T, what string, there, registered []string) {
	t.Helper()
	for _, one := range there {
		if !slices.Contains(registered, one) {
			t.Errorf("the %s %s is not registered in hub/privacy: say what it holds, and how it is forgotten", what, one)
		}
	}
	for _, one := range registered {
		if !slices.Contains(there, one) {
			t.Errorf("the %s %s is registered and not there", what, one)
		}
	}
}

// A key of the log that nobody registered may carry a name.
func TestEveryLogKeyIsRegistered(t *testing.T) {
	var registered []string
	for _, k := range privacy.LogKeys() {
		registered = append(registered, k.Key)
	}
	there := map[string]bool{}
	for _, tree := range []string{"accessories", "hub", "storage"} {
		err := filepath.WalkDir(filepath.Join(top, tree), func(path string, f fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err == nil {
				for _, key := range logKeys(file) {
					there[key] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var keys []string
	for key := range there {
		keys = append(keys, key)
	}
	compare(t, "log key", keys, registered)
	file, err := parser.ParseFile(token.NewFileSet(), "", `package p; func f() { h.log.Warn("x", "nickname", 1); log.With("a", 2).Info("y", "b", 3) }`, 0)
	if got := logKeys(file); err != nil || !slices.Equal(got, []string{"nickname", "b", "a"}) { // the control
		t.Errorf("found %q, %v", got, err)
	}
}

// logKeys are the keys of calls such as log.Info("…", key, value, …) and log.With(key, value).
func logKeys(file *ast.File) (keys []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !isLog(sel.X) {
			return true
		}
		first := 0
		switch sel.Sel.Name {
		case "Debug", "Info", "Warn", "Error":
			first = 1
		case "With":
		default:
			return true
		}
		for i := first; i < len(call.Args); i += 2 {
			if lit, ok := call.Args[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				key, _ := strconv.Unquote(lit.Value) // the parser has read it
				keys = append(keys, key)
			}
		}
		return true
	})
	return keys
}

// isLog says whether an expression is a logger by its name, as they are called here.
func isLog(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return strings.EqualFold(e.Name, "log") || e.Name == "slog"
	case *ast.SelectorExpr:
		return strings.EqualFold(e.Sel.Name, "log")
	case *ast.CallExpr:
		if sel, ok := e.Fun.(*ast.SelectorExpr); ok {
			return sel.Sel.Name == "With" && isLog(sel.X)
		}
	}
	return false
}

// Each kind says all that a household may ask about it.
func TestEveryKindSaysAll(t *testing.T) {
	seen := map[string]bool{}
	text := i18n.For("en")
	for _, k := range privacy.Kinds() {
		if seen[k.ID] {
			t.Errorf("%s is registered twice", k.ID)
		}
		seen[k.ID] = true
		for what, said := range map[string]string{"category": string(k.Category), "what": k.What, "subject": k.Subject, "purpose": k.Purpose, "class": k.Class,
			"where": string(k.Where), "place": k.Lies, "retention": k.Kept, "who sees it": k.Seen, "erasure": k.Erased} {
			if said == "" {
				t.Errorf("%s says nothing about its %s", k.ID, what)
			}
		}
		for _, key := range []string{"privacy.kind." + k.ID, "privacy.category." + string(k.Category), "privacy.where." + string(k.Where)} {
			if !text.Has(key) {
				t.Errorf("there is no text %s", key)
			}
		}
	}
}

// docs/PRIVACY.md says what the code says.
func TestTheTablesAreInTheDocument(t *testing.T) {
	path := filepath.Join(top, "docs/PRIVACY.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept, whose := privacy.Tables()
	text := string(raw)
	for name, table := range map[string]string{"kept": kept, "whose": whose} {
		begin, end := "<!-- "+name+": go test ./hub/privacy -update -->\n", "<!-- /"+name+" -->"
		before, rest, found := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("%s has no place for the table %s", path, name)
		}
		text = before + begin + table + end + after
	}
	if text == string(raw) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from hub/privacy/kinds.go; run go test ./hub/privacy -update", path)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
