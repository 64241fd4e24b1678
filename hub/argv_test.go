package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	onvif "github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// forms are the ways in which a secret could stand in a command line: as it is, in a URL, in base64 (with
// whatever before it) and in hexadecimal digits.
func forms(secret string) (all []string) {
	all = []string{secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret))}
	percent := ""
	for _, b := range []byte(secret) {
		percent += fmt.Sprintf("%%%02X", b)
	}
	all = append(all, percent, strings.ToLower(percent))
	for before, skip := range []int{0, 2, 3} { // digits that are not of the secret alone
		raw := append(make([]byte, before), secret...)
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, e.EncodeToString(raw)[skip:len(raw)*8/6])
		}
	}
	return all
}

// tells says in which form a text has a secret; "" is none.
func tells(text []byte, secret string) string {
	for _, form := range forms(secret) {
		if bytes.Contains(text, []byte(form)) {
			return form
		}
	}
	return ""
}

// glance is what everybody on the machine can see of a process.
type glance struct {
	pid                   int
	arguments, conditions []byte
}

// family is what is seen of a process and of all that it started, by proc_pid_stat(5). Who has gone
// meanwhile is left out; where conditions may not be read, there are none.
func family(t *testing.T, root int) (all []glance) {
	t.Helper()
	parent := map[int]int{}
	for _, path := range must[[]string](t)(filepath.Glob("/proc/[0-9]*/stat")) {
		raw, err := os.ReadFile(path)
		rest := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		if err != nil || len(rest) < 2 {
			continue
		}
		pid := must[int](t)(strconv.Atoi(filepath.Base(filepath.Dir(path))))
		parent[pid] = must[int](t)(strconv.Atoi(rest[1]))
	}
	for pid := range parent {
		for up := pid; up != 0; up = parent[up] {
			if up != root {
				continue
			}
			s := glance{pid: pid}
			s.arguments, _ = os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			s.conditions, _ = os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
			all = append(all, s)
			break
		}
	}
	return all
}

// A secret that a process gets by its arguments or its environment is found, in each form.
func TestASecretInArgumentsIsFound(t *testing.T) {
	t.Parallel()
	const secret = "porch+light/9 at 7%"
	token := base64.StdEncoding.EncodeToString([]byte("ingle:" + secret))
	for name, c := range map[string]struct{ argument, condition string }{
		"raw": {argument: secret}, "URL": {argument: "rtsp://ingle:" + url.PathEscape(secret) + "@127.0.0.1/live"},
		"userinfo": {argument: (&url.URL{Scheme: "rtsp", Host: "127.0.0.1", User: url.UserPassword("ingle", secret)}).String()},
		"Basic":    {argument: "Authorization: Basic " + token}, "environment": {condition: "CAMERA=" + secret},
	} {
		cmd := exec.Command("sh", "-c", "cat; exit", "camera", c.argument) // cat has only the environment
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), c.condition}
		hold := must[interface{ Close() error }](t)(cmd.StdinPipe())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		soon(t, name+" is found", func() bool {
			for _, s := range family(t, cmd.Process.Pid) {
				if tells(append(s.arguments, s.conditions...), secret) != "" {
					return true
				}
			}
			return false
		})
		_ = hold.Close()
		_ = cmd.Wait() // cat's end is no matter
	}
}

// While the hub records a camera, shows it live, takes stills and sends its sound, nobody on the machine
// sees the camera's password, or the household's, in what the hub and its programs were started with.
func TestNoPasswordInTheListOfProcesses(t *testing.T) {
	t.Parallel()
	const secret = "porch+light/9 at 7%"
	p, c := running(t, shortDir(t))
	_, id := lens(t, c, onvif.Options{ // a mere user cannot switch its sound to G.711
		User: "ingle", Password: secret, Level: "User", Sound: media.AAC, NoStill: true, NoEvents: true,
	})
	yes := true
	must[wire.Accessory](t)(c.SetCamera(t.Context(), id, wire.CameraRequest{Sound: &yes}))
	soon(t, "a picture", func() bool { return sees(t, c, id) == "a picture" })
	must[wire.ClipRule](t)(c.SetClipRule(t.Context(), id, wire.ClipRule{On: true, Sound: true}))
	soon(t, "a recorder", func() bool { return c.Record(t.Context(), id) == nil })
	busy(t, c, id)

	programs := map[string]bool{}
	t.Cleanup(func() { t.Logf("seen at work: %v", programs) })
	soon(t, "ffmpeg for live pictures, stills and sound", func() bool {
		for _, s := range family(t, p.cmd.Process.Pid) {
			for _, word := range []string{secret, password} {
				if form := tells(append(append(s.arguments, 0), s.conditions...), word); form != "" {
					t.Fatalf("process %d shows it as %q: %q", s.pid, form, s.arguments)
				}
			}
			if !bytes.Contains(s.conditions, []byte("PATH=")) {
				continue
			}
			for what, sign := range map[string]string{"live": "\x00mpjpeg\x00", "still": "\x00mjpeg\x00", "sound": "\x00aac\x00", "hub": "\x00serve\x00"} {
				programs[what] = programs[what] || bytes.Contains(s.arguments, []byte(sign))
			}
		}
		return programs["live"] && programs["still"] && programs["sound"] && len(must[[]wire.Clip](t)(c.Clips(t.Context(), id))) > 0
	})
	if strings.Contains(p.log.String(), secret) {
		t.Error("the log has it")
	}
}

// busy has a camera watched live, asked for stills of many sizes, and heard in HomeKit, until the test ends.
func busy(t *testing.T, c *client.Client, id string) {
	t.Helper()
	watching(t, c, id)
	phone, seat := hears(t, must[[]wire.HomeKit](t)(c.HomeKit(t.Context()))[0])
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{}, 2)
	again := func(every time.Duration, do func(n int)) {
		defer func() { done <- struct{}{} }()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			do(n)
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}
	go again(100*time.Millisecond, func(n int) { _, _ = c.Still(ctx, id, 320+n%100*2, 180) })
	go again(3*time.Second, func(n int) { seat.listen(t, phone, byte(n)) })
	t.Cleanup(func() { stop(); <-done; <-done })
}

// stand is a stream of a camera, as HomeKit numbers it.
type stand struct{ aid, endpoints, selected uint64 }

// hears pairs a HomeKit controller that finds the first stream of a camera.
func hears(t *testing.T, k wire.HomeKit) (*haptest.Client, stand) {
	t.Helper()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(k.Port))
	creds := must[haptest.Credentials](t)(haptest.Pair(t.Context(), address, k.SetupCode, haptest.Options{}))
	phone := must[*haptest.Client](t)(haptest.Open(t.Context(), address, creds))
	t.Cleanup(func() { _ = phone.Close() })
	var shown struct {
		Accessories []struct {
			AID      uint64
			Services []struct {
				Characteristics []struct {
					IID  uint64
					Type string
				}
			}
		}
	}
	_, raw, err := phone.Do(http.MethodGet, "/accessories", nil)
	if err == nil {
		err = json.Unmarshal(raw, &shown)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range shown.Accessories {
		for _, s := range a.Services {
			found := stand{aid: a.AID}
			for _, ch := range s.Characteristics {
				switch strings.TrimLeft(strings.TrimSuffix(ch.Type, "-0000-1000-8000-0026BB765291"), "0") {
				case "118":
					found.endpoints = ch.IID
				case "117":
					found.selected = ch.IID
				}
			}
			if found.endpoints != 0 && found.selected != 0 {
				return phone, found
			}
		}
	}
	t.Fatalf("HomeKit shows no camera: %s", raw)
	return nil, stand{}
}

// listen sets a stream with sound up and starts it, and ends it where it was. It sends no reports.
func (s stand) listen(t *testing.T, phone *haptest.Client, n byte) {
	f := func(typ byte, value ...byte) haptest.Field { return haptest.Field{Type: typ, Value: value} }
	keys := haptest.Pack(f(1, 0), f(2, bytes.Repeat([]byte{n}, 16)...), f(3, make([]byte, 14)...))
	id := f(1, bytes.Repeat([]byte{n}, 16)...)
	where := haptest.Pack(f(1, 0), f(2, []byte("127.0.0.1")...), f(3, 9, 0), f(4, 9, 0))
	video := haptest.Pack(f(1, 0), f(4, haptest.Pack(f(1, 99), f(2, 1, 2, 3, 4))...))
	voice := haptest.Pack(f(1, 1), f(2, 0), f(3, 1), f(4, 20))
	packets := haptest.Pack(f(1, 110), f(2, 5, 6, 7, 8), f(3, 24, 0), f(4, 0, 0, 0xa0, 0x40), f(6, 13))
	audio := haptest.Pack(f(1, 3), f(2, voice...), f(3, packets...), f(4, 0))
	end := haptest.Pack(f(1, haptest.Pack(f(1, bytes.Repeat([]byte{n - 1}, 16)...), f(2, 0))...))
	start := haptest.Pack(f(1, haptest.Pack(id, f(2, 1))...), f(2, video...), f(3, audio...))
	setup := haptest.Pack(id, f(3, where...), f(4, keys...), f(5, keys...))
	for _, w := range []struct {
		iid   uint64
		value []byte
	}{{s.selected, end}, {s.endpoints, setup}, {s.selected, start}} {
		body := fmt.Sprintf(`{"characteristics":[{"aid":%d,"iid":%d,"value":%q}]}`, s.aid, w.iid, base64.StdEncoding.EncodeToString(w.value))
		status, answer, err := phone.Do(http.MethodPut, "/characteristics", []byte(body))
		if t.Context().Err() == nil && (err != nil || status != http.StatusNoContent && n > 0) {
			t.Logf("stream %d: %d %s %v", n, status, answer, err)
		}
	}
}
