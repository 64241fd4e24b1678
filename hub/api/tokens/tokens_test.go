package tokens_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/tokens"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// memory is a store that keeps what a disk would: text.
type memory struct {
	raw  []byte
	full error
}

func (m *memory) Load(context.Context) (s tokens.State, err error) {
	if m.raw != nil {
		err = json.Unmarshal(m.raw, &s)
	}
	return s, err
}

func (m *memory) Save(_ context.Context, s tokens.State) (err error) {
	if m.full != nil {
		return m.full
	}
	m.raw, err = json.Marshal(s)
	return err
}

type bench struct {
	*tokens.Box
	disk    *memory
	clock   time.Time
	dropped []string
}

func opened(t *testing.T) *bench {
	t.Helper()
	b := &bench{disk: &memory{}, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	b.Box = tokens.New(func(err error) error { return err }, func() time.Time { return b.clock })
	b.OnDrop(func(id string) { b.dropped = append(b.dropped, id) })
	if err := b.Open(t.Context(), b.disk); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestATokenIsShownOnceAndKeptAsAHash(t *testing.T) {
	b := opened(t)
	made, err := b.Make(t.Context(), wire.TokenRequest{Name: " Doorbell script ", Role: wire.RoleMember})
	if err != nil || len(made.Secret) < len("ingle_")+26 || made.Name != "Doorbell script" || made.Until.Sub(made.Added) != 365*24*time.Hour {
		t.Fatalf("%+v, %v", made, err)
	}
	if bytes.Contains(b.disk.raw, []byte(made.Secret[6:])) {
		t.Error("the store has the secret")
	}
	if known, ok := b.Known(t.Context(), made.Secret); !ok || known.ID != made.ID || known.Role != wire.RoleMember {
		t.Errorf("%+v, %v", known, ok)
	}
	for _, wrong := range []string{"", "ingle_", made.Secret[:len(made.Secret)-1], made.Secret + "A", strings.ToLower(made.Secret), made.ID, "ingle_" + strings.Repeat("A", 1<<20)} {
		if _, ok := b.Known(t.Context(), wrong); ok {
			t.Errorf("%.40q is taken", wrong)
		}
	}
	list, err := b.List(t.Context())
	if raw, _ := json.Marshal(list); err != nil || len(list) != 1 || strings.Contains(string(raw), made.Secret) || strings.Contains(string(raw), "hash") {
		t.Errorf("the list: %s, %v", raw, err)
	}
	b.Close()
	if _, ok := b.Known(t.Context(), made.Secret); ok {
		t.Error("a locked hub knows a token")
	}
	if err := b.Open(t.Context(), b.disk); err != nil {
		t.Fatal(err)
	}
	if known, ok := b.Known(t.Context(), made.Secret); !ok || known.Seen.IsZero() {
		t.Errorf("after a restart: %+v, %v", known, ok)
	}
}

func TestATokenEnds(t *testing.T) {
	b := opened(t)
	made, err := b.Make(t.Context(), wire.TokenRequest{Name: "a", Role: wire.RoleGuest, Days: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		good  bool
	}{{0, true}, {48*time.Hour - 1, true}, {48 * time.Hour, false}, {1000 * time.Hour, false}, {-3 * time.Hour, false}} {
		b.clock = made.Added.Add(c.after)
		if _, ok := b.Known(t.Context(), made.Secret); ok != c.good {
			t.Errorf("after %v: %v", c.after, ok)
		}
	}
	b.clock = made.Added
	b.disk.full = errors.New("the disk is full")
	if err := b.Revoke(t.Context(), "A"); err == nil {
		t.Error("nobody says that it is not kept")
	}
	if _, ok := b.Known(t.Context(), made.Secret); ok || len(b.dropped) != 1 || b.dropped[0] != made.ID {
		t.Errorf("a revoked token: %v, dropped %v", ok, b.dropped)
	}
	if err := b.Revoke(t.Context(), "a"); wire.Code(err) != wire.CodeUnknown {
		t.Errorf("twice: %v", err)
	}
}

func TestWhatIsNoTokenIsNotMade(t *testing.T) {
	b := opened(t)
	for _, r := range []wire.TokenRequest{{Name: "", Role: "guest"}, {Name: "  ", Role: "guest"}, {Name: "a\nb", Role: "guest"}, {Name: "a", Role: "owner"}, {Name: "a"},
		{Name: "a", Role: "guest", Days: -1}, {Name: "a", Role: "guest", Days: 4000}, {Name: strings.Repeat("x", 65), Role: "guest"}, {Name: "\xff", Role: "guest"}} {
		if _, err := b.Make(t.Context(), r); wire.Code(err) != wire.CodeInvalid {
			t.Errorf("%+v: %v", r, err)
		}
	}
	for i := range 64 {
		if _, err := b.Make(t.Context(), wire.TokenRequest{Name: strconv.Itoa(i), Role: "guest"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Make(t.Context(), wire.TokenRequest{Name: "7", Role: "guest"}); wire.Code(err) != wire.CodeName {
		t.Errorf("a name twice: %v", err)
	}
	if _, err := b.Make(t.Context(), wire.TokenRequest{Name: "more", Role: "guest"}); wire.Code(err) != "tokens.too-many" {
		t.Errorf("one more: %v", err)
	}
}
