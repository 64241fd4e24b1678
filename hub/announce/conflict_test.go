package announce_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/announce"
	"github.com/miekg/dns"
)

// seen asks from outside until every server of the announcer is seen as wanted.
func seen(t *testing.T, a *announce.Announcer, good func(announce.Condition) bool) []announce.Condition {
	t.Helper()
	var all []announce.Condition
	eventually(t, "it is seen as it should", func() bool {
		all = a.Check(t.Context())
		return !slices.ContainsFunc(all, func(c announce.Condition) bool { return !good(c) })
	})
	return all
}

func heard(c announce.Condition) bool {
	return c.Trouble == "" && len(c.Sights) > 0 &&
		!slices.ContainsFunc(c.Sights, func(s announce.Sight) bool { return s.Outcome != announce.Heard })
}

func TestIsHeardFromOutside(t *testing.T) {
	t.Parallel()
	a, id := onLoopback(t), token()
	set(t, a, "Ingle "+id, 51826, txt(id, "1", "1"))
	if c := a.State(); len(c) != 1 || c[0].Trouble != "" || len(c[0].Sights) != 0 {
		t.Errorf("before anybody asked, the state is %+v", c)
	}
	all := seen(t, a, heard)
	if len(all) != 1 || all[0].Instance != "Ingle "+id || all[0].Name != "Ingle "+id {
		t.Errorf("seen: %+v", all)
	}
}

func TestReportsThatNothingIsSaid(t *testing.T) {
	t.Parallel()
	told := make(chan []announce.Condition, 16)
	a := announce.New(announce.Options{Interfaces: []string{"none"}, Report: func(c []announce.Condition) { told <- c }})
	defer a.Close()
	_ = a.Set("Ingle 1A2B", 51826, nil) // says so too, see TestNoNetworkIsAnErrorToShow
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for trouble := ""; trouble != announce.TroubleSilent; {
		select {
		case c := <-told:
			trouble = c[0].Trouble
		case <-ctx.Done():
			t.Fatal("no report")
		}
	}
	a.Remove("Ingle 1A2B")
	select {
	case c := <-told:
		if len(c) != 0 {
			t.Errorf("after the removal the report is %+v", c)
		}
	case <-ctx.Done():
		t.Error("the removal is not reported")
	}
}

// Two hubs with one name: the second one takes a name that HomeKit accepts, and both are heard.
func TestTheSecondTakesAnotherName(t *testing.T) {
	t.Parallel()
	id, other := token(), token()
	first, second := onLoopback(t), onLoopback(t)
	set(t, first, "Ingle "+id, 51826, txt(id, "1", "1"))
	seen(t, first, heard)
	set(t, second, "Ingle "+id, 51827, txt(other, "1", "1"))
	all := seen(t, second, heard)
	if all[0].Name != "Ingle "+id+" 2" || all[0].Instance != "Ingle "+id {
		t.Errorf("the second is %+v", all)
	}
	if all := seen(t, first, heard); all[0].Name != "Ingle "+id {
		t.Errorf("the first is %+v", all)
	}
	text := find[*dns.TXT](ask(t, id, `Ingle\ `+id+`\ 2.`+service, dns.TypeTXT, 5*time.Second))
	if len(text) != 1 || !slices.Contains(text[0].Txt, "id="+identity(other)) {
		t.Errorf("under the new name the identity is %v", text)
	}
	// A change keeps the name that it has now.
	set(t, second, "Ingle "+id, 51827, txt(other, "2", "0"))
	if all := seen(t, second, heard); all[0].Name != "Ingle "+id+" 2" {
		t.Errorf("after a change the second is %+v", all)
	}
}

// Both start in the same moment: one waits for the other.
func TestTwoAtOnceAgree(t *testing.T) {
	t.Parallel()
	id := token()
	hubs := []*announce.Announcer{onLoopback(t), onLoopback(t)}
	for n, a := range hubs {
		set(t, a, "Ingle "+id, 51826+n, txt(token(), "1", "1"))
	}
	var names []string
	for _, a := range hubs {
		names = append(names, seen(t, a, heard)[0].Name)
	}
	slices.Sort(names)
	if names[0] != "Ingle "+id || names[1] != "Ingle "+id+" 2" {
		t.Errorf("the names are %q", names)
	}
}

// A copy of a hub (a restored backup while the old one lives) must not become a second hub under
// another name: it keeps quiet, and both say what is wrong.
func TestACopyKeepsQuietAndBothTell(t *testing.T) {
	t.Parallel()
	id := token()
	first, second := onLoopback(t), onLoopback(t)
	set(t, first, "Ingle "+id, 51826, txt(id, "1", "1"))
	seen(t, first, heard)
	set(t, second, "Ingle "+id, 51827, txt(id, "1", "1"))
	conflict := func(c announce.Condition) bool { return c.Trouble == announce.TroubleConflict }
	if all := seen(t, second, conflict); all[0].Name != "Ingle "+id {
		t.Errorf("the copy renamed itself: %+v", all)
	}
	seen(t, first, conflict)
	srv := find[*dns.SRV](ask(t, id, `Ingle\ `+id+"."+service, dns.TypeSRV, 5*time.Second))
	if len(srv) != 1 || srv[0].Port != 51826 {
		t.Errorf("the first is not what is announced: %v", srv)
	}
}

// The identity counts, under whatever name it lives on.
func TestACopyUnderAnotherNameIsFound(t *testing.T) {
	t.Parallel()
	id := token()
	first, second := onLoopback(t), onLoopback(t)
	set(t, first, "Ingle "+id, 51826, txt(id, "1", "1"))
	set(t, second, "Home "+id, 51827, txt(id, "1", "1"))
	seen(t, first, func(c announce.Condition) bool { return c.Trouble == announce.TroubleConflict })
}

func TestTheOtherFamilyIsDenied(t *testing.T) {
	t.Parallel()
	a, id := onLoopback(t), token()
	set(t, a, "Ingle "+id, 51826, txt(id, "1", "1"))
	host := "ingle-" + strings.ToLower(id) + ".local."
	no := find[*dns.NSEC](ask(t, id, host, dns.TypeAAAA, 5*time.Second))
	if len(no) != 1 || !slices.Equal(no[0].TypeBitMap, []uint16{dns.TypeA}) {
		t.Errorf("asked for AAAA it says %v", no)
	}
}
