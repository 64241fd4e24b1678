// Package once has a write done once that is sent twice: a phone that lost the line before the answer came
// sends its request again with the same Idempotency-Key, and is given the answer of the first time.
//
// Only what succeeded is remembered. A refusal changed nothing, so it may be tried again; a repeat that
// comes while the first is under way waits for it. The memory is this process's, and forgets: after ten
// minutes, and of each caller the oldest first.
package once

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Header names the key, as draft-ietf-httpapi-idempotency-key-header does.
const Header = "Idempotency-Key"

const (
	// Lasts is how long an answer is remembered.
	Lasts = 10 * time.Minute
	// MaxKey is how long a key is at most, in visible ASCII signs.
	MaxKey = 128

	maxKeys    = 32       // of one caller
	maxCallers = 256      // paired apps, tokens and the console are fewer
	maxAnswer  = 16 << 10 // of a larger one it is only remembered that it was given
)

// Refusal is why a request with a key is not done.
type Refusal uint8

// The refusals.
const (
	BadKey Refusal = iota + 1 // it is none
	Other                     // the key was used for another request
	Lost                      // it was done, and the answer was too long to remember
	Busy                      // too many requests with a key are under way
)

// Memory is what was answered. The zero value remembers nothing yet; it is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	secret  []byte // with which requests are hashed: they have passwords in them
	callers map[string][]*entry
}

type entry struct {
	key     string
	request []byte
	until   time.Time     // when it is forgotten; zero while it is under way
	done    chan struct{} // closed when it is not under way any more
	answer  *answer       // nil: it did not succeed
}

type answer struct {
	status int
	header http.Header
	body   []byte
	lost   bool
}

// Serve has next answer a request of a caller, unless it has answered the same one. Body is the request's,
// of at most max bytes; a longer one goes to next as it comes, which refuses it. Refused answers what is not done.
func (m *Memory) Serve(w http.ResponseWriter, r *http.Request, caller string, max int64, next http.HandlerFunc, refused func(Refusal)) {
	key := r.Header.Get(Header)
	if !valid(key) || len(r.Header.Values(Header)) > 1 {
		refused(BadKey)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, max+1))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = broken{err}
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), rest))
	if err != nil || int64(len(body)) > max { // it is refused, so nothing is done twice
		next(w, r)
		return
	}
	sum := m.sum(r, body)
	for {
		e, mine, why := m.enter(caller, key, sum)
		switch {
		case why != 0:
			refused(why)
			return
		case mine:
			m.do(w, r, caller, e, next)
			return
		}
		select {
		case <-e.done:
		case <-r.Context().Done():
			return // nobody listens any more
		}
		if e.answer != nil {
			e.answer.replay(w, refused)
			return
		}
	}
}

// broken is the end of a body that broke off.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func valid(key string) bool {
	if len(key) == 0 || len(key) > MaxKey {
		return false
	}
	for i := range len(key) {
		if key[i] < '!' || key[i] > '~' {
			return false
		}
	}
	return true
}

// sum is the request as it is compared: what it asks for, and with what.
func (m *Memory) sum(r *http.Request, body []byte) []byte {
	m.mu.Lock()
	if m.secret == nil {
		m.secret = make([]byte, sha256.Size)
		rand.Read(m.secret)
	}
	h := hmac.New(sha256.New, m.secret)
	m.mu.Unlock()
	for _, part := range []string{r.Method, r.URL.RequestURI(), r.Header.Get("If-Match")} {
		_, _ = io.WriteString(h, strconv.Itoa(len(part))+":"+part) // a hash takes everything
	}
	_, _ = h.Write(body)
	return h.Sum(nil)
}

// enter gives the entry of a key, and whether the caller is the one who does it.
func (m *Memory) enter(caller, key string, request []byte) (e *entry, mine bool, why Refusal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(time.Now())
	list := m.callers[caller]
	for _, e := range list {
		if e.key != key {
			continue
		}
		if !hmac.Equal(e.request, request) {
			return nil, false, Other
		}
		return e, false, 0
	}
	if len(list) >= maxKeys {
		old := slices.IndexFunc(list, func(e *entry) bool { return !e.until.IsZero() })
		if old < 0 {
			return nil, false, Busy
		}
		list = slices.Delete(list, old, old+1)
	}
	if _, known := m.callers[caller]; !known && len(m.callers) >= maxCallers {
		return nil, false, Busy
	}
	if m.callers == nil {
		m.callers = map[string][]*entry{}
	}
	e = &entry{key: key, request: request, done: make(chan struct{})}
	m.callers[caller] = append(list, e)
	return e, true, 0
}

// forget drops what is over.
func (m *Memory) forget(now time.Time) {
	for caller, list := range m.callers {
		list = slices.DeleteFunc(list, func(e *entry) bool { return !e.until.IsZero() && !now.Before(e.until) })
		if m.callers[caller] = list; len(list) == 0 {
			delete(m.callers, caller)
		}
	}
}

// Forget drops all that was answered: what is sent again is done again.
func (m *Memory) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(time.Now().Add(2 * Lasts))
}

// do has it done and remembers how it went, also when next panics.
func (m *Memory) do(w http.ResponseWriter, r *http.Request, caller string, e *entry, next http.HandlerFunc) {
	seen := &recorder{ResponseWriter: w}
	finished := false
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if status := seen.status(); finished && status >= 200 && status < 300 {
			e.answer = &answer{status, seen.sent, seen.body.Bytes(), seen.lost}
			e.until = time.Now().Add(Lasts)
		} else {
			m.callers[caller] = slices.DeleteFunc(m.callers[caller], func(o *entry) bool { return o == e })
		}
		close(e.done)
	}()
	next(seen, r)
	finished = true
}

func (a *answer) replay(w http.ResponseWriter, refused func(Refusal)) {
	if a.lost {
		refused(Lost)
		return
	}
	for name, values := range a.header {
		w.Header()[name] = slices.Clone(values)
	}
	w.Header().Set("Idempotency-Replayed", "true")
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the caller has gone: nobody is left to tell
}

// recorder passes an answer on and keeps a copy.
type recorder struct {
	http.ResponseWriter
	code int
	sent http.Header
	body bytes.Buffer
	lost bool
}

// Unwrap lets http.ResponseController through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(code int) {
	if r.code == 0 {
		r.code, r.sent = code, r.Header().Clone()
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.code == 0 {
		r.WriteHeader(http.StatusOK)
	}
	if r.body.Len()+len(p) > maxAnswer {
		r.lost = true
		r.body.Reset()
	} else if !r.lost {
		r.body.Write(p)
	}
	return r.ResponseWriter.Write(p)
}

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}
