// Package factory knows the names and passwords that cameras and other things leave the factory with,
// without holding them in the clear: nobody needs one more list to try. Nothing is asked over the
// network; what a device was opened with is compared here.
//
// The table holds keyed hashes. The key is public: it only keeps the pairs from being read, and from
// being found by a search for the plain hash. To add a pair, add what `go run
// ./accessories/factory/mark` prints for it.
package factory

import (
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strings"
)

const key = "ingle: passwords from the factory, 1"

//go:embed marks.txt
var marks string

// Known says whether a device of this name and password has them from the factory. An empty password
// is one of those whatever the name.
func Known(user, password string) bool {
	return password == "" || strings.Contains(marks, Mark(user, password)+"\n")
}

// Common says whether a password is one of those that are tried first, whoever uses it: the passwords of
// the factory's pairs, and those that people choose most often. In the table they stand beside the name "*".
func Common(password string) bool { return strings.Contains(marks, Mark("*", password)+"\n") }

// Mark is a pair's line in the table. Names are the same in capitals and small letters.
func Mark(user, password string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(strings.ToLower(user) + "\x00" + password))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
