package pairing_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/pairing"
)

// sealed is a store in memory that can be full.
type sealed struct {
	kept  *pairing.State
	full  bool
	saves int
}

var errFull = errors.New("full")

func (s *sealed) Load(context.Context) (pairing.State, error) {
	if s.kept == nil {
		return pairing.State{}, archive.ErrNone
	}
	return *s.kept, nil
}

func (s *sealed) Save(_ context.Context, st pairing.State) error {
	if s.full {
		return errFull
	}
	s.saves++
	s.kept = &st
	return nil
}

func open(t *testing.T, dir string, now func() time.Time, s *sealed) *pairing.Book {
	t.Helper()
	b, err := pairing.New(pairing.Options{Dir: dir, API: func() string { return "https://127.0.0.1:1" }, Now: now,
		Claimed: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
	if err == nil && s != nil {
		err = b.Open(t.Context(), s, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pin(sign string) string { return strings.Repeat(sign, 64) }

func TestAppsAreKept(t *testing.T) {
	dir, s, clock := t.TempDir(), &sealed{}, time.Now()
	b := open(t, dir, func() time.Time { return clock }, s)
	var dropped []string
	b.OnDrop(func(app string) { dropped = append(dropped, app) })
	for _, sign := range []string{"a", "b", "a"} {
		if _, err := b.PairHere(t.Context(), wire.PairRequest{Name: sign, Pin: pin(sign)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []wire.PairRequest{{Pin: "short"}, {Pin: strings.Repeat("g", 64)}, {Pin: pin("c"), Name: "\u202eturned"}} {
		if _, err := b.PairHere(t.Context(), r); wire.Code(err) != wire.CodeInvalid {
			t.Errorf("%+v: %v", r, err)
		}
	}
	id := pin("a")[:16]
	if changed, err := b.RenameApp(t.Context(), id, "Kitchen"); err != nil || changed.Name != "Kitchen" {
		t.Errorf("renamed to %+v, %v", changed, err)
	}
	if _, err := b.RenameApp(t.Context(), "nobody", "x"); wire.Code(err) != wire.CodeUnknown {
		t.Errorf("nobody has a name: %v", err)
	}
	saves := s.saves
	b.Seen(t.Context(), id) // the first time is kept, then once an hour
	b.Seen(t.Context(), id)
	clock = clock.Add(2 * time.Minute)
	b.Seen(t.Context(), id)
	if s.saves != saves+1 {
		t.Errorf("%d writes for three calls", s.saves-saves)
	}
	clock = clock.Add(time.Hour)
	b.Seen(t.Context(), id)
	list, err := b.Apps(t.Context(), id)
	if err != nil || len(list) != 2 || s.saves != saves+2 || !list[1].This || !list[1].Seen.Equal(clock) {
		t.Errorf("apps %+v, %v, %d writes", list, err, s.saves-saves)
	}
	b.DropOthers(id)
	if !slices.Equal(dropped, []string{pin("b")[:16]}) {
		t.Errorf("dropped %v", dropped)
	}
	again := open(t, dir, time.Now, s)
	if list, err := again.Apps(t.Context(), ""); err != nil || len(list) != 2 || list[1].Name != "Kitchen" {
		t.Errorf("after a restart %+v, %v", list, err)
	}
}

// On a full disk nobody new gets in, and whoever is revoked is out all the same.
func TestAFullDisk(t *testing.T) {
	s := &sealed{}
	b := open(t, t.TempDir(), time.Now, s)
	if _, err := b.PairHere(t.Context(), wire.PairRequest{Pin: pin("a")}); err != nil {
		t.Fatal(err)
	}
	s.full = true
	if _, err := b.PairHere(t.Context(), wire.PairRequest{Pin: pin("b")}); !errors.Is(err, errFull) {
		t.Errorf("paired: %v", err)
	}
	if _, err := b.RenameApp(t.Context(), pin("a")[:16], "new"); !errors.Is(err, errFull) {
		t.Errorf("renamed: %v", err)
	}
	if list, _ := b.Apps(t.Context(), ""); len(list) != 1 || list[0].Name != "" {
		t.Errorf("apps %+v", list)
	}
	if err := b.RevokeApp(t.Context(), pin("a")[:16]); !errors.Is(err, errFull) {
		t.Errorf("revoked: %v", err)
	}
	if list, _ := b.Apps(t.Context(), ""); len(list) != 0 {
		t.Errorf("a revoked app stays: %+v", list)
	}
}

// Who is paired again as less than before has nothing left of what it was.
func TestAnAppOfAnotherRoleComesAnew(t *testing.T) {
	b := open(t, t.TempDir(), time.Now, &sealed{})
	var dropped []string
	b.OnDrop(func(app string) { dropped = append(dropped, app) })
	app := key(t)
	for i, role := range []string{wire.RoleOwner, wire.RoleOwner, wire.RoleGuest} {
		if err := claimed(t, b, app, wire.Invitation{Role: role}); err != nil {
			t.Fatal(err)
		}
		if list, _ := b.Apps(t.Context(), ""); len(list) != 1 || list[0].Role != role || (len(dropped) > 0) != (i == 2) {
			t.Errorf("as %s: %+v, dropped %v", role, list, dropped)
		}
	}
}

// A code that somebody drew who is out, or by the password of before, lets nobody in.
func TestACodeEndsWithWhoDrewIt(t *testing.T) {
	for how, end := range map[string]func(*pairing.Book) error{
		"revoked":          func(b *pairing.Book) error { return b.RevokeApp(t.Context(), pin("a")[:16]) },
		"another password": func(b *pairing.Book) error { b.DropOthers(""); return nil },
	} {
		b := open(t, t.TempDir(), time.Now, &sealed{})
		if _, err := b.PairHere(t.Context(), wire.PairRequest{Pin: pin("a")}); err != nil {
			t.Fatal(err)
		}
		code, err := b.Invite(t.Context(), wire.Invitation{Role: wire.RoleOwner})
		if err == nil {
			err = end(b)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := prove(t, b, key(t), code.Code); !errors.Is(err, claim.ErrNone) {
			t.Errorf("%s: the code is still good: %v", how, err)
		}
	}
}

// key is an app that is not paired yet.
func key(t *testing.T) tls.Certificate {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := claim.Certificate(key)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// claimed lets an app in by a code.
func claimed(t *testing.T, b *pairing.Book, app tls.Certificate, i wire.Invitation) error {
	t.Helper()
	code, err := b.Invite(t.Context(), i)
	if err != nil {
		return err
	}
	return prove(t, b, app, code.Code)
}

// prove has an app type a code, at a door that does nothing else.
func prove(t *testing.T, b *pairing.Book, app tls.Certificate, typed string) error {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{claim.Protocol},
		ClientAuth: tls.RequireAnyClientCert, Certificates: []tls.Certificate{*b.Certificate()}, SessionTicketsDisabled: true})
	if err != nil {
		return err
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	defer ln.Close()
	serving.Go(func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if conn := c.(*tls.Conn); conn.HandshakeContext(t.Context()) == nil {
			b.Serve(t.Context(), conn)
		}
	})
	conn, err := tls.Dial("tcp", ln.Addr().String(), claim.Config(app))
	if err != nil {
		return err
	}
	defer conn.Close()
	pin, err := claim.PinOf(tls.ConnectionState{PeerCertificates: []*x509.Certificate{app.Leaf}})
	if err != nil {
		return err
	}
	code, err := claim.ParseCode(typed)
	if err != nil {
		return err
	}
	_, err = claim.Ask(t.Context(), conn, pin, code, claim.App{Name: "Noor's phone"})
	return err
}

// The ten minutes in which the first app sets the password are over when it asks, not when the hub has done it:
// a slow hub would have an owner then, and no app.
func TestThePasswordMayTakeAWhile(t *testing.T) {
	dir, clock := t.TempDir(), time.Now()
	raw := fmt.Sprintf(`{"key":%q,"tries":{},"first":{"pin":%q,"until":%q}}`, base64.StdEncoding.EncodeToString(make([]byte, 32)), pin("a"), clock.Add(time.Second).Format(time.RFC3339Nano))
	if err := os.WriteFile(filepath.Join(dir, "door.json"), []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := pairing.New(pairing.Options{Dir: dir, Now: func() time.Time { return clock }, Claimed: func() bool { return false }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	first, err := claim.ParsePin(pin("a"))
	if err != nil {
		t.Fatal(err)
	}
	app, known := b.Known(first)
	if !known {
		t.Fatal("in time, it is not known")
	}
	clock = clock.Add(5 * time.Second)
	if _, late := b.Known(first); late {
		t.Error("it is known too late")
	}
	if err := b.Open(t.Context(), &sealed{}, app.ID); err != nil {
		t.Fatal(err)
	}
	if list, _ := b.Apps(t.Context(), ""); len(list) != 1 || list[0].Role != wire.RoleOwner {
		t.Errorf("the hub has an owner and the apps %+v", list)
	}
}

func TestThereIsAnEndToApps(t *testing.T) {
	b := open(t, t.TempDir(), time.Now, &sealed{})
	for i := range 65 {
		_, err := b.PairHere(t.Context(), wire.PairRequest{Pin: strings.Repeat(fmt.Sprintf("%02x", i), 32)})
		if i < 64 && err != nil || i == 64 && wire.Code(err) != "apps.too-many" {
			t.Fatalf("app %d: %v", i+1, err)
		}
	}
}

// What stands in the clear while the hub is locked: no name, and nothing that would open the store.
func TestTheDoorNamesNobody(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, time.Now, &sealed{})
	if _, err := b.PairHere(t.Context(), wire.PairRequest{Name: "Noor's phone", Platform: "android", Pin: pin("a")}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "door.json")
	raw, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(raw), "Noor") || strings.Contains(string(raw), "android") || !strings.Contains(string(raw), pin("a")) {
		t.Errorf("%s, %v", raw, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
}
