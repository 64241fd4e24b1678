package keys

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage"
)

// Console is the source of tries that come over the hub's own socket. They are
// not limited: whoever sits there can take the disk, and a stranger's guesses
// must never lock the household out.
const Console = ""

// App begins the source of tries that come from a paired app; its ID follows. What others tried does not
// hold it up, since only an app that was let in can try at all: it waits for its own wrong tries.
const App = "app "

type sourceKey struct{}

// From notes in a context where a request comes from: an address, or Console.
func From(ctx context.Context, source string) context.Context {
	return context.WithValue(ctx, sourceKey{}, source)
}

// SourceOf is what From noted. Where nobody noted anything it is a source of its
// own, which is limited: only a listener that knows says Console.
func SourceOf(ctx context.Context) string {
	source, ok := ctx.Value(sourceKey{}).(string)
	if !ok {
		return "unknown"
	}
	return source
}

const (
	firstWait  = time.Second      // after one wrong try; each more doubles it
	longest    = 30 * time.Minute // so that a day holds fewer than a hundred tries
	freeForAll = 10               // wrong tries of all together that cost nothing yet
	maxSources = 64               // that are remembered; more share the limit for all
	triesFile  = "tries.json"
	maxTries   = 16 << 10 // bytes of the file
	maxCount   = 1 << 20  // that is read: far more than make the longest wait
)

// tries counts the wrong tries since the last right one, for every source and for
// all together. A try is counted on disk before anybody looks whether it is
// right, so that no restart makes one free. Where the disk takes no count, it holds
// as long as the process lives: a full card must not keep the household out. Waits
// run on the monotonic clock: a clock that is set has no part in it, and after a
// restart a wait begins anew.
type tries struct {
	path string

	mu    sync.Mutex
	file  triesState
	fault error                // why the disk has another count
	last  map[string]time.Time // of the last try, by the name in the file; "" is all
}

// triesState is on disk in the clear, so it names no address.
type triesState struct {
	Salt    string         `json:"salt"`
	All     int            `json:"all"`
	Sources map[string]int `json:"sources"`
}

func newTries(dir string) *tries {
	t := &tries{path: filepath.Join(dir, triesFile), last: map[string]time.Time{}}
	if err := t.load(); err != nil {
		t.file = triesState{}
	}
	if t.file.Sources == nil {
		t.file.Sources = map[string]int{}
	}
	if t.file.Salt == "" {
		t.file.Salt = rand.Text()
	}
	now := time.Now()
	t.last[""] = now
	for name := range t.file.Sources {
		t.last[name] = now
	}
	return t
}

func (t *tries) load() error {
	raw, err := storage.ReadFile(t.path, maxTries)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &t.file); err != nil {
		return err
	}
	t.file.bound()
	return nil
}

// bound makes counts of what anybody may have written into the file.
func (s *triesState) bound() {
	s.All = min(max(s.All, 0), maxCount)
	for name, wrong := range s.Sources {
		if s.Sources[name] = min(wrong, maxCount); wrong <= 0 || len(s.Sources) > maxSources {
			delete(s.Sources, name)
		}
	}
}

// take counts a try, or refuses it because it comes too soon.
func (t *tries) take(source string) error {
	if source == Console {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	name := t.name(source)
	_, known := t.file.Sources[name]
	counted := known || len(t.file.Sources) < maxSources
	left := t.left(name, t.file.Sources[name])
	if !counted || !strings.HasPrefix(source, App) {
		left = max(left, t.left("", t.file.All-freeForAll))
	}
	if left > 0 {
		seconds := int((left + time.Second - 1) / time.Second)
		return wire.Refuse(http.StatusTooManyRequests, wire.CodeTooMany, "seconds", strconv.Itoa(seconds))
	}
	t.file.All++
	if counted {
		t.file.Sources[name]++
	}
	now := time.Now()
	t.last[""], t.last[name] = now, now
	t.save()
	return nil
}

// left is how long a source must still wait after so many wrong tries.
func (t *tries) left(name string, wrong int) time.Duration {
	if wrong <= 0 {
		return 0
	}
	wait := longest
	if wrong < 12 { // 2^11 s is over half an hour
		wait = min(longest, firstWait<<(wrong-1))
	}
	return wait - time.Since(t.last[name])
}

// forgive forgets the wrong tries of a source that was right, and those of all:
// the household is there.
func (t *tries) forgive(source string) {
	if source == Console {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.file.All = 0
	delete(t.file.Sources, t.name(source))
	t.save()
}

func (t *tries) name(source string) string {
	sum := sha256.Sum256([]byte(t.file.Salt + source))
	return hex.EncodeToString(sum[:12])
}

func (t *tries) save() {
	raw, err := json.Marshal(t.file)
	if err == nil {
		err = storage.Place(t.path, raw)
	}
	if t.fault = err; err != nil {
		t.fault = fmt.Errorf("keys: count a try: %w", err)
	}
}

// trouble is why a restart would forget what was counted; nil as a rule. A disk that is
// well again gets the count.
func (t *tries) trouble() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fault != nil {
		t.save()
	}
	return t.fault
}

// reset forgets all tries, of a hub that was.
func (t *tries) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.file, t.fault, t.last = triesState{Salt: rand.Text(), Sources: map[string]int{}}, nil, map[string]time.Time{"": time.Now()}
}
