package boot_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vault/boot"
)

// apartFrom says that this process has mounts of its own.
const apartFrom = "INGLE_TEST_MOUNTS"

// TestDisks asks real file systems on real devices where a key lies. What it
// mounts nobody else sees, and it is gone with the process.
func TestDisks(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting disks needs root")
	}
	if os.Getenv(apartFrom) == "" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDisks$", "-test.v")
		again.Env = append(os.Environ(), apartFrom+"=1")
		again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		out, err := again.CombinedOutput()
		if errors.Is(err, syscall.EPERM) {
			t.Skipf("this root may not mount: %v", err)
		}
		t.Logf("%s", out)
		must(t, err)
		return
	}
	if boot.DiskOf(t.TempDir()) == "" {
		t.Skip("the folder for tests lies on no disk that the kernel names")
	}
	t.Run("another disk", testAnotherDisk)
	t.Run("a disk that has gone", testGoneDisk)
	t.Run("a disk in a file", testImage)
	t.Run("two partitions", testPartitions)
}

func run(t *testing.T, words ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Skipf("%v: %v: %s", words, err, out)
	}
	return string(bytes.TrimSpace(out))
}

// mount mounts what it is told to at a new folder, until the test ends.
func mount(t *testing.T, words ...string) string {
	t.Helper()
	at := t.TempDir()
	mountAt(t, at, words...)
	return at
}

func mountAt(t *testing.T, at string, words ...string) {
	t.Helper()
	run(t, append(append([]string{"mount"}, words...), at)...)
	t.Cleanup(func() { _ = syscall.Unmount(at, 0) }) // the test may have done it
}

// memoryDisk is a disk of its own, though only in memory: a device that Linux
// makes at a word.
func memoryDisk(t *testing.T) (device string) {
	t.Helper()
	const control = "/sys/class/zram-control/"
	raw, err := os.ReadFile(control + "hot_add")
	if err != nil {
		t.Skipf("the kernel makes no disks in memory: %v", err)
	}
	n := strings.TrimSpace(string(raw))
	t.Cleanup(func() { must(t, os.WriteFile(control+"hot_remove", []byte(n), 0)) })
	must(t, os.WriteFile("/sys/block/zram"+n+"/disksize", []byte("32M"), 0))
	device = "/dev/zram" + n
	run(t, "mkfs.ext4", "-q", device)
	return device
}

func levels(t *testing.T, cases map[[2]string]boot.Level) {
	t.Helper()
	for c, want := range cases {
		for _, name := range []string{"", "#0123456789abcdef"} {
			if got := boot.LevelOf(c[0], "boot-keyfile", filepath.Join(c[1], "ingle.key")+name); got != want {
				t.Errorf("a hub in %s, its key %s in %s: %s, want %s", c[0], name, c[1], got, want)
			}
		}
	}
}

func testAnotherDisk(t *testing.T) {
	here, stick := t.TempDir(), mount(t, memoryDisk(t))
	for _, name := range []string{"hub", "keys"} {
		must(t, os.Mkdir(filepath.Join(stick, name), 0o700))
	}
	same := mount(t, "--bind", filepath.Join(stick, "keys"))
	link := filepath.Join(here, "link")
	must(t, os.Symlink(stick, link))
	levels(t, map[[2]string]boot.Level{
		{here, stick}:                       boot.Medium,
		{stick, here}:                       boot.Medium,
		{here, same}:                        boot.Medium,
		{here, link}:                        boot.Medium,
		{here, here}:                        boot.SameDisk,
		{stick, filepath.Join(stick, "k")}:  boot.SameDisk,
		{filepath.Join(stick, "hub"), same}: boot.SameDisk,
		{stick, link}:                       boot.SameDisk,
	})

	// What looks like a key there but is a link back lies here.
	back := filepath.Join(here, "real.key")
	_, err := boot.KeyFile(back).Make(t.Context())
	must(t, err)
	must(t, os.Symlink(back, filepath.Join(stick, "ingle.key")))
	levels(t, map[[2]string]boot.Level{{here, stick}: boot.SameDisk})
	must(t, os.Remove(back)) // a link to nowhere cannot be told
	levels(t, map[[2]string]boot.Level{{here, stick}: boot.SameDisk})
}

// A stick that is pulled out keeps the hub locked, not the household out; put in
// again, it opens.
func testGoneDisk(t *testing.T) {
	dir, device := t.TempDir(), memoryDisk(t)
	stick := mount(t, device)
	b := boot.KeyFile(filepath.Join(stick, "ingle.key"))
	v, _, err := vault.Create(dir, password)
	must(t, err)
	want, find := v.Key("x"), boot.Finder(dir)
	must(t, v.SetBoot(t.Context(), b, find))
	opens := func() error {
		v, err := vault.OpenBoot(t.Context(), dir, find)
		if err == nil && !bytes.Equal(v.Key("x"), want) {
			t.Error("it opens with another key")
		}
		return err
	}
	must(t, opens())
	must(t, syscall.Unmount(stick, 0))
	if err := opens(); !errors.Is(err, vault.ErrBoot) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), stick) {
		t.Errorf("without the stick: %v", err)
	}
	levels(t, map[[2]string]boot.Level{{dir, stick}: boot.SameDisk}) // nothing stands between any more
	if v, err := vault.Open(dir, password); err != nil || !bytes.Equal(v.Key("x"), want) {
		t.Errorf("the password without the stick: %v", err)
	}
	if entries, err := os.ReadDir(stick); err != nil || len(entries) > 0 {
		t.Errorf("in the stick's place: %v, %v", entries, err)
	}
	mountAt(t, stick, device)
	must(t, opens())
	levels(t, map[[2]string]boot.Level{{dir, stick}: boot.Medium})
}

func image(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.img")
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, os.Truncate(path, 16<<20))
	return path
}

// A file system in a file is on the disk with the file.
func testImage(t *testing.T) {
	here, file := t.TempDir(), image(t)
	run(t, "mkfs.ext4", "-q", "-F", file)
	inside := mount(t, "-o", "loop", file)
	levels(t, map[[2]string]boot.Level{{here, inside}: boot.SameDisk, {inside, here}: boot.SameDisk, {inside, inside}: boot.SameDisk})
	levels(t, map[[2]string]boot.Level{{mount(t, memoryDisk(t)), inside}: boot.Medium})
}

// Two partitions of a card go with the card.
func testPartitions(t *testing.T) {
	card := run(t, "losetup", "--find", "--show", "--partscan", image(t))
	t.Cleanup(func() { _ = exec.Command("losetup", "--detach", card).Run() })
	var parts [2]string
	for i := range parts {
		run(t, "addpart", card, fmt.Sprint(i+1), fmt.Sprint(2048+12288*i), "12288") // in sectors
		name := fmt.Sprintf("%sp%d", card, i+1)
		run(t, "mkfs.ext4", "-q", name)
		parts[i] = mount(t, name)
	}
	levels(t, map[[2]string]boot.Level{{parts[0], parts[1]}: boot.SameDisk, {parts[0], parts[0]}: boot.SameDisk})
	levels(t, map[[2]string]boot.Level{{mount(t, memoryDisk(t)), parts[1]}: boot.Medium})
}
