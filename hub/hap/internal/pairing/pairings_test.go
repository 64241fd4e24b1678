package pairing_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
)

func addBody(p pairing.Peer) []byte {
	var permissions byte
	if p.Admin {
		permissions = 1
	}
	return haptest.Pack(field(haptest.State, 1), field(haptest.Method, 3), field(haptest.Identifier, []byte(p.ID)...),
		field(haptest.PublicKey, p.Key...), field(haptest.Permissions, permissions))
}

func removeBody(id string) []byte {
	return haptest.Pack(field(haptest.State, 1), field(haptest.Method, 4), field(haptest.Identifier, []byte(id)...))
}

var listBody = haptest.Pack(field(haptest.State, 1), field(haptest.Method, 5))

// ids are the names in a record.
func ids(r pairing.Record) []string {
	var out []string
	for _, p := range r.Peers {
		out = append(out, p.ID)
	}
	return out
}

// as is the pairing of a name, or a stranger of that name.
func as(st *store, name string) pairing.Peer {
	for _, p := range st.Record().Peers {
		if p.ID == name {
			return p
		}
	}
	p, _ := peer(name, true)
	return p
}

// change wants success with an event, and gives who is gone.
func change(t *testing.T, st *store, asker string, body []byte, event pairing.Event) (gone []string) {
	t.Helper()
	before := ids(st.Record())
	a := pairing.Change(t.Context(), st, as(st, asker), body)
	wantState(t, asker, a, 2)
	if a.Event != event {
		t.Errorf("event %d, want %d", a.Event, event)
	}
	after := ids(st.Record())
	return slices.DeleteFunc(before, func(id string) bool { return slices.Contains(after, id) })
}

// denied wants an error, no event and nothing changed.
func denied(t *testing.T, what string, st *store, asker pairing.Peer, body []byte, status, code int) {
	t.Helper()
	before := st.Record()
	a := pairing.Change(t.Context(), st, asker, body)
	wantError(t, what, a, status, 2, code)
	after := st.Record()
	same := slices.EqualFunc(before.Peers, after.Peers, func(a, b pairing.Peer) bool {
		return a.ID == b.ID && a.Admin == b.Admin && bytes.Equal(a.Key, b.Key)
	})
	if a.Event != 0 || !same {
		t.Errorf("%s: event %d, %v became %v", what, a.Event, before.Peers, after.Peers)
	}
}

func TestAddAndList(t *testing.T) {
	admin, _ := peer("admin", true)
	st := newStore(admin)
	want := []pairing.Peer{admin}
	for i := 1; i < pairing.MaxPeers; i++ {
		p, _ := peer(fmt.Sprintf("peer %d", i), i == 5)
		change(t, st, "admin", addBody(p), pairing.Added)
		want = append(want, p)
	}
	full, _ := peer("one too many", false)
	denied(t, "17th peer", st, as(st, "admin"), addBody(full), 200, 4)

	a := pairing.Change(t.Context(), st, as(st, "peer 5"), listBody)
	wantState(t, "list", a, 2)
	fields, err := haptest.Unpack(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if n := 1 + 4*len(want) - 1; len(fields) != n {
		t.Fatalf("%d fields, want %d: separators between entries and none at the end", len(fields), n)
	}
	for i, p := range want {
		entry := fields[1+4*i:]
		admin := byte(0)
		if p.Admin {
			admin = 1
		}
		if string(entry[0].Value) != p.ID || !bytes.Equal(entry[1].Value, p.Key) || entry[2].Value[0] != admin {
			t.Errorf("entry %d: %v", i, entry[:3])
		}
		if i < len(want)-1 && (entry[3].Type != haptest.Separator || len(entry[3].Value) != 0) {
			t.Errorf("entry %d is followed by %v", i, entry[3])
		}
	}
}

func TestAddAgain(t *testing.T) {
	admin, _ := peer("admin", true)
	user, _ := peer("user", false)
	st := newStore(admin, user)
	user.Admin = true
	change(t, st, "admin", addBody(user), 0)
	if !st.Record().Peers[1].Admin {
		t.Error("the permission did not change")
	}
	admin.Admin = false
	change(t, st, "user", addBody(admin), 0)
	denied(t, "list by a former admin", st, as(st, "admin"), listBody, 200, 2)
	user.Admin = false
	denied(t, "the last admin steps down", st, as(st, "user"), addBody(user), 200, 1)
	other, _ := peer("admin", true)
	denied(t, "known identifier, other key", st, as(st, "user"), addBody(other), 200, 1)
}

func TestOnlyAdmins(t *testing.T) {
	admin, _ := peer("admin", true)
	user, _ := peer("user", false)
	fresh, _ := peer("fresh", true)
	st := newStore(admin, user)
	usurper, _ := peer("admin", true) // the admin's name under another key
	for _, who := range []pairing.Peer{user, as(st, "nobody"), as(st, ""), usurper} {
		asker := who.ID
		denied(t, "add by "+asker, st, who, addBody(fresh), 200, 2)
		denied(t, "remove by "+asker, st, who, removeBody("admin"), 200, 2)
		denied(t, "remove of itself by "+asker, st, who, removeBody(asker+"?"), 200, 2)
		denied(t, "list by "+asker, st, who, listBody, 200, 2)
		denied(t, "garbled add by "+asker, st, who, haptest.Pack(field(haptest.State, 1), field(haptest.Method, 3)), 200, 2)
	}
}

func TestRemove(t *testing.T) {
	admin, _ := peer("admin", true)
	second, _ := peer("second", true)
	user, _ := peer("user", false)
	st := newStore(admin, second, user)
	if gone := change(t, st, "admin", removeBody("unknown"), 0); len(gone) > 0 {
		t.Errorf("removing nobody sent %v away", gone)
	}
	if gone := change(t, st, "admin", removeBody("second"), pairing.Removed); !slices.Equal(gone, []string{"second"}) {
		t.Errorf("gone %v", gone)
	}
	if left := ids(st.Record()); !slices.Equal(left, []string{"admin", "user"}) {
		t.Errorf("left %v", left)
	}
	// The last admin takes everybody along, and the code works again.
	if gone := change(t, st, "admin", removeBody("admin"), pairing.Removed); !slices.Equal(gone, []string{"admin", "user"}) {
		t.Errorf("gone %v", gone)
	}
	if left := ids(st.Record()); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if _, err := pair(pairing.NewSetup(st, new(pairing.Gate)), haptest.NewSetup(code, haptest.Options{})); err != nil {
		t.Errorf("pairing again: %v", err)
	}
}

func TestPairingsOnABrokenDisk(t *testing.T) {
	admin, _ := peer("admin", true)
	user, _ := peer("user", false)
	st := newStore(admin)
	st.breakDisk(true)
	denied(t, "add", st, as(st, "admin"), addBody(user), 200, 1)
	denied(t, "remove", st, as(st, "admin"), removeBody("admin"), 200, 1)
}

func TestHostilePairings(t *testing.T) {
	admin, _ := peer("admin", true)
	st := newStore(admin)
	short := admin
	short.ID, short.Key = "short", []byte{1, 2, 3, 4, 5}
	for name, body := range map[string][]byte{
		"nothing": nil, "garbled": {6}, "no state": haptest.Pack(field(haptest.Method, 5)), "state 3": haptest.Pack(field(haptest.State, 3), field(haptest.Method, 5)),
		"no method": haptest.Pack(field(haptest.State, 1)), "method 6": haptest.Pack(field(haptest.State, 1), field(haptest.Method, 6)),
		"five byte key": addBody(short), "remove nobody": haptest.Pack(field(haptest.State, 1), field(haptest.Method, 4)), "empty identifier": removeBody(""),
	} {
		denied(t, name, st, as(st, "admin"), body, 400, 1)
	}
}

func FuzzChange(f *testing.F) {
	admin, _ := peer("admin", true)
	f.Add("admin", listBody)
	f.Add("admin", removeBody("admin"))
	f.Add("user", addBody(admin))
	f.Fuzz(func(t *testing.T, asker string, body []byte) {
		st := newStore(admin)
		a := pairing.Change(t.Context(), st, as(st, asker), body)
		if asker != "admin" && (a.Event != 0 || st.saved != 0) {
			t.Errorf("%q changed something", asker)
		}
		if haptest.Code(a.Body, haptest.State) != 2 {
			t.Errorf("answer % x", a.Body)
		}
	})
}
