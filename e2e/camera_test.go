package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"image/jpeg"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/core"
	"github.com/AlexxIT/go2rtc/pkg/hap"
	"github.com/AlexxIT/go2rtc/pkg/hap/camera"
	"github.com/AlexxIT/go2rtc/pkg/hap/tlv8"
	"github.com/AlexxIT/go2rtc/pkg/homekit"
	"github.com/AlexxIT/go2rtc/pkg/srtp"
	"github.com/pion/rtp"
)

func id(p place) string { return fmt.Sprintf("%d.%d", p.aid, p.iid) }

// freePort is a UDP address that is free: go2rtc names its port to the camera before it opens it.
func freePort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

// view is one viewer's stream.
type view struct {
	frames, octets atomic.Int64
	first          chan struct{}
	ended          chan error
}

// watch pulls the camera through HomeKit with go2rtc, which decrypts each packet.
func watch(t *testing.T, paired *hap.Client) *view {
	t.Helper()
	stream, err := homekit.Dial(paired.URL(), srtp.NewServer(freePort(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Stop() })
	media := stream.GetMedias()
	if len(media) == 0 {
		t.Fatal("go2rtc sees no stream")
	}
	track, err := stream.GetTrack(media[0], media[0].Codecs[0])
	if err != nil {
		t.Fatal(err)
	}
	v := &view{first: make(chan struct{}, 1), ended: make(chan error, 1)}
	sender := core.NewSender(media[0], track.Codec)
	sender.Handler = func(p *rtp.Packet) {
		v.octets.Add(int64(len(p.Payload)))
		if p.Marker {
			v.frames.Add(1)
			select {
			case v.first <- struct{}{}:
			default:
			}
		}
	}
	sender.HandleRTP(track)
	go func() { v.ended <- stream.Start() }()
	return v
}

// begins waits for the first picture.
func (v *view) begins(t *testing.T) {
	t.Helper()
	asked := time.Now()
	select {
	case <-v.first:
	case err := <-v.ended:
		t.Fatalf("the stream ended: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("no picture came")
	}
	t.Logf("first picture after %v", time.Since(asked))
}

// TestCheck22TwoViewersAndASnapshot takes pictures of the porch, and pulls ten seconds of it twice at
// the same time.
func TestCheck22TwoViewersAndASnapshot(t *testing.T) {
	const seconds, fps, width, height = 10, 15, 1280, 720
	t.Parallel()
	d := startDemo(t, t.TempDir())
	h := d.server(t, "camera")
	paired := pair(t, h)
	c := session(t, h, paired)
	status, raw := c.ask(t, http.MethodPost, hap.PathResource,
		fmt.Sprintf(`{"image-width":%d,"image-height":%d,"resource-type":"image"}`, width, height))
	if status != http.StatusOK {
		t.Fatalf("the snapshot: %d %s", status, raw)
	}
	picture, err := jpeg.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("the snapshot (%d bytes): %v", len(raw), err)
	}
	if b := picture.Bounds(); b.Dx() != width || b.Dy() != height {
		t.Errorf("the snapshot has %d × %d pixels", b.Dx(), b.Dy())
	}
	views := []*view{watch(t, paired)}
	views[0].begins(t)
	views = append(views, watch(t, paired)) // it looks for a stream that is free
	views[1].begins(t)
	<-time.After(time.Second) // the pictures since the last key frame come first, faster than live
	from := []int64{views[0].frames.Load(), views[1].frames.Load()}
	<-time.After(seconds * time.Second)
	for i, v := range views {
		got := v.frames.Load() - from[i]
		t.Logf("viewer %d: %d of %d pictures, %d kB", i, got, seconds*fps, v.octets.Load()/1000)
		if got*100 < seconds*fps*90 || got*100 > seconds*fps*110 {
			t.Errorf("viewer %d: %d pictures came in %d s, want %d", i, got, seconds, seconds*fps)
		}
	}
}

// TestCheck22PicturesThroughTheBridge asks for the picture of a camera among others.
func TestCheck22PicturesThroughTheBridge(t *testing.T) {
	d := startDemo(t, t.TempDir())
	p := startPeers(t).phone(t, d.server(t, "bridge"), nil)
	p.pair(t, 0)
	var home struct {
		Accessories []thing `json:"accessories"`
	}
	p.must(t, &home, "getAccessories")
	garden := uint64(0)
	for _, a := range home.Accessories {
		for _, s := range a.Services {
			if strings.HasPrefix(s.Type, "00000110-") { // it writes types in full
				garden = a.AID
			}
		}
	}
	var picture string
	snap := func(width, height int) time.Duration {
		asked := time.Now()
		p.must(t, &picture, "getImage", width, height, garden)
		return time.Since(asked)
	}
	took := min(snap(320, 180), snap(640, 360)) // each size is a picture of its own
	again := min(snap(640, 360), snap(640, 360))
	t.Logf("a picture took %v, the next %v", took, again)
	if took > 2*time.Second || again > 150*time.Millisecond {
		t.Errorf("a picture took %v, want 2 s, and the next %v, want 150 ms", took, again)
	}
	raw, err := hex.DecodeString(picture)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := jpeg.Decode(bytes.NewReader(raw)); err != nil || m.Bounds().Dx() != 640 {
		t.Errorf("the Garden's picture of %d bytes: %v", len(raw), err)
	}
	if r := p.try(t, "getImage", 640, 360, 999); r.Status != http.StatusNotFound || !strings.Contains(string(r.Body), "-70409") {
		t.Errorf("a picture of nothing: %d %s, want 404 and -70409", r.Status, r.Body)
	}
}

// TestCheck22AVanishedViewer begins all four streams and shows no sign of life. A fifth viewer finds them
// busy, until the hub has noticed.
func TestCheck22AVanishedViewer(t *testing.T) {
	t.Parallel()
	d := startDemo(t, t.TempDir())
	paired := pair(t, d.server(t, "camera"))
	client, err := hap.Dial(paired.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	endpoint := func(ssrc uint32) *srtp.Session {
		_, port, _ := net.SplitHostPort(freePort(t))
		n, _ := strconv.Atoi(port)
		return &srtp.Session{Local: &srtp.Endpoint{Addr: "127.0.0.1", Port: uint16(n), SSRC: ssrc,
			MasterKey: []byte(core.RandString(16, 0)), MasterSalt: []byte(core.RandString(14, 0))}}
	}
	open := func() error {
		_, err := camera.NewStream(client,
			&camera.VideoCodecConfiguration{
				CodecParams: []camera.VideoCodecParameters{{ProfileID: []byte{1}, Level: []byte{0}}},
				VideoAttrs:  []camera.VideoCodecAttributes{{Width: 1280, Height: 720, Framerate: 15}},
			},
			&camera.AudioCodecConfiguration{CodecType: 3, CodecParams: []camera.AudioCodecParameters{{Channels: 1, SampleRate: []byte{1}, RTPTime: []byte{20}}}},
			endpoint(11), endpoint(12), 0)
		return err
	}
	for range 4 {
		if err := open(); err != nil {
			t.Fatalf("a free stream: %v", err)
		}
	}
	since := time.Now()
	if err := open(); err == nil || !strings.Contains(err.Error(), "no free streams") {
		t.Errorf("a fifth viewer: %v, want no free stream", err)
	}
	c := session(t, d.server(t, "camera"), paired)
	endpoints := every(c.things(t), "110", camera.TypeSetupEndpoints)[0]
	c.put(t, `{"aid":%d,"iid":%d,"value":%q}`, endpoints.aid, endpoints.iid, setupEndpoints(t))
	_, r, _ := c.read(t, id(endpoints))
	var res camera.SetupEndpointsResponse
	if err := tlv8.UnmarshalBase64(r.Characteristics[0].Value, &res); err != nil || res.Status != 1 {
		t.Errorf("a fifth viewer that sets endpoints up reads status %d, %v; want 1, busy", res.Status, err)
	}
	until(t, 15*time.Second, "the streams of who vanished are free", func() bool { return open() == nil })
	if took := time.Since(since); took > 10*time.Second {
		t.Errorf("the streams were free after %v", took)
	} else {
		t.Logf("a stream was free after %v", took)
	}
}

// setupEndpoints asks for a stream.
func setupEndpoints(t *testing.T) string {
	t.Helper()
	text, _ := setupWithKeys(t)
	return text
}

func setupWithKeys(t *testing.T) (string, camera.SetupEndpointsRequest) {
	t.Helper()
	suite := camera.SRTPCryptoSuite{MasterKey: core.RandString(16, 0), MasterSalt: core.RandString(14, 0)}
	r := camera.SetupEndpointsRequest{
		SessionID: core.RandString(16, 0), VideoCrypto: suite, AudioCrypto: suite,
		Address: camera.Address{IPAddr: "127.0.0.1", VideoRTPPort: 40000, AudioRTPPort: 40001},
	}
	text, err := tlv8.MarshalBase64(r)
	if err != nil {
		t.Fatal(err)
	}
	return text, r
}

// TestCameraKeysAreApart has two controllers set streams up in turns: each reads its own session, keys and
// numbers, whichever wrote last, on the seat that is its own and on the one that is taken.
func TestCameraKeysAreApart(t *testing.T) {
	t.Parallel()
	d := startDemo(t, t.TempDir())
	h := d.server(t, "camera")
	paired := pair(t, h)
	one, other := session(t, h, paired), session(t, h, paired)
	seats := every(one.things(t), "110", camera.TypeSetupEndpoints)
	if len(seats) != 4 {
		t.Fatalf("%d stream services", len(seats))
	}
	_, all := one.ask(t, http.MethodGet, hap.PathAccessories, "")
	t.Logf("the camera's database has %d bytes", len(all))
	write := func(c *controller, seat int) camera.SetupEndpointsRequest {
		text, r := setupWithKeys(t)
		c.put(t, `{"aid":%d,"iid":%d,"value":%q}`, seats[seat].aid, seats[seat].iid, text)
		return r
	}
	read := func(c *controller, seat int) (res camera.SetupEndpointsResponse) {
		_, r, _ := c.read(t, id(seats[seat]))
		text, _ := r.Characteristics[0].Value.(string)
		if err := tlv8.UnmarshalBase64(text, &res); err != nil {
			t.Fatal(err)
		}
		return res
	}
	mine, theirs := write(one, 0), write(other, 1)
	late := write(other, 0)
	a, b, c := read(one, 0), read(other, 1), read(other, 0)
	for _, x := range []struct {
		asked    camera.SetupEndpointsRequest
		answered camera.SetupEndpointsResponse
	}{{mine, a}, {theirs, b}} {
		if x.answered.SessionID != x.asked.SessionID || x.answered.VideoCrypto != x.asked.VideoCrypto || x.answered.AudioCrypto != x.asked.AudioCrypto || x.answered.Status != 0 {
			t.Errorf("asked %+v, answered %+v", x.asked, x.answered)
		}
	}
	if a.VideoSSRC == b.VideoSSRC || a.Address.VideoRTPPort == b.Address.VideoRTPPort || a.VideoSSRC == a.AudioSSRC {
		t.Errorf("the streams are not apart: %+v and %+v", a, b)
	}
	if c.SessionID != late.SessionID || c.Status != 1 || c.VideoCrypto.MasterKey != "" {
		t.Errorf("the seat that is taken answers %+v, want busy", c)
	}
}
