package onvif

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the WS-UsernameToken profile asks for it
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/internal/speakfirst"
)

const (
	dialTime   = 5 * time.Second
	callTime   = 5 * time.Second
	maxAddress = 2048
	devicePath = "/onvif/device_service"
)

// The namespaces of what we send.
const (
	nsDevice    = "http://www.onvif.org/ver10/device/wsdl"
	nsMedia     = "http://www.onvif.org/ver10/media/wsdl"
	nsEvents    = "http://www.onvif.org/ver10/events/wsdl"
	nsRecording = "http://www.onvif.org/ver10/recording/wsdl"
	nsSearch    = "http://www.onvif.org/ver10/search/wsdl"
	nsSchema    = "http://www.onvif.org/ver10/schema"
	nsNotify    = "http://docs.oasis-open.org/wsn/b-2"
	nsAddress   = "http://www.w3.org/2005/08/addressing"
	nsSOAP      = "http://www.w3.org/2003/05/soap-envelope"
	nsWSS       = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
)

// errLogin is a camera's refusal of who we said we are. It is a device.ErrRefused.
var errLogin = fmt.Errorf("%w: name or password", device.Because("login", device.ErrRefused))

// account is a name and a password that may let us in. The zero account is nobody.
type account struct {
	user     string
	password device.Secret
}

func (a account) nobody() bool { return a.user == "" }

// line is the way to one camera: one TCP connection for each call, to the host that the household
// named and no other. It is safe for concurrent use.
type line struct {
	scheme, host, port, path string // path is the device service's
	http                     *http.Client
	now                      func() time.Time

	mu         sync.Mutex
	offset     time.Duration         // the camera's clock less ours
	measured   bool                  // whether the camera told its clock
	digest     bool                  // the camera asks for HTTP digest in SOAP calls
	challenges map[string]*challenge // by host:port
}

// newLine reads an address: a host, host:port, or the URL of the device service. Its errors do not
// repeat the address, which may hold a password.
func newLine(address string, n device.Net, now func() time.Time) (*line, error) {
	because := func(reason, why string) (*line, error) {
		return nil, fmt.Errorf("onvif: address: %s: %w", why, device.Because(reason, device.ErrRefused))
	}
	refuse := func(why string) (*line, error) { return because("onvif-address", why) }
	if len(address) > maxAddress {
		return refuse("too long")
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return refuse("must look like 192.168.1.20, or http://host:port/path")
	}
	if u.User != nil {
		return because("address-login", "name and password do not belong in the address; use their fields")
	}
	l := &line{scheme: u.Scheme, host: u.Hostname(), port: portOf(u), path: u.RequestURI(), now: now, challenges: map[string]*challenge{}}
	if u.Path == "" || u.Path == "/" {
		l.path = devicePath
	}
	l.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			// Cameras close idle connections when they like, and a POST cannot simply be sent again.
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 16 << 10,
			// A camera's certificate is its own; encryption still keeps listeners out.
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				ctx, cancel := context.WithTimeout(ctx, dialTime)
				defer cancel()
				c, err := n.Dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return speakfirst.Conn(c), nil
			},
		},
	}
	return l, nil
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443", "rtsp": "554", "rtsps": "322"}[u.Scheme]
}

// device is the URL of the device service.
func (l *line) device() string {
	return l.scheme + "://" + net.JoinHostPort(l.host, l.port) + l.path
}

// home puts the host that we dialled into a URL that the camera gave, and keeps port and path: cameras
// name hosts that nobody else can reach. Name and password in it are dropped. "" for what is no URL
// of these schemes.
func (l *line) home(raw string, schemes ...string) string {
	if len(raw) > maxAddress {
		return ""
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Hostname() == "" {
		return ""
	}
	for _, s := range schemes {
		if strings.EqualFold(u.Scheme, s) {
			u.User, u.Host, u.Fragment = nil, net.JoinHostPort(l.host, portOf(u)), ""
			return u.String()
		}
	}
	return ""
}

// clock is the camera's time: what its login wants to see.
func (l *line) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now().Add(l.offset)
}

func (l *line) asksDigest() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.digest
}

// ask is one SOAP call.
type ask struct {
	at     string // URL; "" is the device service
	ns     string // of the operation
	action string // its name
	body   string // what is in its element
	as     account
	head   string        // more headers
	wsa    string        // the WS-Addressing action, for events
	max    time.Duration // 0 = callTime
}

// call asks, and gives the element of the answer. errLogin when the camera refuses the account; *fault
// for any other no; device.ErrUnreachable or device.ErrUnsupported when no ONVIF camera answers.
func (l *line) call(ctx context.Context, a ask) (*node, error) {
	if a.at == "" {
		a.at = l.device()
	}
	if a.max == 0 {
		a.max = callTime
	}
	ctx, cancel := context.WithTimeout(ctx, a.max)
	defer cancel()
	got, err := l.post(ctx, a)
	if err == nil && got.again {
		got, err = l.post(ctx, a)
	}
	if err != nil {
		return nil, fmt.Errorf("onvif: %s: %w", a.action, err)
	}
	n, err := got.soap()
	if err != nil {
		return nil, fmt.Errorf("onvif: %s: %w", a.action, err)
	}
	return n, nil
}

func (l *line) post(ctx context.Context, a ask) (*answer, error) {
	body := l.envelope(a)
	action := a.ns + "/" + a.action
	if a.wsa != "" {
		action = a.wsa
	}
	return l.send(ctx, http.MethodPost, a.at, a.as, body, map[string]string{
		"Content-Type": `application/soap+xml; charset=utf-8; action="` + action + `"`,
	}, maxAnswer)
}

func (l *line) envelope(a ask) string {
	head := a.head
	if a.wsa != "" {
		head += fmt.Sprintf(`<Action xmlns="%s" s:mustUnderstand="1">%s</Action><MessageID xmlns="%s">urn:uuid:%s</MessageID><To xmlns="%s" s:mustUnderstand="1">%s</To>`,
			nsAddress, a.wsa, nsAddress, newUUID(), nsAddress, escape(a.at))
	}
	if !a.as.nobody() && !l.asksDigest() {
		head += token(a.as, l.clock())
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="%s"><s:Header>%s</s:Header><s:Body><%s xmlns="%s">%s</%s></s:Body></s:Envelope>`,
		nsSOAP, head, a.action, a.ns, a.body, a.action)
}

// token is a WS-UsernameToken with a password digest (OASIS UsernameToken Profile 1.0, 3.1).
func token(who account, at time.Time) string {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	created := at.UTC().Format("2006-01-02T15:04:05.000Z")
	sum := sha1.New() //nolint:gosec // see the import
	sum.Write(nonce)
	sum.Write([]byte(created + who.password.Reveal()))
	return fmt.Sprintf(`<Security xmlns="%[1]swssecurity-secext-1.0.xsd" s:mustUnderstand="1"><UsernameToken><Username>%[2]s</Username>`+
		`<Password Type="%[1]susername-token-profile-1.0#PasswordDigest">%[3]s</Password>`+
		`<Nonce EncodingType="%[1]ssoap-message-security-1.0#Base64Binary">%[4]s</Nonce>`+
		`<Created xmlns="%[1]swssecurity-utility-1.0.xsd">%[5]s</Created></UsernameToken></Security>`,
		nsWSS, escape(who.user), base64.StdEncoding.EncodeToString(sum.Sum(nil)),
		base64.StdEncoding.EncodeToString(nonce), created)
}

func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// answer is what came back over HTTP.
type answer struct {
	status int
	again  bool // it refused what says nothing about the password
	date   string
	body   []byte
}

// soap reads the answer of a SOAP call.
func (a *answer) soap() (*node, error) {
	n, err := envelope(a.body)
	var f *fault
	switch {
	case errors.As(err, &f) && f.has("NotAuthorized", "FailedAuthentication", "InvalidSecurity", "FailedCheck"):
		return nil, fmt.Errorf("%w: %w", errLogin, f)
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return nil, errLogin
	case f != nil && f.has("ActionNotSupported", "OptionalActionNotImplemented"):
		return nil, fmt.Errorf("%w: %w", device.ErrUnsupported, f)
	case err == nil && a.status == http.StatusOK:
		return n, nil
	case f != nil:
		return nil, f
	case a.status >= 500:
		return nil, fmt.Errorf("%w: status %d", device.ErrUnreachable, a.status)
	}
	return nil, fmt.Errorf("%w: no ONVIF camera answers there (status %d)", device.ErrUnsupported, a.status)
}

// send makes one HTTP request and reads its bounded answer. Errors do not repeat the URL: cameras put
// secrets into their paths.
func (l *line) send(ctx context.Context, method, at string, who account, body string, head map[string]string, limit int64) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: the camera gave no usable address", device.ErrUnsupported)
	}
	for k, v := range head {
		req.Header.Set(k, v)
	}
	req.Header.Set("User-Agent", "Ingle")
	used := l.authorize(req, who)
	res, err := l.http.Do(req)
	if err != nil {
		return nil, kind(err)
	}
	defer func() { _ = res.Body.Close() }()
	again := l.learn(req.URL.Host, res, used) && !who.nobody()
	raw, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, kind(err)
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%w: an answer of more than %d bytes", device.ErrUnsupported, limit)
	}
	return &answer{res.StatusCode, again, res.Header.Get("Date"), raw}, nil
}

// authorize answers the challenge of the request's server, if it made one, and gives it.
func (l *line) authorize(req *http.Request, who account) *challenge {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.challenges[req.URL.Host]
	if c == nil || who.nobody() {
		return nil
	}
	req.Header.Set("Authorization", c.answer(who, req.Method, req.URL.RequestURI()))
	return c
}

// learn keeps a new challenge. It says whether the refusal tells nothing about the password: no
// challenge was answered yet, or one whose nonce has had its time. A nonce that was answered for the
// first time has not.
func (l *line) learn(host string, res *http.Response, used *challenge) bool {
	if res.StatusCode != http.StatusUnauthorized {
		return false
	}
	c := readChallenges(res.Header.Values("WWW-Authenticate"))
	l.mu.Lock()
	defer l.mu.Unlock()
	if c == nil {
		delete(l.challenges, host)
		return false
	}
	if l.challenges[host] == nil || l.challenges[host].nonce != c.nonce {
		l.challenges[host] = c
	}
	return used == nil || c.nonce != used.nonce && (c.stale || used.count > 1)
}

// kind gives an error of the network its kind, unless it has one, and takes the URL from it.
func kind(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, device.ErrRefused) || errors.Is(err, device.ErrUnsupported) {
		return err
	}
	if strings.Contains(err.Error(), "malformed HTTP") || strings.Contains(err.Error(), "gave HTTP response to HTTPS") {
		return fmt.Errorf("%w: no ONVIF camera answers there: %w", device.ErrUnsupported, err)
	}
	return fmt.Errorf("%w: %w", device.ErrUnreachable, err)
}
