package announce_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// insideEnv tells the test binary that it runs in the network namespace it asked for.
const insideEnv = "INGLE_TEST_NETWORK"

// TestMain lets more tests run at a time than there are processors: all they do is wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// inOwnNetwork runs a test in a network of its own: the test binary starts itself again there, so
// nothing leaves the machine and nothing on it is disturbed.
func inOwnNetwork(t *testing.T, tools []string, test func(*testing.T)) {
	t.Helper()
	if os.Getenv(insideEnv) != "" {
		test(t)
		return
	}
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can make a network namespace")
	}
	for _, tool := range append([]string{"unshare", "ip", "mount"}, tools...) {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "unshare", "-n", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine makes no namespaces: %v: %s", err, out)
	}
	again := exec.CommandContext(ctx, "unshare", "-n", "-m", "--", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), insideEnv+"=1")
	out, err := again.CombinedOutput()
	switch {
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("%s", out)
	case !bytes.Contains(out, []byte("--- PASS: "+t.Name())):
		t.Fatalf("the test did not run in its network:\n%s", out)
	}
	t.Logf("%s", out)
}

// cable gives the namespace one interface, "house". It is a pair of virtual Ethernets, since avahi
// does not look at loopback; what is sent comes out at "street".
func cable(t *testing.T) {
	t.Helper()
	run(t, "ip", "link", "set", "lo", "up")
	if out, err := exec.Command("ip", "link", "add", "house", "type", "veth", "peer", "name", "street").CombinedOutput(); err != nil {
		t.Skipf("this machine has no virtual Ethernet: %v: %s", err, out)
	}
	run(t, "ip", "address", "add", "192.0.2.1/24", "dev", "house")
	run(t, "ip", "link", "set", "house", "up")
	run(t, "ip", "link", "set", "street", "up")
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	limit := time.After(30 * time.Second)
	for !done() {
		select {
		case <-limit:
			t.Fatalf("not within 30 s: %s", what)
		case <-again.C:
		}
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// start runs a daemon until the end of the test, or until it is stopped.
func start(t *testing.T, name string, args ...string) (stop func()) {
	t.Helper()
	said := new(bytes.Buffer)
	daemon := exec.Command(name, args...)
	daemon.Stdout, daemon.Stderr = said, said
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		daemon.Process.Kill()
		daemon.Wait()
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, said)
		}
	})
	return stop
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
