package main

import (
	"crypto/tls"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// TestTwoHubsShareNoSecret claims two hubs with the same password and looks for anything that one
// could tell about the other.
func TestTwoHubsShareNoSecret(t *testing.T) {
	t.Parallel()
	var secrets [2]map[string]string
	for i := range secrets {
		secrets[i] = secretsOf(t)
		t.Logf("hub %d: %d secrets", i, len(secrets[i]))
	}
	if len(secrets[0]) < 12 {
		t.Errorf("too few secrets to compare: %v", secrets[0])
	}
	owner := map[string]string{}
	for name, value := range secrets[0] {
		owner[value] = name
	}
	for name, value := range secrets[1] {
		if other, same := owner[value]; same {
			t.Errorf("%s of one hub is %s of the other", name, other)
		}
	}
}

// secretsOf claims a new hub and gives everything about it that must be its own.
func secretsOf(t *testing.T) map[string]string {
	t.Helper()
	dir := shortDir(t)
	p, c := running(t, dir)
	made := must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	first := made.HomeKit[0]
	line := must[*tls.Conn](t)(tls.Dial("tcp", strings.TrimPrefix(p.ready.API, "https://"), &tls.Config{InsecureSkipVerify: true}))
	all := map[string]string{
		"recovery": made.RecoveryCode, "setup code": first.SetupCode, "device id": first.DeviceID, "setup uri": first.SetupURI,
		"certificate": string(line.ConnectionState().PeerCertificates[0].Raw),
	}
	_ = line.Close()
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	raw := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "keys.json")))
	leaves(t, all, "keys.json", raw)
	v := must[*vault.Vault](t)(vault.Open(dir, password))
	defer v.Close()
	all["vault id"], all["vault key"] = string(v.ID()), string(v.Key("test"))
	store := must[*records.Store](t)(records.Open(dir, v, archive.Personal()...))
	defer store.Close()
	state := must[hap.State](t)(archive.Document[hap.State]{Store: store, Name: "homekit/" + homekit.MainServer}.Load(t.Context()))
	state.DatabaseDigest = nil // the same for the same accessories
	raw, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	leaves(t, all, "identity", raw)
	return all
}

// leaves adds every string of a JSON document that is long enough to be random.
func leaves(t *testing.T, all map[string]string, name string, raw []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				walk(path+"."+k, inner)
			}
		case []any:
			for _, inner := range v {
				walk(path+".[]", inner)
			}
		case string:
			if len(v) >= 12 && !strings.HasSuffix(path, ".kind") { // how a hub starts is no secret
				all[path] = v
			}
		}
	}
	walk(name, v)
}
