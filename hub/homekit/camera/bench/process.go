package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// patience is how long anything may take that a program is asked for.
const patience = 30 * time.Second

// process is a program that was started.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
	said  bytes.Buffer // its log, to be read when it has ended
	ended chan struct{}
}

// launch starts a program.
func launch(ctx context.Context, dir, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, name, args...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stderr = dir, &p.said
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, written, err := os.Pipe() // one of its own, so that Wait does not close it before it is read
	if err != nil {
		return nil, err
	}
	p.lines, p.cmd.Stdout = bufio.NewReader(out), written
	if err := errors.Join(p.cmd.Start(), written.Close()); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	go func() { // stop waits for it
		defer close(p.ended)
		defer out.Close()
		_ = p.cmd.Wait() // how a program ends is not measured
	}()
	return p, nil
}

// self starts this program as one of its parts, and reads its ready line.
func self(ctx context.Context, ready any, args ...string) (*process, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := launch(ctx, "", path, args...)
	if err != nil {
		return nil, err
	}
	if err := p.hear(ready); err != nil {
		err = errors.Join(err, p.stop())
		return nil, fmt.Errorf("it does not start: %w\nits log:\n%s", err, &p.said)
	}
	return p, nil
}

// hear reads a line of JSON that the program prints.
func (p *process) hear(into any) error {
	line, err := p.lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}

// ask has one of our own programs print a line.
func (p *process) ask(into any) error {
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		return err
	}
	return p.hear(into)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the program, by force if it does not want to, and gives an error with its log then.
func (p *process) stop() error {
	_ = p.in.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error means that it is gone
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return fmt.Errorf("%s does not end; its log:\n%s", p.cmd.Path, &p.said)
}
