package e2e

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/core"
	"github.com/AlexxIT/go2rtc/pkg/hap"
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

// TestTheCameraIsSeen pulls ten seconds of the porch camera through HomeKit with go2rtc, and a picture.
func TestTheCameraIsSeen(t *testing.T) {
	const seconds, fps, width, height = 10, 15, 1280, 720
	d := startDemo(t, t.TempDir())
	paired := pair(t, d.server(t, "camera"))
	status, raw := connect(t, paired).ask(t, http.MethodPost, hap.PathResource,
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

	stream, err := homekit.Dial(paired.URL(), srtp.NewServer(freePort(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Stop()
	media := stream.GetMedias()
	if len(media) == 0 {
		t.Fatal("go2rtc sees no stream")
	}
	track, err := stream.GetTrack(media[0], media[0].Codecs[0])
	if err != nil {
		t.Fatal(err)
	}
	var frames, bytesSeen atomic.Int64
	first := make(chan struct{}, 1)
	sender := core.NewSender(media[0], track.Codec)
	sender.Handler = func(p *rtp.Packet) {
		bytesSeen.Add(int64(len(p.Payload)))
		if p.Marker {
			frames.Add(1)
			select {
			case first <- struct{}{}:
			default:
			}
		}
	}
	sender.HandleRTP(track)
	asked := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- stream.Start() }()
	select {
	case <-first:
	case err := <-ended:
		t.Fatalf("the stream ended: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("no picture came")
	}
	t.Logf("first picture after %v", time.Since(asked))
	<-time.After(time.Second) // the pictures since the last key frame come first, faster than live
	from := frames.Load()
	<-time.After(seconds * time.Second)
	got := frames.Load() - from
	t.Logf("%d of %d pictures, %d kB", got, seconds*fps, bytesSeen.Load()/1000)
	if got*100 < seconds*fps*95 || got*100 > seconds*fps*105 {
		t.Errorf("%d pictures came in %d s, want %d", got, seconds, seconds*fps)
	}
}
