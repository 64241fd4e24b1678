package onvif

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
)

// The example of RFC 7616, 3.9.1, in both algorithms.
func TestDigestOfTheRFC(t *testing.T) {
	who := account{"Mufasa", device.NewSecret("Circle of Life")}
	const (
		nonce  = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
		cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
		rest   = `Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="` + nonce + `", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	)
	for algorithm, want := range map[string]string{
		"MD5":     "8ca523f5e9506fed4657c9700eebdbec",
		"SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		c := readChallenge(rest + ", algorithm=" + algorithm)
		if c == nil {
			t.Fatal(algorithm + ": not understood")
		}
		if got := c.proof(who, http.MethodGet, "/dir/index.html", cnonce, 1); !strings.Contains(got, `response="`+want+`"`) {
			t.Errorf("%s: %s", algorithm, got)
		}
	}
}

// Without qop, as old cameras ask (RFC 2617, 3.2.2.1); the answer was computed with md5sum.
func TestDigestWithoutQop(t *testing.T) {
	c := readChallenge(`Digest realm="cam", nonce="abc"`)
	got := c.proof(account{"u", device.NewSecret("p")}, "GET", "/", "x", 1)
	if !strings.Contains(got, `response="e452cbcbf0ed9e87a4f516a6609d5e7d"`) || strings.Contains(got, "qop") {
		t.Error(got)
	}
}

func TestWhichChallengeIsTaken(t *testing.T) {
	md5 := `Digest realm="a", nonce="1", qop="auth"`
	sha := `Digest realm="a", nonce="2", qop="auth", algorithm="SHA-256", stale="TRUE"`
	for _, offers := range [][]string{{md5, sha}, {sha, md5}, {`Basic realm="a"`, sha}} {
		if c := readChallenges(offers); c == nil || c.nonce != "2" || !c.sha256 || !c.stale {
			t.Errorf("%v: %+v", offers, c)
		}
	}
	for _, none := range []string{`Basic realm="a"`, "", "Digest", `Digest realm="a"`, `Digest nonce="1", qop="auth-int"`, `Digest nonce="1", algorithm=SHA-512-256`, `Digest nonce="` + strings.Repeat("a", maxChallenge) + `"`} {
		if c := readChallenge(none); c != nil {
			t.Errorf("%q is taken: %+v", none, c)
		}
	}
}

func TestURLsComeHome(t *testing.T) {
	l, err := newLine("192.168.1.20", nil, time.Now)
	if err != nil || l.device() != "http://192.168.1.20:80/onvif/device_service" {
		t.Fatal(l, err)
	}
	for raw, want := range map[string]string{
		"http://10.0.0.9/onvif/media":              "http://192.168.1.20:80/onvif/media",
		"http://127.0.0.1:8899/onvif/media?x=1":    "http://192.168.1.20:8899/onvif/media?x=1",
		"http://user:word@10.0.0.9/a":              "http://192.168.1.20:80/a",
		"https://[fe80::1]/a":                      "https://192.168.1.20:443/a",
		"rtsp://10.0.0.9/live?channel=1&subtype=0": "rtsp://192.168.1.20:554/live?channel=1&subtype=0",
		"  http://10.0.0.9/a\n":                    "http://192.168.1.20:80/a",
		"file:///etc/passwd":                       "",
		"/onvif/media":                             "",
		"":                                         "",
		"http://":                                  "",
	} {
		if got := l.home(raw, "http", "https", "rtsp"); got != want {
			t.Errorf("%q comes home as %q, not %q", raw, got, want)
		}
	}
	for _, address := range []string{"cam.local:8080", "http://cam.local:8080", "http://cam.local:8080/"} {
		if l, err := newLine(address, nil, time.Now); err != nil || l.device() != "http://cam.local:8080/onvif/device_service" {
			t.Errorf("%s: %v", address, err)
		}
	}
}

const soapHead = `<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>`

func soap(body string) []byte { return []byte(soapHead + body + `</e:Body></e:Envelope>`) }

func TestFaults(t *testing.T) {
	_, err := envelope(soap(`<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>ter:InvalidArgVal</e:Value><e:Subcode><e:Value>ter:NoProfile</e:Value></e:Subcode></e:Subcode></e:Code><e:Reason><e:Text>nothing` + "\u202e" + ` there</e:Text></e:Reason></e:Fault>`))
	f, ok := err.(*fault)
	if !ok || f.codes != "Sender/InvalidArgVal/NoProfile" || f.reason != "nothing there" || !f.has("NoProfile") || f.has("Profile") {
		t.Errorf("%v", err)
	}
	_, err = envelope(soap(`<e:Fault><faultcode>e:Client</faultcode><faultstring>old</faultstring></e:Fault>`))
	if f, ok := err.(*fault); !ok || f.codes != "Client" || f.reason != "old" {
		t.Errorf("SOAP 1.1: %v", err)
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	for name, raw := range map[string]string{
		"nothing": "", "a page": "<html><body>hello</body></html>", "half": soapHead, "an entity": `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`,
		"too deep": strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1),
		"too long": "<a>" + strings.Repeat(" ", maxAnswer) + "</a>",
		"too many": "<a>" + strings.Repeat("<b/>", maxNodes) + "</a>",
		"two":      "<a/><b/>", "not UTF-8": "<a>\xff\xfe</a>",
	} {
		if n, err := envelope([]byte(raw)); err == nil {
			t.Errorf("%s is taken for %+v", name, n)
		}
	}
}

func TestClock(t *testing.T) {
	const clock = `<x><SystemDateAndTime><UTCDateTime><Time><Hour>%s</Hour><Minute>4</Minute><Second>5</Second></Time><Date><Year>%s</Year><Month>2</Month><Day>3</Day></Date></UTCDateTime></SystemDateAndTime></x>`
	n, _ := envelope(soap(fmt.Sprintf(clock, "0", "2026")))
	if at, ok := readClock(n); !ok || !at.Equal(time.Date(2026, 2, 3, 0, 4, 5, 0, time.UTC)) {
		t.Error(at, ok)
	}
	for _, wrong := range [][2]string{{"25", "2026"}, {"1", "0"}, {"1", "-2026"}, {"1", "99999999999"}} {
		n, _ := envelope(soap(fmt.Sprintf(clock, wrong[0], wrong[1])))
		if at, ok := readClock(n); ok {
			t.Error(wrong, at)
		}
	}
	if _, ok := readClock(nil); ok {
		t.Error("no answer is a time")
	}
}

func TestTopics(t *testing.T) {
	for topic, want := range map[string][2]bool{ // motion, doorbell
		"tns1:RuleEngine/CellMotionDetector/Motion":   {true, false},
		"tns1:RuleEngine/MotionRegionDetector/Motion": {true, false},
		"tns1:VideoSource/MotionAlarm":                {true, false},
		"tns1:RuleEngine/MyRuleDetector/Visitor":      {false, true},
		"tns1:Device/tnsvendor:IO/tnsvendor:Doorbell": {false, true},
		"tns1:Device/Trigger/DigitalInput":            {false, false},
		"tns1:RuleEngine/LineDetector/Crossed":        {false, false},
		"":                                            {false, false},
	} {
		at := topicOf(topic)
		if isMotion(at) != want[0] || isDoorbell(at, "") != want[1] {
			t.Errorf("%s: motion %v, doorbell %v", topic, isMotion(at), isDoorbell(at, ""))
		}
	}
	if !isDoorbell(topicOf("tns1:Device/Trigger/DigitalInput"), " digitalinput ") || isDoorbell(topicOf("tns1:Device/Trigger/Relay"), "DigitalInput") {
		t.Error("the household's own word")
	}
}

func TestProbeMatch(t *testing.T) {
	answer := func(types, scopes, addresses string) []byte {
		return soap(`<ProbeMatches><ProbeMatch><Types>` + types + `</Types><Scopes>` + scopes + `</Scopes><XAddrs>` + addresses + `</XAddrs></ProbeMatch></ProbeMatches>`)
	}
	got := matches("192.168.1.20", answer("dn:NetworkVideoTransmitter", "onvif://www.onvif.org/name/K%C3%BCche%20links onvif://www.onvif.org/hardware/DS_2", "http://[fe80::1]/x https://10.0.0.1:444/onvif/d"))
	want := device.Candidate{Driver: ID, Name: "Küche links", Model: "DS 2", Address: "http://192.168.1.20:80/x"}
	if len(got) != 1 || got[0].Name != want.Name || got[0].Model != want.Model || got[0].Address != want.Address {
		t.Errorf("%+v", got)
	}
	for _, none := range [][]byte{answer("wsdp:Printer", "", "http://10.0.0.1/"), answer("dn:NetworkVideoTransmitter", "", ""), answer("dn:NetworkVideoTransmitter", "", "ftp://10.0.0.1/"), []byte("x")} {
		if got := matches("192.168.1.20", none); len(got) != 0 {
			t.Errorf("%s: %+v", none, got)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{
		string(soap("<a:X xmlns:a='urn:x' t='1'>&lt;b&gt;</a:X>")), string(soap("")), soapHead,
		string(soap(`<e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code></e:Fault>`)), "<a/>", "", "<!DOCTYPE x>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := envelope(raw)
		if err != nil {
			return
		}
		// What was read can be given back, and is then the same.
		var b strings.Builder
		n.write(&b, "")
		if n.name == "" {
			return
		}
		again, err := parse([]byte(b.String()))
		if err != nil && !strings.Contains(err.Error(), "too deep") && b.Len() < maxAnswer {
			t.Fatalf("%q was read as %q: %v", raw, b.String(), err)
		}
		if err == nil && again.name != n.name {
			t.Fatalf("%q became %q", n.name, again.name)
		}
		(&heeds{}).walk(n, "", "bell")
		readClock(n)
		_ = viewOf(n)
	})
}

func FuzzProbeMatch(f *testing.F) {
	f.Add(soap(`<ProbeMatches><ProbeMatch><Types>dn:NetworkVideoTransmitter</Types><Scopes>onvif://www.onvif.org/name/a%20b</Scopes><XAddrs>http://10.0.0.1/x</XAddrs></ProbeMatch></ProbeMatches>`))
	f.Add([]byte("<a/>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, c := range matches("192.168.1.20", raw) {
			if !strings.HasPrefix(c.Address, "http://192.168.1.20:") && !strings.HasPrefix(c.Address, "https://192.168.1.20:") || len(c.Name) > 64 {
				t.Fatalf("%+v", c)
			}
		}
	})
}

func FuzzChallenge(f *testing.F) {
	for _, seed := range []string{`Digest realm="a", nonce="1", qop="auth"`, `digest nonce=x,algorithm=md5`, `Digest realm="\"", nonce="\\"`, "Digest =", `Digest nonce="`, "Basic"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, offer string) {
		c := readChallenge(offer)
		if c == nil {
			return
		}
		text := c.answer(account{"hub", device.NewSecret("porch-light")}, "POST", "/x")
		if strings.ContainsAny(text, "\r\n\x00") || strings.Contains(text, "porch-light") {
			t.Fatalf("%q", text)
		}
	})
}

func FuzzNotification(f *testing.F) {
	f.Add(soap(`<N><Topic>tns1:VideoSource/MotionAlarm</Topic><Message><Message UtcTime="x" PropertyOperation="Changed"><Data><SimpleItem Name="State" Value="true"/></Data></Message></Message></N>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := envelope(raw)
		if err != nil {
			return
		}
		newEars("", time.Minute, time.Now, nilReport, func(string, ...any) {}).take(n)
	})
}

func nilReport(trait.Reading) error { return nil }
