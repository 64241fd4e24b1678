package sim

import (
	"fmt"
	"strings"
)

// here is a URL of this camera, with the host that it believes in. Callers hold mu.
func (s *Sim) here(path string) string {
	host := s.address
	if s.opts.WrongHost != "" {
		host = s.opts.WrongHost
		if !strings.Contains(host, ":") {
			host += s.address[strings.LastIndexByte(s.address, ':'):]
		}
	}
	return "http://" + host + path
}

func (s *Sim) getClock(call) (string, *fault) {
	t := s.clock().Add(s.opts.Shown)
	return fmt.Sprintf(`<tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>`+
		`<tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone><tt:UTCDateTime><tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute><tt:Second>%d</tt:Second></tt:Time>`+
		`<tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime>`,
		t.Hour(), t.Minute(), t.Second(), t.Year(), t.Month(), t.Day()), nil
}

func (s *Sim) getServices(call) (string, *fault) {
	parts := []struct{ ns, path string }{
		{"http://www.onvif.org/ver10/device/wsdl", devicePath},
		{"http://www.onvif.org/ver10/media/wsdl", mediaPath},
	}
	if !s.opts.NoEvents {
		parts = append(parts, struct{ ns, path string }{"http://www.onvif.org/ver10/events/wsdl", eventsPath})
	}
	if s.opts.Recordings > 0 {
		parts = append(parts, struct{ ns, path string }{"http://www.onvif.org/ver10/recording/wsdl", recordPath})
	}
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, `<tds:Service><tds:Namespace>%s</tds:Namespace><tds:XAddr>%s</tds:XAddr>`+
			`<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>`, p.ns, s.here(p.path))
	}
	return b.String(), nil
}

func (s *Sim) getCapabilities(call) (string, *fault) {
	var b strings.Builder
	fmt.Fprintf(&b, `<tds:Capabilities><tt:Device><tt:XAddr>%s</tt:XAddr></tt:Device>`, s.here(devicePath))
	if !s.opts.NoEvents {
		fmt.Fprintf(&b, `<tt:Events><tt:XAddr>%s</tt:XAddr><tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport>`+
			`<tt:WSPullPointSupport>true</tt:WSPullPointSupport><tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>`, s.here(eventsPath))
	}
	fmt.Fprintf(&b, `<tt:Media><tt:XAddr>%s</tt:XAddr><tt:StreamingCapabilities><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>`, s.here(mediaPath))
	if s.opts.Recordings > 0 {
		fmt.Fprintf(&b, `<tt:Extension><tt:Recording><tt:XAddr>%s</tt:XAddr></tt:Recording></tt:Extension>`, s.here(recordPath))
	}
	b.WriteString(`</tds:Capabilities>`)
	return b.String(), nil
}

func (s *Sim) getInformation(call) (string, *fault) {
	return fmt.Sprintf(`<tds:Manufacturer>%s</tds:Manufacturer><tds:Model>%s</tds:Model><tds:FirmwareVersion>%s</tds:FirmwareVersion>`+
		`<tds:SerialNumber>%s</tds:SerialNumber><tds:HardwareId>sim</tds:HardwareId>`, esc(s.opts.Maker), esc(s.opts.Model), esc(s.opts.Firmware), s.id[len(s.id)-12:]), nil
}

func (s *Sim) getScopes(call) (string, *fault) {
	var b strings.Builder
	for _, scope := range strings.Fields(s.scopes()) {
		fmt.Fprintf(&b, `<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>%s</tt:ScopeItem></tds:Scopes>`, esc(scope))
	}
	return b.String(), nil
}

func (s *Sim) getRecordings(call) (string, *fault) {
	var b strings.Builder
	for i := range s.records {
		fmt.Fprintf(&b, `<trc:RecordingItem><tt:RecordingToken>recording%d</tt:RecordingToken></trc:RecordingItem>`, i)
	}
	return b.String(), nil
}

func (s *Sim) deleteRecording(call) (string, *fault) {
	if s.records == 0 {
		return "", &fault{"Sender", "InvalidArgVal", "NoRecording", "no such recording"}
	}
	s.records--
	return "", nil
}

// setFactory has the camera become as it left the factory: its first user is back with the password of
// then, and nobody else.
func (s *Sim) setFactory(c call) (string, *fault) {
	how := c.body.str("FactoryDefault")
	if how != "Hard" && how != "Soft" {
		return "", &fault{"Sender", "InvalidArgVal", "", "no such way"}
	}
	s.state.Factory = append(s.state.Factory, how)
	s.users, s.records, s.subs = []user{{s.opts.User, s.opts.Password, s.opts.Level}}, 0, map[string]*pullPoint{}
	s.follow()
	return "", nil
}
