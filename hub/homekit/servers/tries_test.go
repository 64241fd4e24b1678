package servers_test

import (
	"testing"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

// One wrong code is a slip of the finger; more of them are for people to see, also after a restart,
// until one of them has done something about it.
func TestWrongCodesAreForPeopleToSee(t *testing.T) {
	d := &disk{files: map[string][]byte{}}
	w := start(t, d)
	w.show(home.Contents{}, nil)
	guess := func(times int) {
		wrong := "123-45-679"
		if w.status(homekit.MainServer).Setup.Code == wrong {
			wrong = "123-45-670"
		}
		for range times {
			if _, err := haptest.Pair(t.Context(), w.address(homekit.MainServer), wrong, haptest.Options{}); err == nil {
				t.Fatal("a wrong code pairs")
			}
		}
	}
	tells := func(want string) {
		t.Helper()
		if got := w.troubles(); got != want {
			t.Errorf("people are told %q, want %q", got, want)
		}
	}
	guess(1)
	tells("")
	guess(2)
	tells("homekit-guessed")
	w.end()
	w = start(t, d)
	w.show(home.Contents{}, nil)
	tells("homekit-guessed")
	if _, err := w.servers.NewCode(t.Context(), homekit.MainServer); err != nil {
		t.Fatal(err)
	}
	tells("")
	guess(3)
	tells("homekit-guessed")
	if err := w.servers.Forgive(t.Context()); err != nil {
		t.Fatal(err)
	}
	tells("")
	guess(3)
	w.pair(homekit.MainServer)
	w.soon("a right code ends it", func() bool { return w.troubles() == "" })
}
