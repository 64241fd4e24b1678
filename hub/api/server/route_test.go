package server

import (
	"net/http"
	"os"
	"testing"

	"github.com/danielgtaylor/huma/v2"
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

// Described is the description of the API as JSON, for the tests outside.
func Described() []byte {
	raw, err := build(http.NewServeMux(), Options{}).huma.OpenAPI().MarshalJSON()
	if err != nil {
		panic(err)
	}
	return raw
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
	p.note("phone")
	if !p.lately("phone") || p.lately("tablet") {
		t.Error("the phone gave it, and nobody else")
	}
	p.late()
	if p.lately("phone") {
		t.Error("five minutes are over")
	}
	p.note("phone")
	p.forget()
	if p.lately("phone") || len(p.at) > 0 {
		t.Error("there is another password now")
	}
}

func TestOnlyRootAndTheHubsUserGetIn(t *testing.T) {
	own := os.Getuid()
	if !admits(0, own) || !admits(uint32(own), own) || admits(uint32(own)+1, own) || admits(1<<32-1, own) {
		t.Error("the wrong users get in")
	}
}
