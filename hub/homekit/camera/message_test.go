package camera

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/hap/tlv8"
	"github.com/ingle-home/ingle/hub/sound"
)

// The messages below are written out byte by byte from the protocol's tables.
const (
	sessionID  = "000102030405060708090a0b0c0d0e0f"
	videoKey   = "101112131415161718191a1b1c1d1e1f"
	videoSalt  = "202122232425262728292a2b2c2d"
	audioKey   = "303132333435363738393a3b3c3d3e3f"
	audioSalt  = "404142434445464748494a4b4c4d"
	ofVideo    = "0425" + "010100" + "0210" + videoKey + "030e" + videoSalt
	ofAudio    = "0525" + "010100" + "0210" + audioKey + "030e" + audioSalt
	viewerV4   = "0316" + "010100" + "0209" + "31302e302e302e3237" + "0302" + "50c3" + "0402" + "51c3" // 10.0.0.27, 50000, 50001
	wantsSetup = "0110" + sessionID + viewerV4 + ofVideo + ofAudio
)

func raw(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSetupIsReadAndAnswered(t *testing.T) {
	s, err := parseSetup(raw(t, wantsSetup))
	if err != nil {
		t.Fatal(err)
	}
	if s.id != string(raw(t, sessionID)) || s.address != netip.MustParseAddr("10.0.0.27") || s.video != 50000 || s.audio != 50001 {
		t.Errorf("read %+v", s)
	}
	if hex.EncodeToString(s.videoKey.master) != videoKey || hex.EncodeToString(s.videoKey.salt) != videoSalt ||
		hex.EncodeToString(s.audioKey.master) != audioKey || hex.EncodeToString(s.audioKey.salt) != audioSalt {
		t.Error("the keys are not those of the message")
	}
	got := s.answer(netip.MustParseAddr("10.0.0.2"), end{40000, 0x01020304}, end{40001, 0x05060708})
	want := "0110" + sessionID + "020100" + "0315" + "010100" + "0208" + "31302e302e302e32" + "0302" + "409c" + "0402" + "419c" +
		ofVideo + ofAudio + "060404030201" + "070408070605"
	if hex.EncodeToString(got) != want {
		t.Errorf("answered\n%x, want\n%s", got, want)
	}
	if got := hex.EncodeToString(s.refuse(setupBusy)); got != "0110"+sessionID+"020101" {
		t.Errorf("refused with %s", got)
	}
	v6 := s.answer(netip.MustParseAddr("fe80::1%eth0"), end{1, 2}, end{1, 3})
	where := haptest.Get(v6, 3)
	if haptest.Code(where, 1) != 1 || string(haptest.Get(where, 2)) != "fe80::1" {
		t.Errorf("IPv6 is answered with % x", where)
	}
}

func TestSetupWithoutSound(t *testing.T) {
	s, err := parseSetup(raw(t, "0110"+sessionID+viewerV4+ofVideo))
	if err != nil {
		t.Fatal(err)
	}
	got := s.answer(netip.MustParseAddr("10.0.0.2"), end{1, 2}, end{1, 3})
	if haptest.Get(got, 5) != nil || haptest.Get(got, 7) != nil || haptest.Get(got, 6) == nil {
		t.Errorf("sound in % x", got)
	}
	s.wipe()
	if !bytes.Equal(s.videoKey.master, make([]byte, 16)) || !bytes.Equal(s.videoKey.salt, make([]byte, 14)) {
		t.Error("keys are left behind")
	}
}

func TestSetupsThatAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"cut":             wantsSetup[:60],
		"short session":   "010101" + viewerV4 + ofVideo + ofAudio,
		"no session":      viewerV4 + ofVideo + ofAudio,
		"no address":      "0110" + sessionID + ofVideo + ofAudio,
		"no video key":    "0110" + sessionID + viewerV4 + ofAudio,
		"AES-256":         strings.Replace(wantsSetup, "0425010100", "0425010101", 1),
		"no encryption":   strings.Replace(wantsSetup, "0425010100", "0425010102", 1),
		"bad sound suite": strings.Replace(wantsSetup, "0525010100", "0525010101", 1),
		"a name":          strings.Replace(wantsSetup, "31302e302e302e3237", "6578616d706c652e6e", 1),
		"port 0":          strings.Replace(wantsSetup, "030250c3", "03020000", 1),
		"twice":           wantsSetup + "0110" + sessionID,
	} {
		if s, err := parseSetup(raw(t, text)); err == nil {
			t.Errorf("%s: read %+v", name, s)
		}
	}
}

const (
	control    = "0115" + "0110" + sessionID + "0201"
	videoStart = "0234" + "010100" + "0209" + "010101" + "020102" + "030100" + "030b" + "01028007" + "02023804" + "03011e" +
		"0417" + "010163" + "0204" + "0d0c0b0a" + "0302" + "0010" + "0404" + "0000803f" + "0502" + "6205" // PT 99, 4096 kbit/s, 1 s, 1378
	wantsStart = control + "01" + videoStart
)

// Opus, mono, variable, 24 kHz, 60 ms; PT 110, 24 kbit/s, 5 s, comfort noise type 13.
const (
	soundStart = "032c" + "010103" + "020c" + "010101" + "020100" + "030102" + "04013c" +
		"0316" + "01016e" + "0204" + "04030201" + "0302" + "1800" + "0404" + "0000a040" + "06010d" + "040100"
	wantsSound = wantsStart + soundStart
)

func TestSoundIsRead(t *testing.T) {
	s, err := parseSelection(raw(t, wantsSound))
	if err != nil {
		t.Fatal(err)
	}
	want := soundChoice{wanted: true, payloadType: 110, ssrc: 0x01020304,
		format: sound.Format{Rate: 24000, PacketTime: 60 * time.Millisecond, Bitrate: 24_000}}
	if s.sound != want {
		t.Errorf("read %+v, want %+v", s.sound, want)
	}
	for name, text := range map[string]string{
		"nothing":          wantsStart + "0300",
		"AAC-ELD":          strings.Replace(wantsSound, "010103020c", "010102020c", 1),
		"8 kHz":            strings.Replace(wantsSound, "03010204013c", "03010004013c", 1),
		"48 kHz":           strings.Replace(wantsSound, "03010204013c", "03010304013c", 1),
		"10 ms":            strings.Replace(wantsSound, "03010204013c", "03010204010a", 1),
		"payload type 255": strings.Replace(wantsSound, "01016e", "0101ff", 1),
		"cut":              wantsSound[:len(wantsSound)-20],
	} {
		if s, err := parseSelection(raw(t, text)); err == nil {
			t.Errorf("%s: read %+v", name, s.sound)
		}
	}
}

func TestSelectionIsRead(t *testing.T) {
	s, err := parseSelection(raw(t, wantsStart))
	if err != nil {
		t.Fatal(err)
	}
	want := selection{id: string(raw(t, sessionID)), command: commandStart,
		video: rtpChoice{width: 1920, height: 1080, payloadType: 99, ssrc: 0x0a0b0c0d, mtu: 1378, reports: time.Second}}
	if s != want {
		t.Errorf("read %+v, want %+v", s, want)
	}
	for command := range byte(5) {
		if command == commandStart {
			continue
		}
		s, err := parseSelection(append(raw(t, control), command))
		if err != nil || s.command != command || s.video != (rtpChoice{}) {
			t.Errorf("command %d is read as %+v, %v", command, s, err)
		}
	}
	s, err = parseSelection(raw(t, control+"04"+"0206"+"0404"+"05022003"))
	if err != nil || s.video != (rtpChoice{mtu: 800}) {
		t.Errorf("reconfigure is read as %+v, %v", s, err)
	}
	s, err = parseSelection(raw(t, control+"04"+"020d"+"030b"+"01024001"+"0202f000"+"03010f"))
	if err != nil || s.video != (rtpChoice{width: 320, height: 240}) {
		t.Errorf("another size is read as %+v, %v", s, err)
	}
}

func TestSelectionsThatAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":          "",
		"cut":              wantsStart[:70],
		"no video":         control + "01",
		"unknown command":  control + "05",
		"H.265":            strings.Replace(wantsStart, "0234010100", "0234010101", 1),
		"payload type 128": strings.Replace(wantsStart, "010163", "010180", 1),
		"long interval":    control + "04" + "0209" + "0407" + "04050000000000",
		"short session":    "0106" + "0101ff" + "020100",
	} {
		if s, err := parseSelection(raw(t, text)); err == nil {
			t.Errorf("%s: read %+v", name, s)
		}
	}
}

func TestReportIntervals(t *testing.T) {
	for given, want := range map[float32]time.Duration{
		0: 0, -1: 0, 0.5: 500 * time.Millisecond, 60: slowestReports, float32(math.Inf(1)): slowestReports, float32(math.NaN()): 0,
	} {
		packets, err := tlv8.Parse(tlv8.AppendUint32(nil, 4, math.Float32bits(given)))
		if err != nil {
			t.Fatal(err)
		}
		var c rtpChoice
		if err := c.parseLimits(packets); err != nil || c.reports != want {
			t.Errorf("%v s is read as %v, %v", given, c.reports, err)
		}
	}
}

func TestWhatIsOffered(t *testing.T) {
	video := supportedVideo(offered(1920, 1080))
	want := "0155" + "010100" + "021d" + "010100" + "0000" + "010101" + "0000" + "010102" + "020100" + "0000" + "020101" + "0000" + "020102" + "030100" +
		"030b" + "01028007" + "02023804" + "03011e" + "0000" + "030b" + "01020005" + "0202d002" + "03011e" + "0000" +
		"030b" + "01028002" + "02026801" + "03011e" + "0000" + "030b" + "01024001" + "0202f000" + "03010f"
	want = strings.Replace(want, "0155", hex.EncodeToString([]byte{1, byte(len(want)/2 - 2)}), 1)
	if got := hex.EncodeToString(video); got != want {
		t.Errorf("video\n%s, want\n%s", got, want)
	}
	if got := hex.EncodeToString(supportedAudio()); got != "0113"+"010103"+"020e"+"010101"+"020100"+"030101"+"0000"+"030102"+"020100" {
		t.Errorf("audio %s", got)
	}
	if got := hex.EncodeToString(supportedRTP()); got != "020100" {
		t.Errorf("RTP %s", got)
	}
	if n := len(offered(2560, 1440)); n != 5 {
		t.Errorf("%d sizes beside the camera's own", n)
	}
	for _, odd := range [][2]int{{0, 0}, {1 << 16, 10}, {-1, 5}} {
		if n := len(offered(odd[0], odd[1])); n != 4 {
			t.Errorf("%v: %d sizes", odd, n)
		}
	}
}

func TestPicturesStayInTheHome(t *testing.T) {
	at := func(local, remote string) *hap.Peer {
		return &hap.Peer{Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote)}
	}
	v4, v6 := at("10.0.0.2:1", "10.0.0.27:9"), at("[2001:db8:1:2::2]:1", "[2001:db8:1:2::27]:9")
	loop := at("127.0.0.1:1", "127.0.0.1:2")
	odd := at("192.0.2.1:1", "192.0.2.9:9") // a home that uses public addresses
	for _, c := range []struct {
		to string
		p  *hap.Peer
		ok bool
	}{
		{"10.0.0.27", v4, true}, {"192.168.4.4", v4, false}, {"10.0.0.28", v4, false}, {"192.168.4.4", v6, true}, {"fd00::5", v4, true}, {"fe80::5", v6, true},
		{"2001:db8:1:2::99", v6, true}, {"2001:db8:1:3::99", v6, false}, {"192.0.2.9", odd, true}, {"192.0.2.10", odd, false},
		{"8.8.8.8", v4, false}, {"127.0.0.1", v4, false}, {"127.0.0.1", loop, true}, {"127.0.0.2", loop, false}, {"::1", loop, true}, {"::1", v6, false},
		{"0.0.0.0", v4, false}, {"224.0.0.1", v4, false}, {"255.255.255.255", v4, false}, {"ff02::1", v6, false},
	} {
		if got := inHome(netip.MustParseAddr(c.to), c.p); got != c.ok {
			t.Errorf("%s for %s: %v", c.to, c.p.Remote, got)
		}
	}
}

func TestLinkLocalViewersGetOurZone(t *testing.T) {
	s := setup{address: netip.MustParseAddr("fe80::9"), video: 7}
	if got := s.destination(netip.MustParseAddr("fe80::1%eth7"), s.video); got.String() != "[fe80::9%eth7]:7" {
		t.Errorf("to %s", got)
	}
	other := &hap.Peer{Local: netip.MustParseAddrPort("[::1]:1")}
	local, err := localFor(other, netip.MustParseAddrPort("127.0.0.1:9"))
	if err != nil || local != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("for a viewer of the other version: %v, %v", local, err)
	}
}

func FuzzSetup(f *testing.F) {
	for _, text := range []string{wantsSetup, "0110" + sessionID + viewerV4 + ofVideo, "", "0300", wantsSetup[:80]} {
		f.Add(raw(f, text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		s, err := parseSetup(b)
		if !bytes.Equal(b, before) {
			t.Fatal("reading changed the message")
		}
		if err != nil {
			return
		}
		// What we answer has the structure that we read, so it reads as the same wish at our address.
		again, err := parseSetup(s.answer(netip.MustParseAddr("10.0.0.2"), end{9, 1}, end{10, 2}))
		if err != nil || again.id != s.id || !bytes.Equal(again.videoKey.master, s.videoKey.master) || again.video != 9 {
			t.Fatalf("%+v is answered with %+v, %v", s, again, err)
		}
		if len(s.id) != idLength || s.video == 0 || !s.address.IsValid() {
			t.Fatalf("read %+v", s)
		}
	})
}

func FuzzSelection(f *testing.F) {
	for _, text := range []string{wantsStart, control + "00", control + "02", control + "04", control + "04" + "0206" + "0404" + "05022003", ""} {
		f.Add(raw(f, text))
	}
	f.Add(raw(f, wantsSound))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSelection(b)
		if err != nil {
			return
		}
		if len(s.id) != idLength || s.command > commandReconfigure || s.video.payloadType > 127 || s.video.reports < 0 || s.video.reports > slowestReports {
			t.Fatalf("read %+v", s)
		}
		if _, err := sound.NewEncoder(t.Context(), s.sound.format, sound.Options{}); s.sound.wanted && err != nil {
			t.Fatalf("sound that cannot be made: %v", err)
		}
		if n := s.video.payload(false); n < mtuLeast-header-authTag || n > mtuV4-header-authTag {
			t.Fatalf("packets of %d bytes", n)
		}
	})
}

func TestErrorsSayWhatTheyAre(t *testing.T) {
	if _, err := parseSelection(raw(t, control+"05")); !errors.Is(err, errMessage) {
		t.Error(err)
	}
}
