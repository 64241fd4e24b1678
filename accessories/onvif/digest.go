package onvif

import (
	"crypto/md5" //nolint:gosec // RFC 2617 asks for it, and many cameras know nothing else
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

const maxChallenge = 2048 // bytes of one WWW-Authenticate header

// challenge is a camera's offer of HTTP digest authentication (RFC 7616), and how often we answered it.
type challenge struct {
	realm, nonce, opaque string
	algorithm            string // as the camera spells it; "" is MD5
	sha256, qop, stale   bool
	count                uint32
}

// readChallenges takes the best digest offer: SHA-256 before MD5. Offers of Basic are not for us, it
// would send the password in the clear.
func readChallenges(offers []string) *challenge {
	var best *challenge
	for _, offer := range offers {
		c := readChallenge(offer)
		if c != nil && (best == nil || c.sha256 && !best.sha256) {
			best = c
		}
	}
	return best
}

// readChallenge reads one offer; nil for one that we cannot answer.
func readChallenge(offer string) *challenge {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(offer), " ")
	if len(offer) > maxChallenge || !strings.EqualFold(scheme, "digest") {
		return nil
	}
	c := &challenge{}
	modes := ""
	for rest != "" {
		var key, value string
		key, value, rest = parameter(rest)
		switch key {
		case "realm":
			c.realm = value
		case "nonce":
			c.nonce = value
		case "opaque":
			c.opaque = value
		case "algorithm":
			c.algorithm = value
		case "stale":
			c.stale = strings.EqualFold(value, "true")
		case "qop":
			modes = value
		}
	}
	for _, mode := range strings.Split(modes, ",") {
		c.qop = c.qop || strings.EqualFold(strings.TrimSpace(mode), "auth")
	}
	c.sha256 = strings.EqualFold(c.algorithm, "SHA-256")
	known := c.sha256 || c.algorithm == "" || strings.EqualFold(c.algorithm, "MD5")
	if c.nonce == "" || !known || modes != "" && !c.qop {
		return nil
	}
	return c
}

// parameter cuts one key=value or key="value" from the front of a list.
func parameter(list string) (key, value, rest string) {
	list = strings.TrimLeft(list, ", \t")
	key, list, _ = strings.Cut(list, "=")
	list = strings.TrimLeft(list, " \t")
	if !strings.HasPrefix(list, `"`) {
		value, rest, _ = strings.Cut(list, ",")
		return strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(list); i++ {
		switch {
		case list[i] == '\\' && i+1 < len(list):
			i++
			b.WriteByte(list[i])
		case list[i] == '"':
			return strings.ToLower(strings.TrimSpace(key)), b.String(), list[i+1:]
		default:
			b.WriteByte(list[i])
		}
	}
	return strings.ToLower(strings.TrimSpace(key)), b.String(), ""
}

// answer proves that we know the password, for one request.
func (c *challenge) answer(who account, method, uri string) string {
	c.count++
	return c.proof(who, method, uri, rand.Text(), c.count)
}

func (c *challenge) proof(who account, method, uri, cnonce string, count uint32) string {
	first := c.hex(who.user + ":" + c.realm + ":" + who.password.Reveal())
	second := c.hex(method + ":" + uri)
	nc := fmt.Sprintf("%08x", count)
	response := c.hex(first + ":" + c.nonce + ":" + second)
	if c.qop {
		response = c.hex(strings.Join([]string{first, c.nonce, nc, cnonce, "auth", second}, ":"))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `Digest username=%s, realm=%s, nonce=%s, uri=%s, response="%s"`,
		quote(who.user), quote(c.realm), quote(c.nonce), quote(uri), response)
	if c.algorithm != "" {
		b.WriteString(", algorithm=" + map[bool]string{true: "SHA-256", false: "MD5"}[c.sha256])
	}
	if c.opaque != "" {
		b.WriteString(", opaque=" + quote(c.opaque))
	}
	if c.qop {
		fmt.Fprintf(&b, `, qop=auth, nc=%s, cnonce=%s`, nc, quote(cnonce))
	}
	return b.String()
}

func (c *challenge) hex(text string) string {
	var h hash.Hash = md5.New() //nolint:gosec // see the import
	if c.sha256 {
		h = sha256.New()
	}
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// quote makes a quoted string (RFC 9110, 5.6.4) without anything that could end the header.
func quote(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
