package hap_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// TestAGreedyController pushes out only sessions of its own.
func TestAGreedyController(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]hap.Limits{
		"more than one may have": {Sessions: 100, PerController: 4},
		"more than there may be": {Sessions: 4, PerController: 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, creds, admin := paired(t, hap.Options{Limits: limits}, bridge())
			g := h.newcomer(t, admin, 0)
			first := h.session(t, g)
			for range 8 {
				h.session(t, g)
			}
			ended(t, first)
			do(t, admin, 200, "GET", "/characteristics?id=1.3", "")
			do(t, h.session(t, creds), 200, "GET", "/characteristics?id=1.3", "")
		})
	}
}

// TestACrowdOfAddresses pushes out those of the addresses that take most, not
// the phone that comes from one of its own and has not asked yet.
func TestACrowdOfAddresses(t *testing.T) {
	t.Parallel()
	limits := hap.Limits{Unauthenticated: 12, Idle: time.Hour, Setup: time.Hour}
	h := open(t, hap.Options{Limits: limits}, &disk{}, bridge())
	phone := h.dial(t)
	var strangers []*haptest.Client
	for i := range 40 {
		c := dialFrom(t, h.addr, fmt.Sprintf("127.0.0.%d:0", 2+i%4))
		do(t, c, 470, "GET", "/accessories", "")
		strangers = append(strangers, c)
	}
	if _, err := strangers[0].Receive(); err == nil || isTimeout(err) {
		t.Errorf("the first of forty strangers was kept: %v", err)
	}
	do(t, phone, 470, "GET", "/accessories", "")
}

// TestNothingOfALargeRequestIsKept: a session that has asked for much, and said
// much, costs no more than another.
func TestNothingOfALargeRequestIsKept(t *testing.T) {
	h, creds, _ := paired(t, hap.Options{}, bridge())
	var query, body strings.Builder
	for i := range 8000 {
		fmt.Fprintf(&query, ",%d.9", i+1)
	}
	for i := range 4000 {
		fmt.Fprintf(&body, `,{"aid":%d,"iid":9,"value":"%s"}`, i+1, strings.Repeat("x", 400))
	}
	before := live()
	const many = 10
	for range many {
		c := h.session(t, creds)
		do(t, c, 207, "GET", "/characteristics?meta=1&id="+query.String()[1:], "")
		do(t, c, 207, "PUT", "/characteristics", `{"characteristics":[`+body.String()[1:]+`]}`)
	}
	eventually(t, "memory to be given back", func() bool { return live() < before+many*512<<10 })
}
