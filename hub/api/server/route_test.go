package server

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sys/unix"
)

// Routes lists method, path and access of every route, and whether it takes the password again, for the
// tests outside.
func Routes() [][4]string {
	a := build(http.NewServeMux(), Options{})
	var list [][4]string
	for path, item := range a.huma.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op == nil {
				continue
			}
			final := ""
			if (route{id: op.OperationID, method: method}).final() {
				final = "password"
			}
			list = append(list, [4]string{method, path, a.access[op.OperationID].String(), final})
		}
	}
	return list
}

// Late lets the time pass for which a password is good.
func (p *proofs) late() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.at {
		p.at[id] = p.at[id].Add(-lately - 1)
	}
}

func TestAPasswordIsGoodForAWhile(t *testing.T) {
	var p proofs
	if p.lately("phone") || p.lately("") {
		t.Error("nobody gave it")
	}
	p.note("phone", p.now())
	if !p.lately("phone") || p.lately("tablet") {
		t.Error("the phone gave it, and nobody else")
	}
	p.late()
	if p.lately("phone") {
		t.Error("five minutes are over")
	}
	p.note("phone", p.now())
	p.forget()
	if p.lately("phone") || len(p.at) > 0 {
		t.Error("there is another password now")
	}
}

func TestOnlyRootTheHubsUserAndTheGroupGetIn(t *testing.T) {
	groups := func(uid uint32) []string {
		return map[uint32][]string{1001: {"100", "4242"}, 1002: {"100"}, nobody: {"4242"}}[uid]
	}
	for _, c := range []struct {
		uid, gid uint32
		group    string
		in       bool
	}{
		{0, 0, "", true}, {1000, 1000, "", true}, {1001, 100, "", false}, {1<<32 - 1, 0, "", false},
		{1001, 100, "4242", true}, {1002, 100, "4242", false}, {1003, 4242, "4242", true}, {nobody, 4242, "4242", false}, {1003, 424, "4242", false},
	} {
		if admits(&unix.Ucred{Uid: c.uid, Gid: c.gid}, 1000, c.group, groups) != c.in {
			t.Errorf("%+v", c)
		}
	}
}

// On a machine with the group, the socket is its.
func TestTheGroupHasTheSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.sock")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	gid := share(path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[bool]os.FileMode{true: 0o660, false: 0o600}[gid != ""]; info.Mode().Perm() != want {
		t.Errorf("the group is %q and the mode %v", gid, info.Mode())
	}
	if gid != "" && strconv.FormatUint(uint64(info.Sys().(*syscall.Stat_t).Gid), 10) != gid {
		t.Errorf("the socket is not of group %s", gid)
	}
}

// Shown lists the routes at which looks are noted, for the tests outside.
func Shown() []string {
	a := build(http.NewServeMux(), Options{})
	var list []string
	for id := range a.access {
		if act, _ := (route{id: id}).shows(); act != "" {
			list = append(list, id)
		}
	}
	return list
}
