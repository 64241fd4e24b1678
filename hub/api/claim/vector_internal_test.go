package claim

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/srp"
)

var update = flag.Bool("update", false, "write testdata/vector.json anew")

// The code says what the committed vector says; independent_test.go makes it from the protocol's text alone.
func TestTheVectorIsWhatThisCodeSays(t *testing.T) {
	hubKey := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{0x0a}, 32))
	appKey := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{0x0b}, 32))
	secretA, secretB := bytes.Repeat([]byte{0x11}, 32), bytes.Repeat([]byte{0x22}, 32)
	salt, exported := bytes.Repeat([]byte{0x33}, 16), bytes.Repeat([]byte{0x44}, 32)
	code, err := ParseCode("io2e3-f4g5h")
	hub, err2 := PinOfKey(hubKey.Public().(ed25519.PublicKey))
	app, err3 := PinOfKey(appKey.Public().(ed25519.PublicKey))
	c1, err4 := App{Name: "Küche", Platform: "linux"}.c1()
	for _, err := range []error{err, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	server, client := srp.WithSecret(user, string(code), salt, secretB), srp.ClientWithSecret(secretA)
	key, err := client.Key(user, string(code), salt, server.Public())
	if err != nil {
		t.Fatal(err)
	}
	transcript := channel{exported, hub, app}.transcript(salt, client.Public(), server.Public(), c1)
	proofA, proofH, err := proofs(key, transcript)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{"code_typed": "io2e3-f4g5h", "code": string(code)}
	for name, b := range map[string][]byte{"hub_seed": hubKey.Seed(), "app_seed": appKey.Seed(), "hub_pin": hub[:], "app_pin": app[:],
		"a": secretA, "b": secretB, "salt": salt, "exported": exported, "A": client.Public(), "B": server.Public(), "K": key,
		"T": transcript, "proofA": proofA, "proofH": proofH, "C1": c1, "H2": frame(typeH2, salt, server.Public()),
		"C3": frame(typeC3, client.Public(), proofA), "H4": frame(typeH4, proofH, []byte("owner"))} {
		said[name] = hex.EncodeToString(b)
	}
	got, err := json.MarshalIndent(said, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "vector.json")
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(bytes.TrimSpace(want), got) {
		t.Errorf("testdata/vector.json differs from the code, %v", err)
	}
}

func FuzzMessages(f *testing.F) {
	c1, err := App{Name: "Küche", Platform: "linux"}.c1()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c1)
	f.Add(frame(typeH2, make([]byte, saltSize+keySize)))
	f.Add(frame(typeC3, make([]byte, keySize+proofSize)))
	f.Add(frame(typeH4, make([]byte, proofSize), []byte("member")))
	f.Add(frame(typeRefusal, []byte("busy")))
	f.Add([]byte{1, 0xff, 0xff})
	f.Add([]byte{1, 0, 3, 1, 64, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		_, body, raw, err := receive(bytes.NewReader(in))
		if err != nil {
			return
		}
		if len(body) > maxMessage || !bytes.HasPrefix(in, raw) {
			t.Fatal("a message is not what was sent")
		}
		if app, err := readC1(body); err == nil {
			again, err := app.c1()
			if err != nil || !bytes.Equal(again[3:], body) {
				t.Errorf("read %q, which is written otherwise: %v", app, err)
			}
		}
		if salt, b, err := readH2(body); err == nil && len(salt)+len(b) != len(body) {
			t.Error("H2 has more than it says")
		}
		if a, proof, err := readC3(body); err == nil && len(a)+len(proof) != len(body) {
			t.Error("C3 has more than it says")
		}
		if proof, role, err := readH4(body); err == nil && (len(proof) != proofSize || role == "" || len(role) > maxRole) {
			t.Error("H4 has no role")
		}
		for kind := byte(typeC1); kind <= typeRefusal; kind++ {
			if got, _, err := expect(bytes.NewReader(in), kind); err == nil && (in[0] != kind || !bytes.Equal(got, body)) {
				t.Error("another message than was expected")
			}
		}
	})
}
