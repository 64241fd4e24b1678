package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// patience is how long anything may take that a server is asked for.
const patience = 30 * time.Second

// endurance is how long a server may take for very many requests: the machine may have other things to do.
const endurance = 10 * patience

// side is one of the two that are compared. Between its runs it keeps its store, and we our pairing.
type side struct {
	name    string
	command []string
	store   string
	log     io.Writer
	creds   haptest.Credentials

	ready struct { // what it printed
		Port int    `json:"port"`
		Code string `json:"setup_code"`
	}
	address string
	control string
	cmd     *exec.Cmd
	said    *bytes.Buffer // its log, to be read when it has ended
	ended   chan error
}

// start runs the server and returns how long it took from there to the port that accepts.
func (s *side) start(ctx context.Context) (time.Duration, error) {
	control, err := freeAddress(ctx)
	if err != nil {
		return 0, err
	}
	args := append(s.command[1:], "-port", "0", "-accessories", "149", "-ctl", control, "-store", s.store)
	s.control = control
	s.cmd = exec.CommandContext(ctx, s.command[0], args...)
	s.said = &bytes.Buffer{}
	s.cmd.Stderr = s.said
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		return 0, err
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.ready)
	}
	if err == nil {
		s.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.ready.Port))
		err = accepts(ctx, s.address)
	}
	took := time.Since(begun)
	s.ended = make(chan error, 1)
	go func() { // stop waits for it
		_, _ = io.Copy(io.Discard, lines) // Wait closes the pipe, and nothing more is expected in it
		s.ended <- s.cmd.Wait()
	}()
	if err != nil {
		return 0, errors.Join(fmt.Errorf("it does not start: %w", err), s.stop())
	}
	return took, nil
}

func accepts(ctx context.Context, address string) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return c.Close()
}

// freeAddress is a loopback port that nobody has at the moment.
func freeAddress(ctx context.Context) (string, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// stop ends the server, by force if it does not want to.
func (s *side) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // an error means that it is gone
	select {
	case <-s.ended: // how a server ends is not measured
		return nil
	case <-time.After(patience):
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	return errors.New("it does not end")
}

// blame says what a side was doing when something went wrong, and what it said itself.
func (s *side) blame(doing string, err error) error {
	if err == nil {
		return nil
	}
	if s.said != nil && s.said.Len() > 0 {
		err = fmt.Errorf("%w\nits log:\n%s", err, s.said)
	}
	return fmt.Errorf("%s: %s: %w", s.name, doing, err)
}

// ask uses the control endpoint.
func (s *side) ask(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.control+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, answer.Status)
	}
	return nil
}

// together has this program and the server share one processor until the returned function is
// called. The time of one request then does not depend on whether the other processor was asleep.
func (s *side) together() (apart func() error, err error) {
	var everywhere unix.CPUSet
	if err := unix.SchedGetaffinity(0, &everywhere); err != nil {
		return nil, err
	}
	var one unix.CPUSet
	for cpu := range len(everywhere) * 64 {
		if everywhere.IsSet(cpu) {
			one.Zero()
			one.Set(cpu) // the last of them: the first one often serves the interrupts
		}
	}
	pids := []int{os.Getpid(), s.cmd.Process.Pid}
	place := func(where *unix.CPUSet) error {
		for _, pid := range pids {
			if err := placeThreads(pid, where); err != nil {
				return err
			}
		}
		return nil
	}
	return func() error { return place(&everywhere) }, place(&one)
}

func placeThreads(pid int, where *unix.CPUSet) error {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, where); err != nil && !errors.Is(err, unix.ESRCH) { // it has ended
			return err
		}
	}
	return nil
}
