package sim

import (
	"crypto/md5" //nolint:gosec // RFC 2617
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // WS-UsernameToken
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// ONVIF's levels of users; anybody is nobody in particular.
const (
	anybody       = ""
	plainUser     = "User"
	operator      = "Operator"
	administrator = "Administrator"
)

const (
	realm    = "Simulated camera"
	window   = 5 * time.Minute // how far a token's clock may be off
	maxWrong = 5
)

type user struct{ name, password, level string }

// rank orders levels.
func rank(level string) int {
	return map[string]int{plainUser: 1, operator: 2, administrator: 3}[level]
}

func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// clock is the camera's own time. Callers hold mu.
func (s *Sim) clock() time.Time { return time.Now().UTC().Add(s.skew) }

// find gives a user by name. Callers hold mu.
func (s *Sim) find(name string) *user {
	for i := range s.users {
		if s.users[i].name == name {
			return &s.users[i]
		}
	}
	return nil
}

// login says at which level a request comes, and whether it showed a name at all. Callers hold mu.
func (s *Sim) login(r *http.Request, head element, isSOAP bool) (who *user, shown bool) {
	if s.opts.Digest != "" || !isSOAP {
		if text := r.Header.Get("Authorization"); text != "" {
			return s.judge(s.checkDigest(r.Method, text)), true
		}
		return nil, false
	}
	token := head.get("Security", "UsernameToken")
	if token == nil {
		return nil, false
	}
	return s.judge(s.checkToken(token)), true
}

// judge counts wrong logins, and lets nobody in for a while after five of them.
func (s *Sim) judge(who *user) *user {
	if s.opts.Lockout > 0 && time.Now().Before(s.locked) {
		s.state.Refused++
		return nil
	}
	if who != nil {
		s.wrong = 0
		return who
	}
	s.state.Refused++
	if s.wrong++; s.opts.Lockout > 0 && s.wrong >= maxWrong {
		s.wrong, s.locked = 0, time.Now().Add(s.opts.Lockout)
	}
	return nil
}

// checkToken checks a WS-UsernameToken: the digest, the clock, and that it was not shown before.
func (s *Sim) checkToken(token *element) *user {
	who := s.find(token.str("Username"))
	nonce := token.str("Nonce")
	raw, err := base64.StdEncoding.DecodeString(nonce)
	created := token.str("Created")
	at, bad := time.Parse(time.RFC3339Nano, created)
	if who == nil || err != nil || bad != nil || at.Sub(s.clock()).Abs() > window || s.nonces[nonce] {
		return nil
	}
	sum := sha1.Sum(append(append(raw, created...), who.password...)) //nolint:gosec // see the import
	if subtle.ConstantTimeCompare([]byte(base64.StdEncoding.EncodeToString(sum[:])), []byte(token.str("Password"))) != 1 {
		return nil
	}
	s.nonces[nonce] = true
	return who
}

// checkDigest checks an answer to challenge (RFC 7616 with qop auth).
func (s *Sim) checkDigest(method, text string) *user {
	pair := regexp.MustCompile(`(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))`)
	said := map[string]string{}
	for _, m := range pair.FindAllStringSubmatch(strings.TrimPrefix(text, "Digest "), -1) {
		said[m[1]] = m[2] + m[3]
	}
	who := s.find(said["username"])
	if who == nil || said["nonce"] != s.nonce || said["realm"] != realm {
		return nil
	}
	first := s.hash(who.name + ":" + realm + ":" + who.password)
	second := s.hash(method + ":" + said["uri"])
	want := s.hash(strings.Join([]string{first, s.nonce, said["nc"], said["cnonce"], "auth", second}, ":"))
	if subtle.ConstantTimeCompare([]byte(want), []byte(said["response"])) != 1 {
		return nil
	}
	if s.opts.Once {
		s.nonce = newUUID()
	}
	return who
}

func (s *Sim) hash(text string) string {
	if s.opts.Digest == "SHA-256" {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	sum := md5.Sum([]byte(text)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// challenge asks for a digest. A camera that knows SHA-256 offers Basic before it, as a trap.
func (s *Sim) challenge(w http.ResponseWriter) {
	algorithm := "MD5"
	if s.opts.Digest == "SHA-256" {
		algorithm = "SHA-256"
		w.Header().Add("WWW-Authenticate", `Basic realm="`+realm+`"`)
	}
	w.Header().Add("WWW-Authenticate", fmt.Sprintf(`Digest realm="%s", qop="auth,auth-int", nonce="%s", algorithm=%s`, realm, s.nonce, algorithm))
}

// follow has RTSP know the users. Callers hold mu.
func (s *Sim) follow() {
	if s.opts.Split {
		return
	}
	all := map[string]string{}
	for _, u := range s.users {
		all[u.name] = u.password
	}
	if s.opts.Stale {
		all[s.opts.User] = s.opts.Password
	}
	s.streams.SetUsers(all)
}

// rename changes the first user's password, as somebody else might.
func (s *Sim) rename(args url.Values) error {
	if args.Get("to") == "" {
		return fmt.Errorf("onvif sim: password needs the argument to")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[0].password = args.Get("to")
	s.follow()
	return nil
}

// The operations on users. Callers hold mu.

func (s *Sim) getUsers(call) (string, *fault) {
	var b strings.Builder
	for _, u := range s.users {
		fmt.Fprintf(&b, `<tds:User><tt:Username>%s</tt:Username><tt:UserLevel>%s</tt:UserLevel></tds:User>`, esc(u.name), u.level)
	}
	return b.String(), nil
}

func userOf(e *element) user {
	return user{e.str("Username"), e.str("Password"), e.str("UserLevel")}
}

func (s *Sim) createUsers(c call) (string, *fault) {
	if s.opts.Single {
		return "", &fault{"Receiver", "ActionNotSupported", "TooManyUsers", "one user is all"}
	}
	for _, e := range c.body.all("User") {
		u := userOf(e)
		switch {
		case s.find(u.name) != nil:
			return "", &fault{"Sender", "OperationProhibited", "UsernameClash", "the user is there"}
		case len(u.name) < 3 || len(u.password) < 8 || rank(u.level) == 0:
			return "", &fault{"Sender", "InvalidArgVal", "PasswordTooWeak", "too short"}
		}
		s.users = append(s.users, u)
	}
	s.follow()
	return "", nil
}

func (s *Sim) setUser(c call) (string, *fault) {
	for _, e := range c.body.all("User") {
		u := userOf(e)
		have := s.find(u.name)
		switch {
		case have == nil:
			return "", &fault{"Sender", "InvalidArgVal", "UsernameMissing", "no such user"}
		case s.opts.Fixed && have == &s.users[0]:
			return "", &fault{"Sender", "OperationProhibited", "FixedUser", "this user stays as it is"}
		}
		*have = u
		if s.opts.Denies && c.who == u.name {
			s.follow()
			return "", notAuthorized()
		}
	}
	s.follow()
	return "", nil
}

func (s *Sim) deleteUsers(c call) (string, *fault) {
	for _, e := range c.body.all("Username") {
		name := strings.TrimSpace(e.Text)
		if s.find(name) == nil {
			return "", &fault{"Sender", "InvalidArgVal", "UsernameMissing", "no such user"}
		}
		var left []user
		for _, u := range s.users {
			if u.name != name {
				left = append(left, u)
			}
		}
		s.users = left
	}
	s.follow()
	return "", nil
}
