package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// envDisk marks the process of a test that has mounts of its own.
const envDisk = "INGLE_TEST_OWN_MOUNTS"

// TestOnASmallDisk runs the tests below in a process whose mounts nobody else sees: the disk is a
// tmpfs. Where the system allows no such process, it says so.
func TestOnASmallDisk(t *testing.T) {
	if os.Getenv(envDisk) != "" {
		t.Skip("this is the process with mounts of its own")
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSmallDisk", "-test.v", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), envDisk+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Skipf("a small disk needs root or user namespaces: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	switch {
	case strings.Contains(said.String(), noMounts):
		t.Skip(noMounts)
	case strings.Count(said.String(), "--- PASS: TestSmallDisk") != 5:
		t.Errorf("not all of it ran:\n%s", &said)
	}
	t.Logf("%s", &said)
}

const noMounts = "nothing may be mounted here"

// disk is a folder on a disk of its own.
func disk(t *testing.T, kib int) (dir string, resize func(kib int)) {
	t.Helper()
	if os.Getenv(envDisk) == "" {
		t.Skip("TestOnASmallDisk runs this in a process with mounts of its own")
	}
	dir = shortDir(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, size(kib)); err != nil {
		t.Skipf("%s: %v", noMounts, err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir, func(kib int) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, size(kib)); err != nil {
			t.Fatal(err)
		}
	}
}

func size(kib int) string { return fmt.Sprintf("size=%dk,mode=0700", kib) }

// TestSmallDiskCannotBeClaimed: a setup without room says so and leaves an unclaimed hub, which can be
// claimed as soon as there is room.
func TestSmallDiskCannotBeClaimed(t *testing.T) {
	dir, resize := disk(t, 4)
	_, c := running(t, dir)
	refused := 0
	for kib := 4; ; kib *= 2 {
		resize(kib)
		cmd := exec.CommandContext(t.Context(), "hub", "setup", "--data", dir, "--password-stdin", "--json")
		cmd.Stdin, cmd.Env = strings.NewReader(password), surroundings()
		var said bytes.Buffer
		cmd.Stderr = &said
		answer, err := cmd.Output()
		s := must[wire.Status](t)(c.Status(t.Context()))
		if err == nil {
			t.Logf("%d KiB are enough", kib)
			if s.State != wire.Open || !bytes.Contains(answer, []byte("recovery_code")) {
				t.Errorf("claimed it is %s and answers %s", s.State, answer)
			}
			break
		}
		refused++
		if cmd.ProcessState.ExitCode() != 1 || said.String() != "The disk is full. Free some space, then try again; nothing that was stored is lost.\n" {
			t.Errorf("with %d KiB setup ends with %d and says %q", kib, cmd.ProcessState.ExitCode(), said.String())
		}
		if s.State != wire.Unclaimed || kib > 1<<16 {
			t.Fatalf("after a refused setup with %d KiB it is %s", kib, s.State)
		}
	}
	if refused < 2 {
		t.Errorf("only %d disks were too small", refused)
	}
}

// TestSmallDiskIsFullForAll: that the disk refused what one person asked for is told to everybody.
func TestSmallDiskIsFullForAll(t *testing.T) {
	dir, _ := disk(t, 8<<10)
	hub, c := running(t, dir)
	if _, err := c.Setup(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	free := fill(t, dir)
	var err error
	for i := 0; err == nil && i < 500; i++ { // what room the files themselves have left is used up first
		_, err = c.AddPerson(t.Context(), wire.Person{Name: "Robin " + strconv.Itoa(i)})
	}
	if wire.Code(err) != "hub.full" {
		t.Fatalf("the disk never became full: %v", err)
	}
	full := func() bool { return strings.Contains(status(t, dir), "The disk is full: nothing new is stored.") }
	if !full() {
		t.Error("only the one who asked knows")
	}
	free()
	soon(t, "the trouble is over", func() bool { return !full() })
	if err := hub.stop(); err != nil {
		t.Error(err)
	}
}

// TestSmallDiskLosesNoAlarm: what cannot be stored is not acknowledged, people are told, and when
// there is room again every alarm is there, once.
func TestSmallDiskLosesNoAlarm(t *testing.T) {
	dir, _ := disk(t, 8<<10)
	port, address := door(t)
	hub, c := running(t, dir, "--watch-port", port)
	if _, err := c.Setup(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: "Ada"}))
	watch := must[*setracker.Sim](t)(setracker.Start(setracker.Options{Hub: address, Repeat: 100 * time.Millisecond}))
	t.Cleanup(func() { _ = watch.Close() })
	must[wire.Accessory](t)(c.Add(t.Context(), wire.AddRequest{Name: "Band", Driver: "setracker", Address: watch.Address(), Person: "Ada"}))
	heard := listen(t, c)
	open := func() int { return watch.State().(setracker.State).Alarms }
	soon(t, "the watch calls", func() bool { return watch.State().(setracker.State).Connected })
	cry(t, watch, 0)
	soon(t, "the first alarm is acknowledged", func() bool { return open() == 0 })

	free := fill(t, dir)
	full := func() bool {
		return strings.Contains(status(t, dir), "The disk is full: nothing new is stored. Free some space.")
	}
	cries := 1
	for ; !full(); cries++ { // what room the files themselves have left is used up first
		if cries > 500 {
			t.Fatal("the disk never became full")
		}
		cry(t, watch, cries)
		soon(t, "the hub stores it or says that it cannot", func() bool { return open() == 0 || full() })
	}
	repeats := time.NewTicker(200 * time.Millisecond)
	defer repeats.Stop()
	for range 5 {
		<-repeats.C
		if open() == 0 {
			t.Fatal("an alarm was acknowledged that was not stored")
		}
	}
	if n := heard.Load(); n != int64(cries-1) {
		t.Errorf("%d alarms were heard of %d that were stored", n, cries-1)
	}
	if people := must[[]wire.Person](t)(c.People(t.Context())); len(people) != 1 {
		t.Errorf("on a full disk the people are %v", people)
	}

	free()
	soon(t, "the alarm is acknowledged", func() bool { return open() == 0 })
	soon(t, "the alarm is heard", func() bool { return heard.Load() == int64(cries) })
	soon(t, "the trouble is over", func() bool { return !full() })
	hub.kill()
	t.Logf("%d alarms, the last one on a full disk", cries)
	whole(t, dir, cries)
}

// TestSmallDiskKeepsNobodyOut: the right password, and the recovery code, open a locked hub from an app
// on a full disk and on one that may only be read, where no try can be counted; then the house says so.
func TestSmallDiskKeepsNobodyOut(t *testing.T) {
	dir, _ := disk(t, 8<<10)
	locked := func() *daemon {
		return must[*daemon](t)(newDaemon(settings{dir: dir, loopback: true, watchPort: -1}, "https://127.0.0.1:0"))
	}
	d := locked()
	code := must[wire.SetupAnswer](t)(d.Setup(t.Context(), wire.SetupRequest{Password: password, StartLocked: true})).RecoveryCode
	d.close()
	app := keys.From(t.Context(), "192.168.1.7")
	fill(t, dir)
	for _, trouble := range []string{codeFull, codeNoWrite} {
		if trouble == codeNoWrite {
			if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, size(8<<10)); err != nil {
				t.Fatal(err)
			}
		}
		for _, secret := range []string{password, code} {
			d := locked()
			guessing := keys.From(t.Context(), "192.168.1.8")
			var err error
			for tries := 0; wire.Code(err) != wire.CodeTooMany; tries++ { // on a slow machine a try outlasts the first waits
				if err = d.Unlock(guessing, wire.UnlockRequest{Password: "a stranger's guess"}); err == nil || tries > 9 {
					t.Fatalf("%s, guess %d: %v", trouble, tries, err)
				}
			}
			if err := d.Unlock(app, wire.UnlockRequest{Password: secret}); err != nil {
				t.Fatalf("%s: the hub stays locked: %v", trouble, err)
			}
			if !slices.ContainsFunc(d.inside().health.All(), func(h health.Trouble) bool { return h.Code == trouble }) {
				t.Errorf("%s: the house says %+v", trouble, d.inside().health.All())
			}
			d.close()
		}
	}
}

// cry has the watch call for help from a place and in a second of its own: alarms that are the same to
// the byte count as one, and so do those that carry the same time.
func cry(t *testing.T, watch *setracker.Sim, n int) {
	t.Helper()
	<-time.After(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	place := url.Values{"lat": {"48." + strconv.Itoa(1000+n)}, "lon": {"11.5"}}
	if err := errors.Join(watch.Do(t.Context(), "place", place), watch.Do(t.Context(), "sos", nil)); err != nil {
		t.Fatal(err)
	}
}

// listen counts the calls for help that an app is told of.
func listen(t *testing.T, c *client.Client) *atomic.Int64 {
	t.Helper()
	var heard atomic.Int64
	begun, ended := make(chan struct{}), make(chan struct{})
	first := sync.OnceFunc(func() { close(begun) }) // it follows a hub that starts anew
	ctx, end := context.WithCancel(context.Background())
	go func() {
		defer close(ended)
		_ = c.Events(ctx, func(e wire.Event) error {
			switch {
			case e.Snapshot != nil:
				first()
			case e.Change.Value != nil && e.Change.Value.Trait == "sos":
				heard.Add(1)
			}
			return nil
		}) // it ends with ctx or the hub
	}()
	t.Cleanup(func() { end(); <-ended })
	select {
	case <-begun:
	case <-time.After(patience):
		t.Fatal("no events came")
	}
	return &heard
}

// fill takes all room that the disk has; free gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	ballast := filepath.Join(dir, "ballast")
	f := must[*os.File](t)(os.Create(ballast))
	defer f.Close()
	for chunk := make([]byte, 4096); ; {
		if _, err := f.Write(chunk); err != nil {
			break // full
		}
	}
	return func() {
		t.Helper()
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
}

// status is what a person reads.
func status(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "hub", "status", "--data", dir)
	cmd.Env = surroundings()
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("hub status: %v", err)
	}
	return string(said)
}

// whole opens the store of a hub that was killed and looks for everything that was acknowledged.
func whole(t *testing.T, dir string, alarms int) {
	t.Helper()
	v := must[*vault.Vault](t)(vault.Open(dir, password))
	defer v.Close()
	store := must[*records.Store](t)(records.Open(dir, v, archive.Personal()...))
	defer store.Close()
	kept := must[[]records.Record](t)(store.List(t.Context(), "alarm"))
	if len(kept) != alarms {
		t.Errorf("%d alarms are stored, want %d", len(kept), alarms)
	}
	has, err := archive.Home{Store: store}.Load(t.Context())
	if err != nil || len(has.People) != 1 || len(has.Accessories) != 1 {
		t.Errorf("the home is %+v, %v", has, err)
	}
}
