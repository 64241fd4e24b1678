package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rsc.io/qr"

	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	maxBody = 8 << 10
	api     = "/api/v1"
)

// policy lets the page load its own three files and speak to its own hub, and nothing else. Forms go
// nowhere: the script sends what they hold, and without it a password stays in its field.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// ServeHTTP finds out who calls.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range map[string]string{
		"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin", "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
	} {
		w.Header().Set(name, value)
	}
	if !l.meant(r) {
		w.Header().Set("Connection", "close")
		http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
		return
	}
	if r.Method == http.MethodPost && r.URL.Path == "/login" {
		l.login(w, r)
		return
	}
	if l.shown(w, r) {
		return
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	one := l.desk.sessions.of(token, r.Method != http.MethodGet)
	if one == nil { // a stranger, whom the API tells what it tells strangers
		l.desk.api.ServeHTTP(w, r)
		return
	}
	l.household(w, r)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(one.ctx, cancel)() // what runs for a session ends with it
	l.admit(w, r.WithContext(server.WithApp(ctx, wire.App{ID: one.id, Role: wire.RoleOwner})), token)
}

// meant says whether a request was made for this hub, by its own page or by a person.
func (l *listener) meant(r *http.Request) bool {
	if !l.names.Hold(r.Host) || l.cross.Check(r) != nil {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	from, err := url.Parse(origin)
	return err == nil && from.Scheme == "https" && from.Host == r.Host
}

// login has the API look at the password: it counts the tries of this address and of all, and says what
// it says to an app. To log in proves nothing for what takes the password again.
func (l *listener) login(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil || r.Header.Get("Content-Type") != "application/json" {
		refuse(w, wire.Refuse(http.StatusUnsupportedMediaType, wire.CodeInvalid))
		return
	}
	ctx := server.WithApp(r.Context(), wire.App{ID: "page-login", Role: wire.RoleOwner})
	asked, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/unlock", bytes.NewReader(body))
	if err != nil {
		refuse(w, wire.Refuse(http.StatusInternalServerError, wire.CodeInternal))
		return
	}
	asked.RemoteAddr, asked.Host = r.RemoteAddr, r.Host
	asked.Header.Set("Content-Type", "application/json")
	round := l.desk.sessions.now()
	said := &verdict{header: http.Header{}, status: http.StatusOK}
	l.desk.api.ServeHTTP(said, asked)
	if said.status >= http.StatusMultipleChoices {
		w.Header().Set("Content-Type", said.header.Get("Content-Type"))
		w.WriteHeader(said.status)
		_, _ = w.Write(said.body.Bytes()) // the caller has gone: nobody is left to tell
		return
	}
	token, ok := l.desk.sessions.begin(round)
	if !ok { // there is another password since
		refuse(w, wire.Refuse(http.StatusUnauthorized, wire.CodePassword))
		return
	}
	answer(w, map[string]string{"token": token, "idle": seconds(idle)})
}

// admit does what a session asks for.
func (l *listener) admit(w http.ResponseWriter, r *http.Request, token string) {
	switch asked := r.Method + " " + r.URL.Path; {
	case asked == "POST /logout":
		l.desk.sessions.leave(token)
		w.WriteHeader(http.StatusNoContent)
	case asked == "POST /stay":
		w.WriteHeader(http.StatusNoContent)
	case asked == "POST /qr":
		l.square(w, r)
	case inScope(r.Method, r.URL.Path):
		l.desk.api.ServeHTTP(w, r)
	default:
		refuse(w, wire.Refuse(http.StatusForbidden, wire.CodeForbidden))
	}
}

// inScope says whether the page asks for that. A token that was stolen pairs no app, changes no key and
// opens no other door.
func inScope(method, path string) bool {
	rest, ok := strings.CutPrefix(path, api+"/")
	if !ok {
		return false
	}
	parts := strings.Split(rest, "/")
	thing := len(parts) >= 2 && parts[0] == "accessories"
	switch method {
	case http.MethodGet:
		return slices.Contains([]string{"status", "events", "homekit", "clips", "labels", "privacy/inventory"}, rest)
	case http.MethodPost:
		return rest == "unlock" || rest == "export" || thing && len(parts) == 3 && parts[2] == "do"
	case http.MethodDelete:
		return len(parts) == 2 && (thing || parts[0] == "clips")
	}
	return false
}

// square draws a QR code: of a setup URI, which the session asked the API for.
func (l *listener) square(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Text string `json:"text"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&in)
	if err != nil || !strings.HasPrefix(in.Text, "X-HM://") || len(in.Text) > 64 {
		refuse(w, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid))
		return
	}
	code, err := qr.Encode(in.Text, qr.Q)
	if err != nil {
		refuse(w, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid))
		return
	}
	const margin = 4 // light modules around a QR code, as ISO/IEC 18004 asks
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+margin, y+margin)
			}
		}
	}
	answer(w, map[string]any{"side": code.Size + 2*margin, "path": path.String()})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the caller has gone: nobody is left to tell
}

func refuse(w http.ResponseWriter, p *wire.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller has gone: nobody is left to tell
}

// verdict is what the API answered to a question of the page's own.
type verdict struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (v *verdict) Header() http.Header            { return v.header }
func (v *verdict) WriteHeader(status int)         { v.status = status }
func (v *verdict) Write(some []byte) (int, error) { return v.body.Write(some) }
