package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// The standard has so many provisions, and so many of them are mandatory.
const (
	provisions = 78
	mandatory  = 36
)

func sourcesOf(t *testing.T) *sources {
	t.Helper()
	s, err := scan(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func answersOf(t *testing.T) []answer {
	t.Helper()
	list, err := load(filepath.Join(root, answers))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestFilesAreAsTheCodeSays(t *testing.T) {
	made, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range made {
		if got, err := os.ReadFile(filepath.Join(root, file)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs from the code; run: go generate ./internal/compliance (%v)", file, err)
		}
	}
}

func TestEveryProvisionIsAnswered(t *testing.T) {
	seen, must := map[string]bool{}, 0
	for _, a := range answersOf(t) {
		if seen[a.ID] {
			t.Errorf("%s is answered twice", a.ID)
		}
		seen[a.ID] = true
		if a.Mandatory {
			must++
		}
		proven := slices.ContainsFunc(a.Evidence, isTest)
		switch {
		case a.Asks == "":
			t.Errorf("%s does not say what is asked", a.ID)
		case a.Answer == yes && (a.How == "" || a.Reason != "" || len(a.Evidence) == 0 || a.Mandatory && !proven):
			t.Errorf("%s is met, but not by what and how", a.ID)
		case (a.Answer == no || a.Answer == notApplicable) && (a.Reason == "" || a.How != ""):
			t.Errorf("%s is not met and does not say why", a.ID)
		case !slices.Contains([]string{yes, no, notApplicable}, a.Answer):
			t.Errorf("%s: %q is no answer", a.ID, a.Answer)
		}
	}
	if len(seen) != provisions || must != mandatory {
		t.Errorf("%d provisions, %d mandatory; want %d and %d", len(seen), must, provisions, mandatory)
	}
}

// TestEvidenceExists looks for every test and file that an answer or a table names.
func TestEvidenceExists(t *testing.T) {
	s := sourcesOf(t)
	exists := func(where, evidence string) {
		t.Helper()
		if isTest(evidence) {
			if len(s.tests[evidence]) == 0 {
				t.Errorf("%s: there is no test %s", where, evidence)
			}
		} else if _, err := os.Stat(filepath.Join(root, evidence)); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	for _, a := range answersOf(t) {
		for _, e := range a.Evidence {
			exists(a.ID, e)
		}
	}
	for name, table := range tablesOf(t) {
		for _, row := range table.Rows {
			if e, ok := row["evidence"]; ok {
				exists(name, e)
			}
		}
	}
	if len(s.tests["TestOfNobody"]) != 0 || len(s.tests["TestEvidenceExists"]) != 1 {
		t.Error("the search finds what is not there, or not what is")
	}
}

func tablesOf(t *testing.T) map[string]table {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, tables, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]table{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var one table
		if err := json.Unmarshal(raw, &one); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = one
	}
	return all
}

// TestEveryTableIsThere knows those of TS 103 701, and that none says to be made of code that is not.
func TestEveryTableIsThere(t *testing.T) {
	made, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	all := tablesOf(t)
	for _, name := range []string{
		"1-AuthMech", "2-UserInfo", "3-VulnTypes", "4-Conf", "5-VulnMon", "6-SoftComp", "7-UpdMech", "8-UpdProc", "9-ReplSup", "10-SecParam",
		"11-SecComMech", "12-NetSecImpl", "13-SoftServ", "14-SecMgmt", "15-PhyIntf", "16-CodeMin", "17-PrivlCtrl", "18-AccCtrl", "19-SecDev", "20-SecBoot",
		"21-PersData", "22-ExtSens", "23-ResMech", "24-TelData", "25-DelFunc", "26-UserDec", "27-UserIntf", "28-LogIntf", "29-InpVal",
	} {
		one, ok := all[name]
		if !ok || len(one.Rows) == 0 {
			t.Errorf("there is no table %s", name)
		}
		if _, code := made[filepath.Join(tables, name+".json")]; code == (one.From == "by hand") {
			t.Errorf("%s says that it is made of %q", name, one.From)
		}
		delete(all, name)
	}
	for name := range all {
		t.Errorf("%s is no table of TS 103 701", name)
	}
}

// TestParsersAreFedWithRubbish counts the fuzz targets.
func TestParsersAreFedWithRubbish(t *testing.T) {
	if n := len(sourcesOf(t).fuzzed()); n < 20 {
		t.Errorf("%d fuzz targets, fewer than 20", n)
	}
}

func TestNoDebuggingIsBuiltIn(t *testing.T) {
	for folder, imports := range sourcesOf(t).imports {
		for _, name := range []string{"net/http/pprof", "expvar", "net/rpc", "runtime/pprof"} {
			if imports[name] && !strings.HasSuffix(folder, "bench") && !strings.HasSuffix(folder, "benchbridge") && folder != "internal/measure" {
				t.Errorf("%s imports %s", folder, name)
			}
		}
	}
}

// TestNoSecretIsInTheSources looks for private keys and tokens in what is built, tests and recorded frames apart.
func TestNoSecretIsInTheSources(t *testing.T) {
	marks := []string{"PRIVATE " + "KEY-----", "AGE-SECRET-" + "KEY-1"}
	found := func(text string) bool {
		return slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(text, mark) })
	}
	if !found("-----BEGIN PRIVATE "+"KEY-----") || found("a key") {
		t.Fatal("the search finds nothing")
	}
	searched := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (name == ".git" || name == "node_modules" || name == "testdata" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, "_test.go") || !d.Type().IsRegular() {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err == nil && found(string(raw)) {
			t.Errorf("%s holds a secret key", path)
		}
		searched++
		return err
	})
	if err != nil || searched < 500 {
		t.Fatalf("searched %d files: %v", searched, err)
	}
}
