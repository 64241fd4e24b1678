package powercut

import (
	"bufio"
	"fmt"
	"syscall"
	"testing"
)

// A disk that fails while a start would finish a forgetting that was cut short keeps nobody
// out of the store; it is told, and finished once the disk works.
func TestBrokenDiskWithAHalfForgotten(t *testing.T) {
	h := newHouse(t)
	disk, dir := NewDisk(h.keys, false), t.TempDir()
	unmount, err := disk.Mount(dir)
	if err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	defer unmount()
	if err := h.start(t, "half-forget", dir).Run(); err == nil {
		t.Fatal("the control: it was not cut short")
	}
	disk.Break(syscall.EIO)
	again := h.start(t, "after-half", dir)
	in, err := again.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := again.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	said := func() string { lines.Scan(); return lines.Text() }
	if got := said(); got != "open, told: true" {
		t.Errorf("on a broken disk: %q", got)
	}
	disk.Break(0)
	fmt.Fprintln(in)
	if got := said(); got != "of 2 readings 1 is left" {
		t.Errorf("on one that works again: %q", got)
	}
	if err := again.Wait(); err != nil {
		t.Error(err)
	}
}
