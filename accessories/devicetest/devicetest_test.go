package devicetest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	blueprint "github.com/ingle-home/ingle/accessories/_blueprint"
	"github.com/ingle-home/ingle/accessories/_blueprint/sim"
	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/devicetest"
	"github.com/ingle-home/ingle/accessories/trait"
)

const password = "conformance-breeze"

func suite(d device.Driver) devicetest.Suite {
	return devicetest.Suite{
		Driver: d, Level: devicetest.Private, Command: trait.Speed.Set(50),
		Start: func(t *testing.T, _ *devicetest.World) device.Config {
			fan, err := sim.Start(sim.Options{Password: password})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = fan.Close() })
			return device.Config{
				Address: fan.Address(),
				Secret:  func(string) device.Secret { return device.NewSecret(password) },
			}
		},
	}
}

func TestAGoodDriverPasses(t *testing.T) {
	for _, f := range devicetest.Findings(t, suite(blueprint.New())) {
		t.Error(f)
	}
}

func TestEachFaultIsNamed(t *testing.T) {
	free := make(chan struct{}) // lets go what hangs, when the test is over
	t.Cleanup(func() { close(free) })
	for _, c := range slices.Concat(careless(free), deaf(free), mistaken()) {
		t.Run(c.name, func(t *testing.T) {
			if c.check != "goroutines" { // which sees those of its neighbours too
				t.Parallel()
			}
			c.driver.Driver = blueprint.New()
			found := devicetest.Findings(t, devicetest.Hasty(suite(c.driver)))
			if !slices.ContainsFunc(found, func(f devicetest.Finding) bool { return f.Check == c.check }) {
				t.Errorf("%s does not name it; found: %v", c.check, found)
			}
			for _, f := range found {
				if strings.Contains(f.What, password) {
					t.Errorf("the finding of %s shows the secret", f.Check)
				}
			}
		})
	}
}

func TestQualityIsHeldAgainstWhatWasSeen(t *testing.T) {
	raw, err := os.ReadFile("../_blueprint/quality.toml")
	if err != nil {
		t.Fatal(err)
	}
	quick := strings.ReplaceAll(string(raw), `"done"`, `"exempt: another test has it"`)
	for _, name := range []string{"evidence", "obeys"} {
		quick = strings.Replace(quick, name+` = "exempt: another test has it"`, name+` = "done"`, 1)
	}
	loud := faulty{Driver: blueprint.New(), evidence: func(device.Session, device.Config) ([]device.Evidence, error) {
		return []device.Evidence{{}}, nil
	}}
	silent := func(s devicetest.Suite) devicetest.Suite { s.Command = trait.Command{}; return s }
	same := func(s devicetest.Suite) devicetest.Suite { return s }
	for _, c := range []struct {
		name, from, to, want string
		suite                func(devicetest.Suite) devicetest.Suite
	}{
		{"done and failed", "", "", "evidence: ", same},
		{"exempt is not run", `evidence = "done"`, `evidence = "exempt: it cannot know"`, "", same},
		{"exempt without a reason is run", `evidence = "done"`, `evidence = "exempt: "`, "evidence: ", same},
		{"missing", `evidence = "done"`, "", "quality: evidence is missing", same},
		{"unknown", `evidence = "done"`, "evidence = \"exempt: it cannot know\"\nspeed = \"done\"", "quality: speed is not a check", same},
		{"another word", `evidence = "done"`, `evidence = "probably"`, "quality: evidence is neither", same},
		{"nothing to test", `evidence = "done"`, `evidence = "exempt: it cannot know"`, "quality: obeys is said to be done", silent},
		{"not TOML", `evidence = "done"`, `evidence`, "quality: toml", same},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "quality.toml")
			text := strings.Replace(quick, c.from, c.to, 1)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s := suite(loud)
			s.Quality = path
			found := devicetest.Findings(t, c.suite(s))
			all := fmt.Sprint(found)
			if c.want == "" && len(found) > 0 || !strings.Contains(all, c.want) {
				t.Errorf("found %s, want %q", all, c.want)
			}
		})
	}
}

func TestASessionOpenedByMistakeIsEnded(t *testing.T) {
	var opened, ended atomic.Int32
	d := faulty{Driver: blueprint.New(), run: func(s device.Session, ctx context.Context, report func(trait.Reading) error) error {
		defer ended.Add(1)
		return s.Run(ctx, report)
	}}
	d.Driver = counting{d.Driver, &opened}
	s := suite(d)
	s.Wrong = func(c device.Config) device.Config { return c } // right after all
	found := devicetest.Findings(t, s)
	if len(found) != 1 || found[0].Check != "refused" || opened.Load() != ended.Load() {
		t.Errorf("found %v; %d opened, %d ended", found, opened.Load(), ended.Load())
	}
}

// counting counts the sessions that were opened.
type counting struct {
	device.Driver
	opened *atomic.Int32
}

func (c counting) Open(ctx context.Context, config device.Config) (device.Session, error) {
	s, err := c.Driver.Open(ctx, config)
	if err == nil {
		c.opened.Add(1)
	}
	return s, err
}

func TestAtHome(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "localhost:1": true, "192.168.1.7:554": true, "10.0.0.2:1": true, "172.16.0.1:1": true,
		"169.254.3.4:1": true, "[::1]:1": true, "[fe80::1%eth0]:1": true, "[fd00::7]:1": true, "224.0.0.251:5353": true,
		"[::ffff:192.168.1.7]:1": true,
		"203.0.113.7:443":        false, "172.32.0.1:1": false, "[2001:db8::1]:1": false, "cloud.example:443": false,
		"0.0.0.0:1": false, "192.168.1.7": false, "": false, "[::ffff:203.0.113.7]:1": false, "localhost.example:1": false,
	} {
		if got := devicetest.AtHome(address); got != want {
			t.Errorf("%q at home: %v", address, got)
		}
	}
}
