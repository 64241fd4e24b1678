package sim

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	devicePath  = "/onvif/device_service"
	mediaPath   = "/onvif/media"
	eventsPath  = "/onvif/events"
	recordPath  = "/onvif/recording"
	stillPath   = "/still.jpg"
	maxQuestion = 1 << 20 // bytes
)

// element is any XML element.
type element struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Kids    []element  `xml:",any"`
	Text    string     `xml:",chardata"`
}

func (e *element) get(path ...string) *element {
	for _, name := range path {
		found := e.all(name)
		if len(found) == 0 {
			return nil
		}
		e = found[0]
	}
	return e
}

func (e *element) all(name string) []*element {
	var list []*element
	if e == nil {
		return nil
	}
	for i := range e.Kids {
		if e.Kids[i].XMLName.Local == name {
			list = append(list, &e.Kids[i])
		}
	}
	return list
}

func (e *element) str(path ...string) string {
	if e = e.get(path...); e == nil {
		return ""
	}
	return strings.TrimSpace(e.Text)
}

func esc(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}

// call is one SOAP request.
type call struct {
	path string
	head element
	body *element // the operation
	who  string   // the user
}

// fault is a SOAP 1.2 fault with ONVIF's two subcodes.
type fault struct{ code, sub, subsub, reason string }

func notAuthorized() *fault {
	return &fault{"Sender", "NotAuthorized", "", "Sender not authorized"}
}

// operation is what the camera can do, and who may ask for it.
type operation struct {
	prefix string // of its namespace
	level  string
	do     func(*Sim, call) (string, *fault)
}

// operations by namespace and name; pull points wait, so they are not here.
func operations() map[string]operation {
	return map[string]operation{
		"GetSystemDateAndTime": {"tds", anybody, (*Sim).getClock},
		"GetServices":          {"tds", anybody, (*Sim).getServices},
		"GetCapabilities":      {"tds", anybody, (*Sim).getCapabilities},
		"GetDeviceInformation": {"tds", plainUser, (*Sim).getInformation},
		"GetScopes":            {"tds", plainUser, (*Sim).getScopes},
		"GetUsers":             {"tds", operator, (*Sim).getUsers},
		"CreateUsers":          {"tds", administrator, (*Sim).createUsers},
		"SetUser":              {"tds", administrator, (*Sim).setUser},
		"DeleteUsers":          {"tds", administrator, (*Sim).deleteUsers},

		"SetSystemFactoryDefault": {"tds", administrator, (*Sim).setFactory},

		"GetProfiles":                         {"trt", plainUser, (*Sim).getProfiles},
		"GetVideoSources":                     {"trt", plainUser, (*Sim).getSources},
		"GetStreamUri":                        {"trt", plainUser, (*Sim).getStream},
		"GetSnapshotUri":                      {"trt", plainUser, (*Sim).getSnapshot},
		"GetVideoEncoderConfigurationOptions": {"trt", plainUser, (*Sim).getPictureOptions},
		"GetAudioEncoderConfigurationOptions": {"trt", plainUser, (*Sim).getSoundOptions},
		"SetVideoEncoderConfiguration":        {"trt", operator, (*Sim).setPicture},
		"SetAudioEncoderConfiguration":        {"trt", operator, (*Sim).setSound},

		"GetEventProperties":          {"tev", plainUser, (*Sim).getTopics},
		"CreatePullPointSubscription": {"tev", operator, (*Sim).subscribe},
		"PullMessages":                {"tev", operator, nil},
		"SetSynchronizationPoint":     {"", operator, (*Sim).sync}, // of media and of events
		"Renew":                       {"wsnt", operator, (*Sim).renew},
		"Unsubscribe":                 {"wsnt", operator, (*Sim).unsubscribe},

		"GetRecordings":   {"trc", plainUser, (*Sim).getRecordings},
		"DeleteRecording": {"trc", administrator, (*Sim).deleteRecording},
	}
}

// ServeHTTP answers SOAP, and gives still pictures.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.state.Requests++
	s.seen++
	before, after := false, false
	if s.cut != nil {
		before, after = s.cut(s.seen)
	}
	s.mu.Unlock()
	if before {
		panic(http.ErrAbortHandler)
	}
	if after {
		w = &lost{w}
	}
	switch {
	case r.Method == http.MethodGet && r.URL.Path == stillPath:
		s.serveStill(w, r)
	case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/onvif/"):
		s.serveSOAP(w, r)
	default:
		http.NotFound(w, r)
	}
	if after {
		panic(http.ErrAbortHandler)
	}
}

// lost takes an answer that never arrives.
type lost struct{ http.ResponseWriter }

func (l *lost) Header() http.Header         { return http.Header{} }
func (l *lost) Write(p []byte) (int, error) { return len(p), nil }
func (l *lost) WriteHeader(int)             {}

func (s *Sim) serveSOAP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxQuestion))
	var envelope element
	if err == nil {
		err = xml.Unmarshal(raw, &envelope)
	}
	body := envelope.get("Body")
	if err != nil || body == nil || len(body.Kids) != 1 {
		http.Error(w, "not SOAP", http.StatusBadRequest)
		return
	}
	c := call{path: r.URL.Path, body: &body.Kids[0]}
	if head := envelope.get("Header"); head != nil {
		c.head = *head
	}
	op, ok := operations()[c.body.XMLName.Local]
	if !ok || s.lacks(c.body.XMLName.Local) {
		s.refuse(w, &fault{"Receiver", "ActionNotSupported", "", "the camera has no such action"})
		return
	}
	if !s.admit(w, r, &c, op.level) {
		return
	}
	s.perform(w, r, c, op)
}

// lacks says that this camera does not know an operation that others know.
func (s *Sim) lacks(name string) bool {
	switch name {
	case "GetServices":
		return s.opts.Capable
	case "GetEventProperties", "CreatePullPointSubscription":
		return s.opts.NoEvents
	}
	return false
}

// admit checks the login against a level; when it is too low, it has answered.
func (s *Sim) admit(w http.ResponseWriter, r *http.Request, c *call, level string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if level == anybody || s.opts.Open {
		return true
	}
	who, _ := s.login(r, c.head, true)
	if who != nil && rank(who.level) >= rank(level) {
		c.who = who.name
		return true
	}
	if who != nil {
		s.state.Denied++
	}
	if s.opts.Digest != "" {
		if who == nil {
			s.challenge(w)
			w.WriteHeader(http.StatusUnauthorized)
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return false
	}
	s.refuse(w, notAuthorized())
	return false
}

func (s *Sim) perform(w http.ResponseWriter, r *http.Request, c call, op operation) {
	name, prefix := c.body.XMLName.Local, op.prefix
	var text string
	var no *fault
	if name == "PullMessages" {
		text, no = s.pull(r.Context(), c)
	} else {
		s.mu.Lock()
		text, no = op.do(s, c)
		s.mu.Unlock()
	}
	if no != nil {
		s.refuse(w, no)
		return
	}
	if prefix == "" {
		prefix = map[bool]string{true: "trt", false: "tev"}[c.path == mediaPath]
	}
	s.send(w, http.StatusOK, fmt.Sprintf("<%[1]s:%[2]sResponse>%[3]s</%[1]s:%[2]sResponse>", prefix, name, text))
}

func (s *Sim) refuse(w http.ResponseWriter, f *fault) {
	sub := ""
	if f.subsub != "" {
		sub = "<env:Subcode><env:Value>ter:" + f.subsub + "</env:Value></env:Subcode>"
	}
	status := http.StatusBadRequest
	if f.code == "Receiver" {
		status = http.StatusInternalServerError
	}
	s.send(w, status, fmt.Sprintf(`<env:Fault><env:Code><env:Value>env:%s</env:Value><env:Subcode><env:Value>ter:%s</env:Value>%s</env:Subcode></env:Code>`+
		`<env:Reason><env:Text xml:lang="en">%s</env:Text></env:Reason></env:Fault>`, f.code, f.sub, sub, f.reason))
}

func (s *Sim) send(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+ // the peer may be gone
		`<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"`+
		` xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tev="http://www.onvif.org/ver10/events/wsdl"`+
		` xmlns:trc="http://www.onvif.org/ver10/recording/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"`+
		` xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:wstop="http://docs.oasis-open.org/wsn/t-1"`+
		` xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:tns1="http://www.onvif.org/ver10/topics"`+
		` xmlns:ter="http://www.onvif.org/ver10/error"><env:Body>`+body+`</env:Body></env:Envelope>`)
}
