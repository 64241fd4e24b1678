package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/vault"
)

const password = "Grüne Tür, drei Kamele"

func create(t *testing.T, dir string) (*vault.Vault, string) {
	t.Helper()
	v, code, err := vault.Create(dir, password)
	if err != nil {
		t.Fatal(err)
	}
	return v, code
}

func TestWaysIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if vault.Exists(dir) {
		t.Error("an empty folder has a vault")
	}
	if _, err := vault.Open(dir, password); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no vault: %v", err)
	}
	v, code := create(t, dir)
	if !vault.Exists(dir) || v.Epoch() != 1 || len(v.ID()) != 16 {
		t.Errorf("exists %v, epoch %d, id %x", vault.Exists(dir), v.Epoch(), v.ID())
	}
	want := v.Key("hub/test")
	if len(want) != 32 || bytes.Equal(want, v.Key("hub/other")) || !bytes.Equal(want, v.Key("hub/test")) {
		t.Error("keys do not depend on the purpose alone")
	}
	// The same characters in decomposed form, as another system types them.
	for _, p := range []string{password, "Gru\u0308ne Tu\u0308r, drei Kamele"} {
		again, err := vault.Open(dir, p)
		if err != nil || !bytes.Equal(again.Key("hub/test"), want) {
			t.Errorf("by password %q: %v", p, err)
		}
	}
	for _, typed := range []string{code, strings.ToLower(strings.ReplaceAll(code, "-", " ")), strings.NewReplacer("0", "o", "1", "l").Replace(code)} {
		again, err := vault.OpenRecovery(dir, typed)
		if err != nil || !bytes.Equal(again.Key("hub/test"), want) {
			t.Errorf("by code typed as %q: %v", typed, err)
		}
	}
	if _, err := vault.Open(dir, password+"!"); err != vault.ErrWrong {
		t.Errorf("wrong password: %v", err)
	}
	for _, typed := range []string{"", "0000-0000-0000-0000-0000-0000-0000", code[1:], code + "0", flip(code)} {
		if _, err := vault.OpenRecovery(dir, typed); err != vault.ErrWrong {
			t.Errorf("wrong code %q: %v", typed, err)
		}
	}
	if _, _, err := vault.Create(dir, password); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second vault: %v", err)
	}
	v.Close()
	if v.Key("hub/test") != nil {
		t.Error("a closed vault gives keys")
	}
}

// flip changes the first sign of a code.
func flip(code string) string {
	if code[0] == 'A' {
		return "B" + code[1:]
	}
	return "A" + code[1:]
}

func TestNothingIsPrinted(t *testing.T) {
	t.Parallel()
	v, _ := create(t, t.TempDir())
	key := fmt.Sprint(v.Key("x"))
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, v); strings.Contains(s, key) || len(s) > 800 {
			t.Errorf("%s prints %d characters", format, len(s))
		}
	}
}

func TestFilesAreTwinsAndPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	create(t, dir)
	var contents [][]byte
	for _, name := range []string{"keys.json", "keys.twin.json"} {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 || info.Size() > 4096 {
			t.Errorf("%s: mode %v, %d bytes", name, info.Mode(), info.Size())
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, raw)
	}
	if !bytes.Equal(contents[0], contents[1]) {
		t.Error("the copies differ")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("files left over: %v", entries)
	}
}

func TestTwoVaultsShareNothing(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 2 {
		dir := t.TempDir()
		v, code := create(t, dir)
		raw, err := os.ReadFile(filepath.Join(dir, "keys.json"))
		if err != nil {
			t.Fatal(err)
		}
		var file map[string]any
		if err := json.Unmarshal(raw, &file); err != nil {
			t.Fatal(err)
		}
		values := append(secrets(file), code, string(v.ID()), string(v.Key("hub/x")))
		if len(values) < 12 {
			t.Fatalf("control: only %d random values found", len(values))
		}
		for _, s := range values {
			if seen[s] {
				t.Errorf("%q is in both vaults, or twice in one", s)
			}
			seen[s] = true
		}
	}
}

// secrets gives every random text of a parsed keys.json.
func secrets(v any) (found []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			found = append(found, secrets(x)...)
		}
	case []any:
		for _, x := range v {
			found = append(found, secrets(x)...)
		}
	case string:
		if len(v) >= 16 {
			found = append(found, v)
		}
	}
	return found
}

func TestCreateRefusesWhatJudgeRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var why *vault.Refusal
	if _, _, err := vault.Create(dir, "passwordpassword"); !errors.As(err, &why) || why.Code != "password.repeats" && why.Code != "password.common" {
		t.Errorf("an obvious password: %v", err)
	}
	if vault.Exists(dir) {
		t.Error("a vault was made")
	}
}
