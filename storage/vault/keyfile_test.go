package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// cheap keeps tests quick. It is below the floor of every exported function.
var cheap = cost{T: 1, MKiB: 8, P: 1}

const secret = "quokka umbrella tarmac violin"

func cheapVault(t testing.TB) (dir, code string, v *Vault) {
	t.Helper()
	dir = t.TempDir()
	v, code, err := create(dir, secret, cheap)
	if err != nil {
		t.Fatal(err)
	}
	return dir, code, v
}

func openCheap(dir, password string) (*Vault, error) {
	return open(dir, cheap, func(f *keyFile) (*pair, error) { return f.unlockPassword(dir, password) })
}

func load(t testing.TB, path string) *keyFile {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parseKeyFile(raw, cheap)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func save(t testing.TB, path string, f *keyFile) {
	t.Helper()
	raw, err := f.marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// again adds a slot like the i-th, with another id.
func (f *keyFile) again(i int) {
	s := f.Slots[i]
	s.ID += strings.Repeat("x", len(f.Slots))
	f.Slots = append(f.Slots, s)
}

// The floor holds for files too: a cheap slot does not open by the front door.
func TestFloor(t *testing.T) {
	dir, code, _ := cheapVault(t)
	if _, err := Open(dir, secret); !errors.Is(err, ErrDamaged) {
		t.Errorf("a slot below the floor: %v", err)
	}
	if _, err := OpenRecovery(dir, code); !errors.Is(err, ErrDamaged) {
		t.Errorf("by recovery code: %v", err)
	}
	if floor.T < 3 || floor.MKiB < 64<<10 || floor.P != 4 {
		t.Errorf("the floor is %+v", floor)
	}
}

func TestTampering(t *testing.T) {
	for name, spoil := range map[string]func(f *keyFile){
		"vault":          func(f *keyFile) { f.Vault[3] ^= 1 },
		"rev":            func(f *keyFile) { f.Rev++ },
		"stale":          func(f *keyFile) { f.Stale = true },
		"epoch":          func(f *keyFile) { f.Epoch++ },
		"passes":         func(f *keyFile) { f.Slots[0].KDF.T++ },
		"memory":         func(f *keyFile) { f.Slots[0].KDF.MKiB *= 2 },
		"lanes":          func(f *keyFile) { f.Slots[0].KDF.P++ },
		"slot id":        func(f *keyFile) { f.Slots[0].ID = "0123" },
		"salt":           func(f *keyFile) { f.Slots[0].Salt[0] ^= 1 },
		"nonce":          func(f *keyFile) { f.Slots[0].Nonce[0] ^= 1 },
		"sealed key":     func(f *keyFile) { f.Slots[0].CT[0] ^= 1 },
		"other slot":     func(f *keyFile) { f.Slots[1].CT[0] ^= 1 },
		"slot taken out": func(f *keyFile) { f.Slots = f.Slots[:1] },
		"slots swapped":  func(f *keyFile) { f.Slots[0], f.Slots[1] = f.Slots[1], f.Slots[0] },
		"public key":     func(f *keyFile) { f.Slots[0].Pub[5] ^= 1 },
		"other public":   func(f *keyFile) { f.Slots[0].Pub, f.Slots[1].Pub = f.Slots[1].Pub, f.Slots[0].Pub },
		"shared key":     func(f *keyFile) { f.Slots[0].Share.CT[7] ^= 1 },
		"ephemeral key":  func(f *keyFile) { f.Slots[0].DEK.Eph[9] ^= 1 },
		"data key":       func(f *keyFile) { f.Slots[0].DEK.CT[40] ^= 1 },
		"other letter":   func(f *keyFile) { f.Slots[1].DEK.CT[40] ^= 1 },
		"letters":        func(f *keyFile) { f.Slots[0].DEK, f.Slots[1].DEK = f.Slots[1].DEK, f.Slots[0].DEK },
		"mac":            func(f *keyFile) { f.MAC[31] ^= 1 },
	} {
		dir, _, _ := cheapVault(t)
		if _, err := openCheap(dir, secret); err != nil {
			t.Fatalf("control: the untouched file: %v", err)
		}
		for _, path := range copies(dir) {
			f := load(t, path)
			spoil(f)
			save(t, path, f)
		}
		if _, err := openCheap(dir, secret); !errors.Is(err, ErrWrong) && !errors.Is(err, ErrDamaged) {
			t.Errorf("%s changed in both copies: %v", name, err)
		}
	}
}

func TestAbsurdParametersAreRefusedUnread(t *testing.T) {
	for name, spoil := range map[string]func(f *keyFile){
		"memory":      func(f *keyFile) { f.Slots[0].KDF.MKiB = 4 << 20 },
		"passes":      func(f *keyFile) { f.Slots[0].KDF.T = 1 << 31 },
		"lanes":       func(f *keyFile) { f.Slots[0].KDF.P = 255 },
		"no lanes":    func(f *keyFile) { f.Slots[0].KDF.P = 0 },
		"no memory":   func(f *keyFile) { f.Slots[0].KDF.MKiB = 0 },
		"no passes":   func(f *keyFile) { f.Slots[0].KDF.T = 0 },
		"other kdf":   func(f *keyFile) { f.Slots[0].KDF.Name = "scrypt" },
		"other kind":  func(f *keyFile) { f.Slots[0].Kind = "back door" },
		"no slot":     func(f *keyFile) { f.Slots = nil },
		"many slots":  func(f *keyFile) { f.Slots = append(f.Slots, make([]slot, 1000)...) },
		"passwords":   func(f *keyFile) { f.again(0) },
		"recoveries":  func(f *keyFile) { f.again(1); f.again(1) },
		"boots":       func(f *keyFile) { f.again(1); f.Slots[1].Kind = "boot-a"; f.Slots[2].Kind = "boot-b" },
		"short pub":   func(f *keyFile) { f.Slots[0].Pub = f.Slots[0].Pub[:31] },
		"long eph":    func(f *keyFile) { f.Slots[0].DEK.Eph = make([]byte, 1000) },
		"no share":    func(f *keyFile) { f.Slots[0].Share = sealed{} },
		"short nonce": func(f *keyFile) { f.Slots[0].Nonce = f.Slots[0].Nonce[:12] },
		"same id":     func(f *keyFile) { f.Slots[1].ID = f.Slots[0].ID },
		"version":     func(f *keyFile) { f.V = 1 },
	} {
		dir, _, _ := cheapVault(t)
		for _, path := range copies(dir) {
			f := load(t, path)
			spoil(f)
			save(t, path, f)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := openCheap(dir, secret)
		runtime.ReadMemStats(&after)
		if _, unread := parseKeyFile(read(t, copies(dir)[0]), cheap); !errors.Is(err, ErrDamaged) || unread == nil {
			t.Errorf("%s: %v, and before anything is tried: %v", name, err, unread)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
}

func TestOneDamagedCopyStillOpens(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"gone":      os.Remove,
		"empty":     func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"not JSON":  func(p string) error { return os.WriteFile(p, []byte("\x00\xff{"), 0o600) },
		"huge":      func(p string) error { return os.Truncate(p, 1<<30) },
		"one digit": func(p string) error { return changeDigit(p) },
		"a pipe":    func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) },
	} {
		for i := range 2 {
			dir, _, v := cheapVault(t)
			want := v.Key("x")
			if err := spoil(copies(dir)[i]); err != nil {
				t.Fatal(err)
			}
			v, err := openCheap(dir, secret)
			if err != nil || !bytes.Equal(v.Key("x"), want) {
				t.Errorf("copy %d %s: %v", i, name, err)
				continue
			}
			a, _ := os.ReadFile(copies(dir)[0])
			b, _ := os.ReadFile(copies(dir)[1])
			if !bytes.Equal(a, b) || len(a) == 0 {
				t.Errorf("copy %d %s: the twin was not healed", i, name)
			}
			if _, err := openCheap(dir, "another one entirely"); err != ErrWrong {
				t.Errorf("copy %d %s: a wrong password: %v", i, name, err)
			}
		}
		dir, _, _ := cheapVault(t)
		if err := errors.Join(spoil(copies(dir)[0]), spoil(copies(dir)[1])); err != nil {
			t.Fatal(err)
		}
		if _, err := openCheap(dir, secret); err == nil {
			t.Errorf("both copies %s: it opened", name)
		}
	}
}

// changeDigit changes the revision, which only the MAC protects.
func changeDigit(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, bytes.Replace(raw, []byte(`"rev": 1`), []byte(`"rev": 9`), 1), 0o600)
}

// A write that a crash cut short between the copies: the newer one wins.
func TestNewerCopyWins(t *testing.T) {
	dir, _, v := cheapVault(t)
	for i, path := range copies(dir) {
		f := load(t, path)
		newer := *f
		newer.Rev = 2
		newer.MAC = newer.mac(&v.keys.data)
		save(t, path, &newer)
		if _, err := openCheap(dir, secret); err != nil {
			t.Fatal(err)
		}
		if other := load(t, copies(dir)[1-i]); other.Rev != 2 {
			t.Errorf("copy %d stayed at revision %d", 1-i, other.Rev)
		}
		for _, path := range copies(dir) {
			save(t, path, f)
		}
	}
}

func TestRecoveryCode(t *testing.T) {
	for range 200 {
		s := make([]byte, codeSize)
		rand.Read(s)
		code := formatCode(s)
		if len(strings.ReplaceAll(code, "-", "")) != 28 || strings.ContainsAny(code, "ILOU") {
			t.Fatalf("code %q", code)
		}
		got, err := parseCode(code)
		if err != nil || !bytes.Equal(got, s) {
			t.Fatalf("%q: %x, %v", code, got, err)
		}
	}
	// Every single slip shows; so does every swap of neighbours that differ.
	code := strings.ReplaceAll(formatCode([]byte("sixteen bytes ok")), "-", "")
	slips := 0
	for i := range code {
		for _, r := range crockford {
			if byte(r) != code[i] {
				if _, err := parseCode(code[:i] + string(r) + code[i+1:]); err == nil {
					slips++
				}
			}
		}
	}
	if slips > 4 { // 868 slips, each passes 10 bits of checksum by chance
		t.Errorf("%d of 868 slips went unnoticed", slips)
	}
}

func FuzzRecoveryCode(f *testing.F) {
	f.Add(formatCode(make([]byte, codeSize)))
	f.Add("0000-0000")
	f.Add(strings.Repeat("Z", 28))
	f.Add("ÄÖÜ\xff")
	f.Fuzz(func(t *testing.T, typed string) {
		s, err := parseCode(typed)
		if err != nil {
			return
		}
		again, err := parseCode(formatCode(s))
		if err != nil || !bytes.Equal(s, again) {
			t.Errorf("%q: %x, then %x, %v", typed, s, again, err)
		}
	})
}

func FuzzKeyFile(f *testing.F) {
	dir, _, _ := cheapVault(f)
	raw, err := os.ReadFile(copies(dir)[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(bytes.Replace(raw, []byte(`"recovery"`), []byte(`"boot-x", "at": "/media/key"`), 1))
	f.Add([]byte(`{"v":1,"dek":{}}`))
	f.Add([]byte(`{"v":2,"slots":[{}]}`))
	f.Add([]byte(`{"v":2,"rev":1e99}`))
	f.Add([]byte(strings.Repeat("[", 10000)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := parseKeyFile(raw, cheap)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("error %v", err)
			}
			return
		}
		// What was accepted can be stored and read again, and its costs are bounded.
		if file.count(isKind(kindPassword)) > maxPassword || len(file.Slots) > 4 {
			t.Errorf("%d slots", len(file.Slots))
		}
		for _, s := range file.Slots {
			if s.KDF.MKiB > ceiling.MKiB || s.KDF.T > ceiling.T || s.KDF.P > ceiling.P {
				t.Errorf("cost %+v", s.KDF)
			}
		}
		again, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseKeyFile(again, cheap); err != nil && len(again) <= maxFile {
			t.Errorf("accepted, then not: %v", err)
		}
	})
}
