package pairing_test

import (
	"bytes"
	"crypto/ed25519"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/internal/pairing"
)

// turnstile notes how many ask for the identity at once.
type turnstile struct {
	*store
	inside, most atomic.Int32
}

func (s *turnstile) Identity() (string, ed25519.PrivateKey) {
	n := s.inside.Add(1)
	defer s.inside.Add(-1)
	for range 100 { // let others in, if they can come
		runtime.Gosched()
	}
	if n > s.most.Load() {
		s.most.Store(n)
	}
	return s.store.Identity()
}

// However many strangers begin to verify, the hub makes one answer at a time: open
// sessions would wait for a tenth of a second behind them.
func TestStrangersVerifyOneByOne(t *testing.T) {
	st, gate := &turnstile{store: newStore()}, new(pairing.Gate)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			v := pairing.NewVerify(st, gate)
			for range 4 {
				v.Answer(haptest.NewVerify(haptest.NewCredentials("x")).M1())
			}
		})
	}
	all.Wait()
	if most := st.most.Load(); most != 1 {
		t.Errorf("%d answers at once", most)
	}
}

// A code is worked out once, for all who try it; what they are sent differs all
// the same.
func TestOneSaltForACode(t *testing.T) {
	st, gate := newStore(), new(pairing.Gate)
	begin := func() (salt, public []byte) {
		m2 := pairing.NewSetup(st, gate).Answer(t.Context(), haptest.NewSetup(code, haptest.Options{}).M1()).Body
		return haptest.Get(m2, haptest.Salt), haptest.Get(m2, haptest.PublicKey)
	}
	salt, public := begin()
	again, other := begin()
	if len(salt) != 16 || !bytes.Equal(salt, again) || bytes.Equal(public, other) {
		t.Errorf("salts %x and %x, keys that are equal: %v", salt, again, bytes.Equal(public, other))
	}
	st.record.Code = "482-61-938"
	if fresh, _ := begin(); bytes.Equal(salt, fresh) {
		t.Error("the same salt for another code")
	}
}
