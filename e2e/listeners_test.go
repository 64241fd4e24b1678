package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestListenersAreThoseOfTheTable asks the kernel where a hub listens, in each of its states, and holds that
// against docs/compliance/ixit/13-SoftServ.json.
func TestListenersAreThoseOfTheTable(t *testing.T) {
	watch, page := freeTCP(t), freeTCP(t)
	d := startHub(t, t.TempDir(), "serve", "--loopback", "--api", "127.0.0.1:0", "--homekit-port", "0",
		"--page", "127.0.0.1:"+page, "--watch-port", watch)
	known := map[string]string{"udp 5353": "mdns", "tcp " + page: "page", "tcp " + watch: "watch", "unix hub.sock": "socket"}
	_, api, err := net.SplitHostPort(strings.TrimPrefix(apiOf(t, d), "https://"))
	if err != nil {
		t.Fatal(err)
	}
	known["tcp "+api] = "api"
	is := func(state string, want ...string) {
		t.Helper()
		slices.Sort(want)
		var got []string
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-tick.C {
			if got = listening(t, d.cmd.Process.Pid, known); slices.Equal(got, want) {
				return
			}
		}
		t.Errorf("%s: it listens as %q, want %q", state, got, want)
	}
	is("unclaimed", "api", "mdns", "socket")

	d.run(t, "quiet otters paint seven lanterns\n", "setup", "--password-stdin", "--json")
	for _, h := range d.now(t).HomeKit {
		known["tcp "+strconv.Itoa(h.Port)] = "homekit"
	}
	is("open", "api", "homekit", "mdns", "socket")

	d.run(t, "", "add", "setracker", "--name", "Watch", "--address", "1234567890")
	is("with a watch", "api", "homekit", "mdns", "socket", "watch")

	d.run(t, "", "page", "on")
	is("with the page", "api", "homekit", "mdns", "page", "socket", "watch")
	d.run(t, "", "page", "off")
	is("without it", "api", "homekit", "mdns", "socket", "watch")

	var table struct{ Rows []struct{ Name string } }
	raw, err := os.ReadFile("../docs/compliance/ixit/13-SoftServ.json")
	if err == nil {
		err = json.Unmarshal(raw, &table)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range known {
		if !slices.ContainsFunc(table.Rows, func(r struct{ Name string }) bool { return r.Name == name }) {
			t.Errorf("the table does not have %s", name)
		}
	}
}

// apiOf is where a hub's API is.
func apiOf(t *testing.T, d *demo) string {
	t.Helper()
	var status struct{ API string }
	if err := json.Unmarshal([]byte(d.run(t, "", "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	return status.API
}

func freeTCP(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

// listening names where a process listens, sorted; what is not known shows as the kernel has it.
func listening(t *testing.T, pid int, known map[string]string) []string {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	sockets := map[string]bool{}
	fds, err := filepath.Glob(filepath.Join(proc, "fd", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			sockets[strings.Trim(to, "socket:[]")] = true
		}
	}
	var list []string
	note := func(what string) {
		if name, ok := known[what]; ok {
			what = name
		}
		if !slices.Contains(list, what) {
			list = append(list, what)
		}
	}
	for _, kind := range []string{"tcp", "tcp6", "udp", "udp6"} {
		for _, f := range lines(t, filepath.Join(proc, "net", kind)) {
			const listens, unconnected = "0A", "07"
			if len(f) > 9 && sockets[f[9]] && (f[3] == listens || f[3] == unconnected) {
				note(fmt.Sprintf("%s %d", strings.TrimSuffix(kind, "6"), port(t, f[1])))
			}
		}
	}
	for _, f := range lines(t, filepath.Join(proc, "net", "unix")) {
		const accepts = "00010000"
		if len(f) > 7 && sockets[f[6]] && f[3] == accepts {
			note("unix " + filepath.Base(f[7]))
		}
	}
	slices.Sort(list)
	return list
}

// lines are the rows of a table of the kernel's, without its head.
func lines(t *testing.T, file string) [][]string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list [][]string
	for _, line := range strings.Split(string(raw), "\n")[1:] {
		list = append(list, strings.Fields(line))
	}
	return list
}

// port reads the port of "0100007F:1F90".
func port(t *testing.T, address string) uint16 {
	t.Helper()
	n, err := strconv.ParseUint(address[strings.LastIndex(address, ":")+1:], 16, 16)
	if err != nil {
		t.Fatalf("%q is no address: %v", address, err)
	}
	return uint16(n)
}
