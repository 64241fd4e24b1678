//go:build linux

// Command egress runs a command in a network of its own, and counts what would have left the home.
//
//	egress COMMAND [ARGUMENT...]
//
// The network has loopback, which carries multicasts, and one line to a world that swallows everything:
// 192.0.2.53 is the only name server there. Before the command runs, the counters are tried: a datagram to
// the internet by each version of IP and a question for a name have to be seen, or nothing is proven.
//
// A packet to an address that no home network has counts as outside, one to port 53 anywhere as a look-up; both
// are printed on stderr at the end, with the first destinations. The exit status is the command's; where that is 0
// and something left, it is 1. 2 means that the network could not be made or the counters saw nothing.
//
// What a command has another program do for it, over a socket that is a file, is not seen: the resolvers of
// the system are hidden from it for that reason.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// insideEnv marks the process that runs in the new network.
const insideEnv = "INGLE_EGRESS_INSIDE"

// unproven is the exit status where nothing can be said.
const unproven = 2

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: egress COMMAND [ARGUMENT...]")
		os.Exit(unproven)
	}
	run := outside
	if os.Getenv(insideEnv) != "" {
		run = inside
	}
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "egress:", err)
	}
	os.Exit(status)
}

// outside starts this program once more, in namespaces of its own. Without being root that takes a user
// namespace too.
func outside(args []string) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return unproven, err
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	return attend(cmd)
}

// inside makes the network, tries the counter and runs the command.
func inside(args []string) (int, error) {
	if err := os.Unsetenv(insideEnv); err != nil {
		return unproven, err
	}
	if err := build(); err != nil {
		return unproven, fmt.Errorf("no network of its own: %w", err)
	}
	tried, err := open(line)
	if err != nil {
		return unproven, err
	}
	if err := try(tried); err != nil {
		return unproven, err
	}
	counter, err := open(line)
	if err != nil {
		return unproven, err
	}
	status, err := attend(exec.Command(args[0], args[1:]...))
	left := counter.close()
	fmt.Fprintln(os.Stderr, "egress:", left)
	if status == 0 && left.any() {
		status = 1
	}
	return status, err
}

// attend runs a command to its end and passes on what this process is told by signals.
func attend(cmd *exec.Cmd) (int, error) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return unproven, err
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, os.Interrupt)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-told:
			_ = cmd.Process.Signal(s) // it may have ended just now
		case err := <-ended:
			signal.Stop(told)
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return max(exit.ExitCode(), 1), nil // -1: ended by a signal
			}
			return cmd.ProcessState.ExitCode(), err
		}
	}
}
