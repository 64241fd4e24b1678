package export_test

import (
	"cmp"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	envRows = "INGLE_EXPORT_ROWS" // how many readings; the default is quick, a million is what a home may have
	envLean = "INGLE_TEST_LEAN"   // in the child

	fewRows  = 100_000
	mostMore = 40 // MB that an export may take beside what the hub takes anyway, whatever the number
)

// What a home has seen in months is exported by a machine that could not hold it in its memory.
func TestLean(t *testing.T) {
	if racing() {
		t.Skip("the race detector takes memory of its own")
	}
	if os.Getenv(envLean) == "" {
		c, said := child(t, envLean+"=1", "GOGC=20")
		if err := c.Run(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		t.Log(said)
		return
	}
	rows, err := strconv.Atoi(cmp.Or(os.Getenv(envRows), strconv.Itoa(fewRows)))
	must(t, err)
	h := newHouse(t)
	for i := range rows {
		r := trait.Heart.Of(60+i%50, h.at.Add(time.Duration(i)*time.Second))
		if i%4 == 0 {
			r = trait.Where.Of(trait.Place{Lat: 52 + float64(i)/1e7, Lon: 13.4, Accuracy: 12, Fixed: true}, r.At)
		}
		must(t, h.readings.Keep(t.Context(), h.has.Accessories[i%2], r))
	}
	must(t, h.readings.Store.Flush(t.Context()))
	debug.FreeOSMemory()
	must(t, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)) // the peak begins here
	before, began := memory(t, "VmRSS:"), time.Now()
	e, err := h.Make(t.Context(), wire.ExportRequest{Path: h.out})
	must(t, err)
	more := memory(t, "VmHWM:") - before
	fmt.Printf("%d readings, %d bytes, %v, %d MB before, %d MB more\n", e.Readings, e.Size, time.Since(began).Round(time.Millisecond), before, more)
	if e.Readings != rows+13 || more > mostMore {
		t.Errorf("%d readings took %d MB more", e.Readings, more)
	}
}

// racing says whether the race detector is in this program.
func racing() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// memory is a line of proc_pid_status(5), in MB.
func memory(t *testing.T, line string) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	_, rest, _ := strings.Cut(string(status), line)
	_, err = fmt.Sscan(rest, &kB)
	must(t, err)
	return kB / 1024
}
