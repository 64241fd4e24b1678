package vault_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/ingle-home/ingle/app/vault"
	"github.com/ingle-home/ingle/hub/api/client"
)

var self = client.Self{Key: []byte("0123456789abcdef0123456789abcdef"), Hub: "ab", Address: "192.168.1.20:8443"}

func fileIn(t *testing.T) client.File { return client.File(filepath.Join(t.TempDir(), "app.json")) }

func exists(f client.File) bool {
	_, err := os.Stat(string(f))
	return err == nil
}

func keeps(t *testing.T, v vault.Vault) {
	t.Helper()
	if err := v.Save(self); err != nil {
		t.Fatal(err)
	}
	if got, err := v.Load(); err != nil || string(got.Key) != string(self.Key) || got.Hub != self.Hub || got.Address != self.Address {
		t.Fatalf("kept %v, %v", got, err)
	}
}

func TestTheKeyringKeepsTheKey(t *testing.T) {
	keyring.MockInit()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
	f := fileIn(t)
	if err := f.Save(self); err != nil { // of an earlier app
		t.Fatal(err)
	}
	v := vault.New(f)
	if got, err := v.Load(); err != nil || !got.Paired() {
		t.Errorf("what was in the file is %v, %v", got, err)
	}
	keeps(t, v)
	if exists(f) {
		t.Error("the key is in the file as well")
	}
	if err := v.Save(client.Self{}); err != nil {
		t.Fatal(err)
	}
	if got, err := v.Load(); err != nil || got.Paired() || len(got.Key) > 0 {
		t.Errorf("a forgotten hub is %v, %v", got, err)
	}
}

// Without a bus, and with a keyring that refuses, the file keeps it, and nobody is told.
func TestWithoutAKeyringTheFileDoes(t *testing.T) {
	for name, bus := range map[string]string{"no bus": "", "a keyring that refuses": "unix:path=/nowhere"} {
		t.Run(name, func(t *testing.T) {
			keyring.MockInitWithError(errors.New("no such interface"))
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", bus)
			t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
			f := fileIn(t)
			v := vault.New(f)
			if got, err := v.Load(); err != nil || got.Paired() {
				t.Fatalf("at first: %v, %v", got, err)
			}
			keeps(t, v)
			if info, err := os.Stat(string(f)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the file is %v, %v", info, err)
			}
		})
	}
}
