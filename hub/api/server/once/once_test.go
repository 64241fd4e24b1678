package once_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/hub/api/server/once"
)

// desk is a memory before something that counts.
type desk struct {
	memory once.Memory
	done   atomic.Int64
	answer func(w http.ResponseWriter, r *http.Request, n int64)
}

func (d *desk) ask(caller, key, path, body string) (int, string, once.Refusal) {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set(once.Header, key)
	return d.send(caller, r)
}

func (d *desk) send(caller string, r *http.Request) (int, string, once.Refusal) {
	w := httptest.NewRecorder()
	var why once.Refusal
	d.memory.Serve(w, r, caller, 100, func(w http.ResponseWriter, r *http.Request) {
		n := d.done.Add(1)
		if d.answer != nil {
			d.answer(w, r, n)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Made", "yes")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, string(body)+strconv.FormatInt(n, 10))
	}, func(x once.Refusal) { why = x })
	return w.Code, w.Body.String(), why
}

func TestARepeatIsDoneOnce(t *testing.T) {
	var d desk
	for range 3 {
		if code, body, why := d.ask("phone", "k-1", "/a", "x"); code != 201 || body != "x1" || why != 0 {
			t.Errorf("%d %s %d", code, body, why)
		}
	}
	for _, other := range [][4]string{{"phone", "k-1", "/b", "x"}, {"phone", "k-1", "/a", "y"}, {"phone", "k-1", "/a?b=c", "x"}} {
		if _, _, why := d.ask(other[0], other[1], other[2], other[3]); why != once.Other {
			t.Errorf("%v: %d", other, why)
		}
	}
	if d.done.Load() != 1 {
		t.Errorf("it was done %d times", d.done.Load())
	}
	for _, own := range [][2]string{{"tablet", "k-1"}, {"phone", "k-2"}} {
		before := d.done.Load()
		if code, _, _ := d.ask(own[0], own[1], "/a", "x"); code != 201 || d.done.Load() != before+1 {
			t.Errorf("%v was not done", own)
		}
	}
}

func TestOddKeysAreRefused(t *testing.T) {
	var d desk
	for _, key := range []string{"", " ", "a b", "ä", strings.Repeat("x", once.MaxKey+1), "a\x7f"} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header[once.Header] = []string{key}
		if _, _, why := d.send("phone", r); why != once.BadKey {
			t.Errorf("%q: %d", key, why)
		}
	}
	two := httptest.NewRequest("POST", "/", nil)
	two.Header[once.Header] = []string{"a", "b"}
	if _, _, why := d.send("phone", two); why != once.BadKey || d.done.Load() != 0 {
		t.Errorf("two keys: %d", why)
	}
}

func TestRepeatsAtTheSameTimeWait(t *testing.T) {
	d := desk{}
	hold, came := make(chan struct{}), make(chan struct{}, 1)
	d.answer = func(w http.ResponseWriter, _ *http.Request, _ int64) {
		came <- struct{}{}
		<-hold
		_, _ = io.WriteString(w, "done")
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if code, body, why := d.ask("phone", "k", "/", ""); code != 200 || body != "done" || why != 0 {
				t.Errorf("%d %s %d", code, body, why)
			}
		})
	}
	<-came
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gone := httptest.NewRequest("POST", "/", nil).WithContext(ctx)
	gone.Header.Set(once.Header, "k")
	d.send("phone", gone) // it has hung up: it returns
	close(hold)
	all.Wait()
	if d.done.Load() != 1 {
		t.Errorf("it was done %d times", d.done.Load())
	}
}

func TestWhatFailedMayBeTriedAgain(t *testing.T) {
	d := desk{}
	d.answer = func(w http.ResponseWriter, _ *http.Request, n int64) {
		switch n {
		case 1:
			w.WriteHeader(http.StatusLocked)
		case 2:
			panic(http.ErrAbortHandler)
		}
	}
	if code, _, _ := d.ask("phone", "k", "/", ""); code != http.StatusLocked {
		t.Errorf("first %d", code)
	}
	func() {
		defer func() { _ = recover() }()
		d.ask("phone", "k", "/", "")
	}()
	for range 2 {
		if code, _, why := d.ask("phone", "k", "/", ""); code != 200 || why != 0 {
			t.Errorf("then %d %d", code, why)
		}
	}
	if d.done.Load() != 3 {
		t.Errorf("it was done %d times", d.done.Load())
	}
}

func TestALongAnswerIsRememberedAsDone(t *testing.T) {
	d := desk{}
	d.answer = func(w http.ResponseWriter, _ *http.Request, _ int64) {
		_, _ = w.Write(make([]byte, 10<<10))
		_, _ = w.Write(make([]byte, 10<<10))
	}
	if code, body, _ := d.ask("phone", "k", "/", ""); code != 200 || len(body) != 20<<10 {
		t.Errorf("%d with %d bytes", code, len(body))
	}
	if _, _, why := d.ask("phone", "k", "/", ""); why != once.Lost || d.done.Load() != 1 {
		t.Errorf("%d; done %d times", why, d.done.Load())
	}
}

// A body that is too long is passed on whole, and refused by whom it is for.
func TestALongBodyIsPassedOn(t *testing.T) {
	d := desk{}
	d.answer = func(w http.ResponseWriter, r *http.Request, _ int64) {
		if body, err := io.ReadAll(r.Body); err != nil || len(body) != 1000 {
			t.Errorf("%d bytes, %v", len(body), err)
		}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}
	for range 2 {
		if code, _, _ := d.ask("phone", "k", "/", strings.Repeat("x", 1000)); code != http.StatusRequestEntityTooLarge {
			t.Errorf("%d", code)
		}
	}
}

func TestTheMemoryForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d desk
		d.ask("phone", "k", "/", "")
		<-time.After(once.Lasts - time.Second)
		d.ask("phone", "k", "/", "")
		if d.done.Load() != 1 {
			t.Error("it was forgotten too early")
		}
		<-time.After(time.Second)
		if d.ask("phone", "k", "/", ""); d.done.Load() != 2 {
			t.Error("it is remembered for ever")
		}
		for i := range 100 { // of one caller the oldest goes first
			d.ask("phone", "n-"+strconv.Itoa(i), "/", "")
		}
		before := d.done.Load()
		d.ask("phone", "n-99", "/", "")
		if d.done.Load() != before {
			t.Error("the newest was forgotten")
		}
		if d.ask("phone", "n-1", "/", ""); d.done.Load() != before+1 {
			t.Error("a hundred are remembered")
		}
		for i := range 300 { // and so many callers there are not
			d.ask("app "+strconv.Itoa(i), "k", "/", "")
		}
		if _, _, why := d.ask("one more", "k", "/", ""); why != once.Busy {
			t.Errorf("%d", why)
		}
	})
}
