package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// insideEnv marks the process that runs in a network of its own.
const insideEnv = "INGLE_BENCH_INSIDE"

func inOwnNetwork() bool { return os.Getenv(insideEnv) != "" }

// againInOwnNetwork runs this program once more, with nothing but loopback around it: both servers
// announce themselves by multicast, and none of that shall leave the machine.
func againInOwnNetwork(ctx context.Context, args []string, out, log io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	flags := []string{"-n"}
	if os.Getuid() != 0 {
		flags = []string{"-r", "-n"}
	}
	script := `ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo && exec "$0" "$@"`
	flags = append(flags, "sh", "-c", script, self)
	cmd := exec.CommandContext(ctx, "unshare", append(flags, args...)...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdout, cmd.Stderr = out, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it has servers to end
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("in a network of its own: %w", err)
	}
	return nil
}
