package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ingle-home/ingle/internal/measure"
)

// running is a program, or several, that passes cameras on, and who watches them.
type running struct {
	programs []*process
	viewers  []*phone
	idle     float64 // resident memory before anybody watched, MB
}

func (r *running) pids() []int {
	var pids []int
	for _, p := range r.programs {
		pids = append(pids, p.pid())
	}
	return pids
}

func (r *running) stop() error {
	for _, v := range r.viewers {
		v.close()
	}
	var err error
	for _, p := range r.programs {
		err = errors.Join(err, p.stop())
	}
	return err
}

// blame adds what the programs said themselves, once they have ended.
func (r *running) blame(err error) error {
	err = errors.Join(err, r.stop())
	for _, p := range r.programs {
		if said := p.said.Bytes(); len(said) > 0 {
			err = fmt.Errorf("%w\nits log:\n%.2000s", err, said)
		}
	}
	return err
}

// start brings a side up for so many cameras, and waits until each is seen.
type start func(ctx context.Context, b *bench, addresses []string) (*running, error)

// startIngle serves all cameras from one process.
func startIngle(ctx context.Context, b *bench, addresses []string) (*running, error) {
	r := &running{}
	var servers []server
	args := []string{"-as=ingle", "-profile=" + b.profile}
	p, err := self(ctx, &servers, append(args, addresses...)...)
	if err != nil {
		return r, err
	}
	r.programs = append(r.programs, p)
	if r.idle, err = measure.Resident(r.pids()...); err != nil {
		return r, err
	}
	for _, s := range servers {
		if err := r.watch(ctx, s); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (r *running) watch(ctx context.Context, s server) error {
	p, err := watch(ctx, s)
	if err == nil {
		r.viewers = append(r.viewers, p)
	}
	return err
}

// startFFmpeg has one process for each camera, as it has to be.
func startFFmpeg(ctx context.Context, _ *bench, addresses []string) (*running, error) {
	r := &running{}
	for _, address := range addresses {
		in, err := newReceiver()
		if err != nil {
			return r, err
		}
		r.viewers = append(r.viewers, &phone{receiver: in})
		const ssrc = 4711
		secret := make([]byte, 30)
		rand.Read(secret)
		to := fmt.Sprintf("srtp://127.0.0.1:%d?rtcpport=%d&pkt_size=1378", in.port(), in.port())
		p, err := launch(ctx, "", "ffmpeg", "-v", "error", "-fflags", "nobuffer", "-flags", "low_delay", "-rtsp_transport", "tcp",
			"-i", withLogin(address), "-an", "-c:v", "copy", "-payload_type", strconv.Itoa(payloadType), "-ssrc", strconv.Itoa(ssrc),
			"-f", "rtp", "-srtp_out_suite", "AES_CM_128_HMAC_SHA1_80", "-srtp_out_params", base64.StdEncoding.EncodeToString(secret), to)
		if err != nil {
			return r, err
		}
		r.programs = append(r.programs, p)
		// It wants no answers to its reports: nothing listens at port 9.
		if err := in.receive(netip.MustParseAddrPort("127.0.0.1:9"), ssrc, secret, secret); err != nil {
			return r, err
		}
	}
	return r, nil
}

// withLogin is for programs that take name and password in no other way.
func withLogin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

// The HomeKit code of go2rtc's camera.
const (
	peerPIN  = "31415926"
	peerCode = "314-15-926"
)

// startGo2rtc has one process for each camera: on one port it tells its cameras apart by a header that
// only Apple's controllers send.
func startGo2rtc(ctx context.Context, b *bench, addresses []string) (*running, error) {
	r := &running{}
	for _, address := range addresses {
		api, err := freeAddress("tcp")
		if err != nil {
			return r, err
		}
		srtp, err := freeAddress("udp")
		if err != nil {
			return r, err
		}
		config := fmt.Sprintf("api: {listen: %q}\nrtsp: {listen: \"\"}\nsrtp: {listen: %q}\nwebrtc: {listen: \"\"}\nlog: {level: warn}\n"+
			"streams: {porch: %q}\nhomekit: {porch: {pin: %q, name: porch}}\n", api, srtp, withLogin(address), peerPIN)
		p, err := b.go2rtcWith(ctx, config, api)
		if err != nil {
			return r, err
		}
		r.programs = append(r.programs, p)
		if err := r.watch(ctx, server{Address: api, Code: peerCode}); err != nil {
			return r, err
		}
	}
	return r, nil
}

// go2rtcWith starts go2rtc with a configuration and waits until it is ready.
func (b *bench) go2rtcWith(ctx context.Context, config, api string) (*process, error) {
	dir, err := os.MkdirTemp(b.dir, "go2rtc-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "go2rtc.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	p, err := launch(ctx, dir, b.go2rtc, "-config", file)
	if err != nil {
		return nil, err
	}
	go drain(p)
	if err := knowsHomeKit(ctx, api); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// drain reads what a program prints that nobody asked for.
func drain(p *process) {
	buffer := make([]byte, 4096)
	for {
		if _, err := p.lines.Read(buffer); err != nil {
			return
		}
	}
}

// knowsHomeKit waits until go2rtc has read its HomeKit configuration; it listens before.
func knowsHomeKit(ctx context.Context, api string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, "GET", "http://"+api+"/api/homekit", nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("go2rtc is not ready: %w", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// freeAddress is a loopback port that nobody has at the moment.
func freeAddress(network string) (string, error) {
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		return c.LocalAddr().String(), c.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
