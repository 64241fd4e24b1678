// Package fresh spares the network what a caller has already: an answer carries an entity tag, and whoever
// names that tag in If-None-Match is told that nothing has changed (RFC 9110, section 13).
package fresh

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// Tag is the strong entity tag of a body.
func Tag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// Named says whether a list of entity tags, a header's values, names a tag. Weak says whether a weak one does.
func Named(header []string, tag string, weak bool) bool {
	for one := range strings.SplitSeq(strings.Join(header, ","), ",") {
		one = strings.TrimSpace(one)
		if weak {
			one = strings.TrimPrefix(one, "W/")
		}
		if one == "*" || one == tag {
			return true
		}
	}
	return false
}

// Serve has next answer a GET, and tags what it answers. All of it is held in memory.
func Serve(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	held := &held{ResponseWriter: w}
	next(held, r)
	if held.code != http.StatusOK && held.code != 0 {
		held.pass()
		return
	}
	tag := w.Header().Get("ETag")
	if tag == "" {
		tag = Tag(held.body.Bytes())
		w.Header().Set("ETag", tag)
	}
	if Named(r.Header.Values("If-None-Match"), tag, true) {
		for _, name := range []string{"Content-Type", "Content-Length"} {
			w.Header().Del(name)
		}
		w.WriteHeader(http.StatusNotModified)
		return
	}
	held.pass()
}

// held keeps an answer until it is known whether it is needed.
type held struct {
	http.ResponseWriter
	code int
	body bytes.Buffer
}

func (h *held) WriteHeader(code int) {
	if h.code == 0 {
		h.code = code
	}
}

func (h *held) Write(p []byte) (int, error) { return h.body.Write(p) }

func (h *held) pass() {
	if h.body.Len() > 0 {
		h.Header().Set("Content-Length", strconv.Itoa(h.body.Len()))
	}
	if h.code != 0 {
		h.ResponseWriter.WriteHeader(h.code)
	}
	_, _ = h.ResponseWriter.Write(h.body.Bytes()) // the caller has gone: nobody is left to tell
}
