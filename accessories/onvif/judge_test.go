package onvif_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/onvif/sim"
)

const judge = "testdata/judge"

// seen is what the judge saw.
type seen struct {
	Info, Seen       struct{ Manufacturer, Model string }
	Wrong, Forbidden string
	Level, Stream    string
	Picture          int
	Profiles         []struct{ Token, Encoding string }
	Sources, Before  int
	After            []string
	Shift            int // minutes
	Topic, Name      string
	Value            string
	Listening        bool
}

// npm's onvif, a client that is not ours, drives the simulated camera: it knows its clock, its
// profiles, its users and its events as the driver does.
func TestTheSimulatorIsACameraToOthers(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(judge + "/node_modules/onvif"); err != nil {
		t.Skip("npm's onvif is not installed here: run `npm ci` in accessories/onvif/testdata/judge, or `make test`")
	}
	for name, o := range map[string]sim.Options{
		"token": {}, "MD5": {Digest: "MD5"}, "SHA-256": {Digest: "SHA-256"}, "ten hours off": {Skew: 10 * time.Hour}, "old": {Capable: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := camera(t, o)
			host, port, err := net.SplitHostPort(c.Host())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, "node", "judge.js", host, port, "hub", "porch-light")
			cmd.Dir = judge
			var said bytes.Buffer
			cmd.Stderr = &said
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			next := func() (s seen) {
				if !lines.Scan() {
					_ = cmd.Wait()
					t.Fatalf("the judge says no more: %s", said.String())
				}
				if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
					t.Fatalf("%s: %v", lines.Text(), err)
				}
				return s
			}
			toured(t, next(), o)
			if !next().Listening {
				t.Fatal("the judge does not listen")
			}
			until(t, "the judge subscribes", func() bool { return state(c).Subscriptions == 1 })
			for _, step := range [][2]string{{"motion-on", "true"}, {"motion-off", "false"}} {
				do(t, c, step[0])
				if got := next(); !strings.HasSuffix(got.Topic, "CellMotionDetector/Motion") || got.Name != "IsMotion" || got.Value != step[1] {
					t.Errorf("%s: it heard %+v", step[0], got)
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("the judge: %v: %s", err, said.String())
			}
		})
	}
}

func toured(t *testing.T, s seen, o sim.Options) {
	t.Helper()
	if s.Info.Model != "Sim 1" || s.Seen.Manufacturer != "Ingle" || s.Wrong != "refused" || s.Forbidden != "refused" || s.Level != "User" {
		t.Errorf("users: %+v", s)
	}
	if len(s.Profiles) != 2 || s.Profiles[1].Token != "main" || s.Profiles[1].Encoding != "H264" || s.Sources != 1 {
		t.Errorf("profiles: %+v, %d sources", s.Profiles, s.Sources)
	}
	if !strings.HasPrefix(s.Stream, "rtsp://127.0.0.1:") || s.Picture != 401 {
		t.Errorf("stream %s, picture %d", s.Stream, s.Picture)
	}
	if s.Before != 1 || !slices.Equal(s.After, []string{"hub"}) {
		t.Errorf("users before %d, after %v", s.Before, s.After)
	}
	if want := int(o.Skew / time.Minute); s.Shift < want-1 || s.Shift > want+1 {
		t.Errorf("the clock is off by %d minutes", s.Shift)
	}
}
