package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// roles are those of apps, from the least; its place is the class.

func roles() []string {
	return []string{"", wire.RoleGuest, wire.RoleMember, wire.RoleGuardian, wire.RoleOwner}
}

func level(access string) int {
	return slices.Index([]string{"public", "guest", "member", "guardian", "owner", "console"}, access)
}

// as is the API as an app of a role has it.
func as(h *apitest.Home, role string) http.Handler {
	api := server.New(server.Options{Hub: h, Feed: h.Feed, Caller: server.Paired})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.ServeHTTP(w, r.WithContext(server.WithApp(r.Context(), wire.App{ID: role + "'s", Role: role})))
	})
}

func call(api http.Handler, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// The committed table says who may do what, so that a change of it is seen by whoever reads the change.
func TestTheTableOfRolesIsCommitted(t *testing.T) {
	var lines []string
	for _, r := range server.Routes() {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%-8s %-6s %-40s %s", r[2], r[0], r[1], r[3])))
	}
	slices.Sort(lines)
	got := []byte(strings.Join(lines, "\n") + "\n")
	if *update {
		if err := os.WriteFile("testdata/access.txt", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile("testdata/access.txt"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("testdata/access.txt differs from the code, %v; run go test ./hub/api/server -update and look at the difference", err)
	}
}

func TestEveryRouteForEveryRole(t *testing.T) {
	for _, r := range server.Routes() {
		path := strings.ReplaceAll(r[1], "{id}", apitest.Toy)
		for have, role := range roles() {
			h := apitest.New(wire.Open)
			api := as(h, role)
			code, said := call(api, r[0], path, "{}")
			switch need := level(r[2]); {
			case need < 0:
				t.Errorf("%s %s: %s is no class", r[0], r[1], r[2])
			case role == "" && need > 0:
				if code != http.StatusUnauthorized || !strings.Contains(said, wire.CodeStranger) {
					t.Errorf("%s %s told a stranger %d %s", r[0], r[1], code, said)
				}
			case have < need:
				if code != http.StatusForbidden || !strings.Contains(said, wire.CodeForbidden) {
					t.Errorf("%s %s told a %s %d %s", r[0], r[1], role, code, said)
				}
			case r[3] != "":
				if code != http.StatusForbidden || !strings.Contains(said, wire.CodeConfirm) {
					t.Errorf("%s %s took no password of the %s: %d %s", r[0], r[1], role, code, said)
				}
				if code, _ := call(api, "POST", "/api/v1/unlock", `{"password":"`+apitest.Password+`"}`); code != http.StatusNoContent {
					t.Fatalf("the password gave %d", code)
				}
				if code, said := call(api, r[0], path, "{}"); strings.Contains(said, wire.CodeConfirm) {
					t.Errorf("%s %s after the password: %d %s", r[0], r[1], code, said)
				}
			case strings.Contains(said, wire.CodeForbidden), strings.Contains(said, wire.CodeStranger), code >= 500 && !strings.Contains(said, `"code"`):
				t.Errorf("%s %s told a %s %d %s", r[0], r[1], role, code, said)
			}
		}
	}
}

// On a hub without an owner, an app that has just claimed it may only choose the password.
func TestTheFirstAppMayOnlySetThePassword(t *testing.T) {
	for _, r := range server.Routes() {
		for _, role := range []string{"", wire.RoleOwner} {
			code, said := call(as(apitest.New(wire.Unclaimed), role), r[0], strings.ReplaceAll(r[1], "{id}", apitest.Toy), "{}")
			free := r[1] == "/api/v1/status" || role != "" && (r[1] == "/api/v1/setup" || r[1] == "/api/v1/passphrase" || r[1] == "/api/v1/password/check")
			if refused := code == http.StatusForbidden; refused == free {
				t.Errorf("%s %s told %q on an unclaimed hub %d %s", r[0], r[1], role, code, said)
			}
		}
	}
	for _, path := range []string{"/", "/api/v1/people/", "/metrics", "/debug/pprof/", "//"} {
		if code, said := call(as(apitest.New(wire.Unclaimed), ""), "GET", path, ""); code != http.StatusForbidden || !strings.Contains(said, wire.CodeUnclaimed) {
			t.Errorf("%s: %d %s", path, code, said)
		}
		if code, said := call(as(apitest.New(wire.Open), ""), "GET", path, ""); code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", path, code, said)
		}
	}
}

func TestWhatIsPrivateIsTheOwners(t *testing.T) {
	h := apitest.New(wire.Open)
	if _, err := h.Place(t.Context(), apitest.Toy, wire.Placement{Private: true}); err != nil {
		t.Fatal(err)
	}
	h.Publish(wire.Change{Troubles: &[]wire.Trouble{{Code: "accessory-unreachable", Subject: apitest.Toy, Severity: "notice"}, {Code: "disk", Severity: "alarm"}}})
	for have, role := range roles()[1:] {
		api := as(h, role)
		owner, guardian := role == wire.RoleOwner, have >= 2
		_, list := call(api, "GET", "/api/v1/accessories", "")
		if strings.Contains(list, apitest.Toy) != owner {
			t.Errorf("a %s is told of private toys: %s", role, list)
		}
		if strings.Contains(list, "52.52") != guardian {
			t.Errorf("a %s is told where people are, or is not: %s", role, list)
		}
		_, status := call(api, "GET", "/api/v1/status", "")
		if strings.Contains(status, "X-HM://") != owner || strings.Contains(status, "482") != owner {
			t.Errorf("a %s is told how to pair with HomeKit: %s", role, status)
		}
		_, troubles := call(api, "GET", "/api/v1/troubles", "")
		if strings.Contains(troubles, apitest.Toy) != owner {
			t.Errorf("a %s is told what ails a private toy: %s", role, troubles)
		}
		_, _, snap := first(t, api, "")
		if strings.Contains(snap, apitest.Toy) != owner || strings.Contains(snap, "52.52") != guardian {
			t.Errorf("the stream of a %s begins with %s", role, snap)
		}
		for _, which := range []string{apitest.Toy, "ROCKET"} {
			if code, _ := call(api, "POST", "/api/v1/accessories/"+which+"/do", `{"trait":"speed","value":50}`); role != wire.RoleGuest && (code == http.StatusNotFound) == (owner && which == apitest.Toy) {
				t.Errorf("a %s moves %s: %d", role, which, code)
			}
		}
	}
}

// What becomes private while somebody looks disappears, and comes back; meanwhile nothing of it is told.
func TestPrivateOnesDisappearFromAStream(t *testing.T) {
	h := apitest.New(wire.Open)
	said := changes(t, as(h, wire.RoleMember), "", 4, func() {
		for _, private := range []bool{true, false} {
			if _, err := h.Place(t.Context(), apitest.Toy, wire.Placement{Private: private}); err != nil {
				t.Fatal(err)
			}
			h.Report(apitest.Toy, trait.Speed.Of(77, time.Now()))
			h.Publish(wire.Change{Condition: &wire.Standing{Accessory: apitest.Toy, Condition: wire.Condition{State: "waiting"}}})
		}
	})
	if len(said) != 4 || said[0].Removed != apitest.Toy || said[1].Accessory == nil || said[2].Value == nil || said[3].Condition == nil {
		t.Errorf("a member was told %+v", said)
	}
}

// slow is a hub that says late that a password was right.
type slow struct {
	*apitest.Home
	right, say chan struct{}
}

func (s slow) Unlock(ctx context.Context, r wire.UnlockRequest) error {
	err := s.Home.Unlock(ctx, r)
	close(s.right)
	<-s.say
	return err
}

// A password that is not the hub's any more when it was found right is good for nothing.
func TestAPasswordOfBeforeProvesNothing(t *testing.T) {
	h := slow{apitest.New(wire.Open), make(chan struct{}), make(chan struct{})}
	api := server.New(server.Options{Hub: h, Feed: h.Feed, Caller: server.Paired})
	as := func(app, method, path, body string) (int, string) {
		return call(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			api.ServeHTTP(w, r.WithContext(server.WithApp(r.Context(), wire.App{ID: app, Role: wire.RoleOwner})))
		}), method, path, body)
	}
	var stolen sync.WaitGroup
	stolen.Go(func() {
		if code, said := as("stolen", "POST", "/api/v1/unlock", `{"password":"`+apitest.Password+`"}`); code != http.StatusNoContent {
			t.Errorf("it was right: %d %s", code, said)
		}
	})
	<-h.right
	if code, said := as("sam", "POST", "/api/v1/password", `{"password":"`+apitest.Password+`","new":"another that is long enough"}`); code != http.StatusNoContent {
		t.Errorf("another password: %d %s", code, said)
	}
	close(h.say)
	stolen.Wait()
	if code, said := as("stolen", "DELETE", "/api/v1/accessories/"+apitest.Toy, ""); code != http.StatusForbidden || !strings.Contains(said, wire.CodeConfirm) {
		t.Errorf("the password of before takes things away: %d %s", code, said)
	}
}

// A thing that comes as a private one is never told of, also where it reports before it is in the home and
// after it was taken out.
func TestAPrivateOneIsNeverToldOf(t *testing.T) {
	h := apitest.New(wire.Open)
	said := changes(t, as(h, wire.RoleMember), "", 1, func() {
		secret := wire.Accessory{ID: "toy-secret", Name: "Secret", Kind: "toy", Private: true}
		h.Report(secret.ID, trait.Speed.Of(66, time.Now()))
		h.Publish(wire.Change{Condition: &wire.Standing{Accessory: secret.ID, Condition: wire.Condition{State: "open"}}})
		h.Publish(wire.Change{Troubles: &[]wire.Trouble{{Code: "accessory-unreachable", Subject: secret.ID}}})
		h.Publish(wire.Change{Accessory: &secret})
		h.Publish(wire.Change{Removed: secret.ID})
		h.Report(secret.ID, trait.Speed.Of(66, time.Now()))
		h.Report(apitest.Watch, trait.Battery.Of(12, time.Now()))
	})
	for _, c := range said {
		if raw, _ := json.Marshal(c); strings.Contains(string(raw), "secret") {
			t.Errorf("a member was told %s", raw)
		}
	}
	if v := said[len(said)-1].Value; v == nil || v.Accessory != apitest.Watch {
		t.Errorf("and of the watch not: %+v", said)
	}
}

// Who names a Last-Event-ID, their own or one that they made up, is not told what was private then.
func TestNobodyResumesIntoWhatWasPrivate(t *testing.T) {
	h := apitest.New(wire.Open)
	if _, err := h.Place(t.Context(), apitest.Toy, wire.Placement{Private: true}); err != nil {
		t.Fatal(err)
	}
	id, _, _ := first(t, as(h, wire.RoleOwner), "")
	h.Report(apitest.Toy, trait.Speed.Of(66, time.Now()))
	if err := h.Remove(t.Context(), apitest.Toy); err != nil {
		t.Fatal(err)
	}
	if _, event, body := first(t, as(h, wire.RoleOwner), id); event != "change" || !strings.Contains(body, apitest.Toy) {
		t.Errorf("an owner does not resume: %s %s", event, body)
	}
	for _, role := range roles()[1:4] {
		if _, event, body := first(t, as(h, role), id); event != "snapshot" || strings.Contains(body, apitest.Toy) {
			t.Errorf("a %s was told: %s %s", role, event, body)
		}
	}
}

// changes are the first n of a stream that was open before things happened; troubles are in addition.
func changes(t *testing.T, api http.Handler, after string, n int, happen func()) []wire.Change {
	t.Helper()
	var said []wire.Change
	at := -1
	follow(t, api, after, func(_, event, body string) bool {
		if at++; at == 0 {
			if event != "snapshot" {
				t.Errorf("first came %s %s", event, body)
			}
			happen()
			return n > 0
		}
		var c wire.Change
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			t.Error(err)
		}
		if said = append(said, c); c.Troubles != nil {
			at--
		}
		return at < n
	})
	return said
}

// follow reads events after one until next has had enough.
func follow(t *testing.T, api http.Handler, after string, next func(id, event, body string) bool) {
	t.Helper()
	s := httptest.NewServer(api)
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", after)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	said := map[string]string{}
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ": "); ok {
			said[name] = value
		} else if lines.Text() == "" && !next(said["id"], said["event"], said["data"]) {
			return
		}
	}
	t.Errorf("the stream ended: %v", lines.Err())
}
