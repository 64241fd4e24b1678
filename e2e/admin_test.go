package e2e

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
)

// stranger to the bridge, to become a controller of it: its own keys, and the bridge's.
func newcomer(t *testing.T, name string, bridgeKey []byte) *hap.Client {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &hap.Client{ClientID: name, ClientPrivate: private, DevicePublic: bridgeKey}
}

// admit has hap-controller add a pairing, and gives it to go2rtc.
func (b *bench) admit(t *testing.T, p *phone, name string, admin bool) *hap.Client {
	t.Helper()
	key, err := hex.DecodeString(p.identity(t).AccessoryPK)
	if err != nil {
		t.Fatal(err)
	}
	c := newcomer(t, name, key)
	p.must(t, nil, "addPairing", name, map[string]string{"hex": hex.EncodeToString(c.ClientPublic())}, admin)
	return c
}

// The items of the messages to /pairings.
func adding(c *hap.Client, permissions byte) []item {
	return []item{{kindState, []byte{1}}, {kindMethod, []byte{3}}, {kindID, []byte(c.ClientID)}, {kindPublic, c.ClientPublic()}, {kindPermissions, []byte{permissions}}}
}

func removing(name string) []item {
	return []item{{kindState, []byte{1}}, {kindMethod, []byte{4}}, {kindID, []byte(name)}}
}

func listing() []item { return []item{{kindState, []byte{1}}, {kindMethod, []byte{5}}} }

// listed reads a list as strictly as HAP says: entries with a separator between them and none at the end.
func listed(t *testing.T, answer []item) map[string]byte {
	t.Helper()
	all := map[string]byte{}
	for i, entry := 1, 0; i < len(answer); entry++ {
		if entry > 0 {
			if answer[i].kind != kindSeparator || len(answer[i].value) != 0 {
				t.Fatalf("entry %d of the list follows %v, not a separator", entry, answer[i])
			}
			i++
		}
		if len(answer) < i+3 || answer[i].kind != kindID || answer[i+1].kind != kindPublic || answer[i+2].kind != kindPermissions {
			t.Fatalf("entry %d of the list is %v", entry, answer[i:])
		}
		all[string(answer[i].value)] = answer[i+2].value[0]
		i += 3
	}
	return all
}

// TestCheck15ManyControllers fills the table of pairings, as an admin and as somebody who is none.
func TestCheck15ManyControllers(t *testing.T) {
	b := startBench(t, 3, "")
	p := startPeers(t).phone(t, b.bridge, nil)
	p.pair(t, 1)
	user := b.admit(t, p, "user", false)
	asUser := session(t, b.bridge, user)
	for what, message := range map[string][]item{
		"add": adding(newcomer(t, "friend", nil), 0), "remove": removing("user"), "list": listing(),
	} {
		if state, fault, _ := asUser.pairings(t, message...); state != 2 || fault != faultAuthentication {
			t.Errorf("a user's %s: state %d, error %d; want 2 and %d", what, state, fault, faultAuthentication)
		}
	}
	for i := 2; i < 16; i++ {
		b.admit(t, p, fmt.Sprintf("guest %d", i), i == 2)
	}
	var table struct {
		IDs         []string `json:"1"`
		Keys        []string `json:"3"`
		Permissions []string `json:"11"`
		Separators  []string `json:"255"`
	}
	p.must(t, &table, "listPairings")
	if len(table.IDs) != 16 || len(table.Keys) != 16 || len(table.Permissions) != 16 || len(table.Separators) != 15 {
		t.Errorf("hap-controller lists %+v", table)
	}
	full := newcomer(t, "one too many", nil)
	r := p.try(t, "addPairing", full.ClientID, map[string]string{"hex": hex.EncodeToString(full.ClientPublic())}, false)
	if r.Status != 4 {
		t.Errorf("the 17th pairing gives hap-controller %d, %q; want 4", r.Status, r.Error)
	}
	other := newcomer(t, "user", nil) // the same name with another key
	r = p.try(t, "addPairing", other.ClientID, map[string]string{"hex": hex.EncodeToString(other.ClientPublic())}, true)
	if r.Status != faultUnknown {
		t.Errorf("a known name with another key gives %d, %q; want %d", r.Status, r.Error, faultUnknown)
	}
	p.must(t, nil, "addPairing", "user", map[string]string{"hex": hex.EncodeToString(user.ClientPublic())}, true)
	_, fault, answer := asUser.pairings(t, listing()...) // the same session: its right has changed
	if all := listed(t, answer); fault != 0 || len(all) != 16 || all["user"] != 1 || all["guest 2"] != 1 || all["guest 3"] != 0 {
		t.Errorf("the new admin lists %v, error %d", all, fault)
	}
	p.must(t, nil, "removePairing", map[string]string{"hex": hex.EncodeToString([]byte("guest 9"))})
	if state, fault, _ := asUser.pairings(t, removing("nobody")...); state != 2 || fault != 0 {
		t.Errorf("removing nobody: state %d, error %d", state, fault)
	}
	if _, _, answer = asUser.pairings(t, listing()...); len(listed(t, answer)) != 15 {
		t.Errorf("after one was removed there are %v", listed(t, answer))
	}
}

// TestCheck16Leaving removes controllers: one of several, the asker, and the last admin.
func TestCheck16Leaving(t *testing.T) {
	b := startBench(t, 3, "")
	p := startPeers(t).phone(t, b.bridge, nil)
	who := p.pair(t, 0)
	user, admin := b.admit(t, p, "user", false), b.admit(t, p, "admin", true)
	asUser, asAdmin := session(t, b.bridge, user), session(t, b.bridge, admin)
	second := session(t, b.bridge, user)
	b.control(t, "/slow?ms=30000") // and one that waits for a device
	hung := id(every(second.things(t), lamp, brightness)[0])
	if _, err := io.WriteString(second.conn, request("GET", hap.PathCharacteristics+"?id="+hung, "", 0)); err != nil {
		t.Fatal(err)
	}
	<-time.After(100 * time.Millisecond)

	if _, fault, _ := asAdmin.pairings(t, removing("user")...); fault != 0 {
		t.Fatalf("removing: error %d", fault)
	}
	removed := time.Now()
	for _, c := range []*controller{asUser, second} {
		if err := c.ends(); err != errEnded {
			t.Errorf("a removed controller's session: %v", err)
		}
	}
	if took := time.Since(removed); took > time.Second {
		t.Errorf("the sessions of a removed controller ended after %v", took)
	}
	if _, err := verify(dial(t, b.bridge, nil), user); err == nil {
		t.Error("a removed controller verifies")
	}
	b.control(t, "/slow?ms=0")
	asAdmin.things(t)

	// hap-controller removes itself: it wants the answer before the socket closes.
	p.must(t, nil, "removePairing", map[string]string{"hex": who.ID})
	asAdmin.things(t)
	guest := newcomer(t, "guest", admin.DevicePublic)
	if _, fault, _ := asAdmin.pairings(t, adding(guest, 0)...); fault != 0 {
		t.Fatalf("adding: error %d", fault)
	}
	asGuest := session(t, b.bridge, guest)
	if state, fault, _ := asAdmin.pairings(t, removing("admin")...); state != 2 || fault != 0 {
		t.Errorf("the last admin leaves: state %d, error %d", state, fault)
	}
	for _, c := range []*controller{asAdmin, asGuest} {
		if err := c.ends(); err != errEnded {
			t.Errorf("after the last admin left, a session: %v", err)
		}
	}
	if status, _, err := strange(t, b.bridge).send(http.MethodPost, "/identify", nil); err != nil || status != http.StatusNoContent {
		t.Errorf("after the last admin left, identify gives %d, %v", status, err)
	}
	again, err := tryPair(b.bridge, b.SetupCode)
	if err != nil {
		t.Fatalf("the same code pairs no more: %v", err)
	}
	if !slices.Equal(again.DevicePublic, admin.DevicePublic) {
		t.Error("the bridge has another key now")
	}
	if _, fault, answer := session(t, b.bridge, again).pairings(t, listing()...); fault != 0 || len(listed(t, answer)) != 1 {
		t.Errorf("after pairing again there are %v", listed(t, answer))
	}
}
