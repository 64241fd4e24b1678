package label

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ingle-home/ingle/accessories/factory"
)

// short is the number of signs below which a password can be guessed.
const short = 10

// Login is one name and password with which the hub gets into a thing.
type Login struct {
	Device   string
	Host     string // the same thing may have been added twice
	User     string
	Password string
}

// Password is what the hub thinks of a password. The device is not asked.
type Password struct {
	Code  string // ok, factory, common, name, short, reused
	Signs int
}

// Passwords judges them all and gives the worst of each device. Which ones are alike is found by their HMACs
// under a key that is forgotten at once.
func Passwords(all []Login) map[string]Password {
	key := []byte(rand.Text())
	hosts := map[string]map[string]bool{}
	for _, l := range all {
		mark := markOf(key, l.Password)
		if hosts[mark] == nil {
			hosts[mark] = map[string]bool{}
		}
		hosts[mark][l.Host] = true
	}
	worst := map[string]Password{}
	for _, l := range all {
		p := judge(l)
		if p.Code == "ok" && len(hosts[markOf(key, l.Password)]) > 1 {
			p.Code = "reused"
		}
		if old, has := worst[l.Device]; !has || severity(p.Code) > severity(old.Code) {
			worst[l.Device] = p
		}
	}
	return worst
}

func markOf(key []byte, password string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(password))
	return string(h.Sum(nil))
}

func judge(l Login) Password {
	p := Password{"ok", utf8.RuneCountInString(l.Password)}
	switch {
	case factory.Known(l.User, l.Password):
		p.Code = "factory"
	case factory.Common(l.Password):
		p.Code = "common"
	case strings.EqualFold(l.User, l.Password):
		p.Code = "name"
	case p.Signs < short:
		p.Code = "short"
	}
	return p
}

func severity(code string) int {
	return strings.Index("ok reused short name common factory", code)
}

// ownPassword joins what the hub holds with what the driver knows: a pair from the factory may still open
// the device beside a good one.
func (in Input) ownPassword(now time.Time) Line {
	const name = "own-password"
	e, seen := in.said(name)
	p := in.Password
	switch {
	case p != nil && (p.Code != "ok" || seen && e.Answer == No):
		code := p.Code
		if code == "ok" {
			code = "factory"
		}
		return line(name, Fix, code, Measured, now, "signs", strconv.Itoa(p.Signs))
	case p != nil:
		return line(name, OK, "ok", Measured, now, "signs", strconv.Itoa(p.Signs))
	case seen && e.Answer == No:
		return in.from(e, line(name, Fix, "none", Inferred, e.At))
	}
	return blank(name, Unknown, "unknown")
}
