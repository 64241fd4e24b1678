package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/upkeep"
	"github.com/ingle-home/ingle/i18n"
	"github.com/ingle-home/ingle/storage"
)

// pageSize is how SQLite divides the files of the store.
const pageSize = 4096

// flip changes one byte in the middle of a page.
func flip(t *testing.T, file string, page int) {
	t.Helper()
	f := must[*os.File](t)(os.OpenFile(file, os.O_RDWR, 0))
	defer f.Close()
	one := make([]byte, 1)
	at := int64(page*pageSize + pageSize/2)
	_, err := f.ReadAt(one, at)
	one[0] ^= 1
	if _, werr := f.WriteAt(one, at); err != nil || werr != nil {
		t.Fatal(err, werr)
	}
}

// databases are the bytes of the store's files.
func databases(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"core-*.db", "telemetry-*.db", "keys*.json"} {
		for _, file := range must[[]string](t)(filepath.Glob(filepath.Join(dir, pattern))) {
			all[filepath.Base(file)] = string(must[[]byte](t)(os.ReadFile(file)))
		}
	}
	return all
}

// equipment is a hub with a person who wears a watch, and a paired phone; it is left stopped.
type equipment struct {
	dir, port string
	watch     *setracker.Sim
	phone     haptest.Credentials
	bridge    wire.HomeKit
	backup    string
}

func equipped(t *testing.T, dir string) equipment {
	t.Helper()
	port, address := door(t)
	hub, c := running(t, dir, "--watch-port", port)
	if _, err := c.Setup(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: "Ada"}))
	f := equipment{dir: dir, port: port, backup: filepath.Join(t.TempDir(), "good.ingle-backup")}
	f.watch = must[*setracker.Sim](t)(setracker.Start(setracker.Options{Hub: address, Repeat: 100 * time.Millisecond}))
	t.Cleanup(func() { _ = f.watch.Close() })
	must[wire.Accessory](t)(c.Add(t.Context(), wire.AddRequest{Name: "Band", Driver: "setracker", Address: f.watch.Address(), Person: "Ada"}))
	f.connected(t)
	cry(t, f.watch, 0)
	soon(t, "the first alarm is acknowledged", func() bool { return f.open() == 0 })
	f.bridge = bridgeOf(t, c)
	f.phone = must[haptest.Credentials](t)(haptest.Pair(t.Context(), "127.0.0.1:"+strconv.Itoa(f.bridge.Port), f.bridge.SetupCode, haptest.Options{}))
	must[wire.Backup](t)(c.Backup(t.Context(), wire.BackupRequest{Path: f.backup}))
	f.bridge = bridgeOf(t, c)
	if err := hub.stop(); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f equipment) open() int { return f.watch.State().(setracker.State).Alarms }

func (f equipment) connected(t *testing.T) {
	t.Helper()
	soon(t, "the watch calls", func() bool { return f.watch.State().(setracker.State).Connected })
}

func bridgeOf(t *testing.T, c *client.Client) wire.HomeKit {
	t.Helper()
	s := must[wire.Status](t)(c.Status(t.Context()))
	if len(s.HomeKit) == 0 {
		t.Fatalf("no HomeKit: %+v", s)
	}
	return s.HomeKit[0]
}

// onlyRead starts the hub and looks at all that a hub must still do, and must not, when its store is
// only read.
func (f equipment) onlyRead(t *testing.T) *process {
	t.Helper()
	before := databases(t, f.dir)
	hub, c := running(t, f.dir, "--watch-port", f.port)
	ctx := t.Context()
	if hub.ready.State != wire.Open {
		t.Fatalf("it is %s", hub.ready.State)
	}
	if people := must[[]wire.Person](t)(c.People(ctx)); len(people) != 1 {
		t.Errorf("the people are %v", people)
	}
	if _, err := c.AddPerson(ctx, wire.Person{Name: "Robin"}); wire.Code(err) != "hub.read-only" {
		t.Errorf("another person: %v", err)
	}
	f.homeKit(t, c)
	heard := listen(t, c)
	f.connected(t)
	cry(t, f.watch, 7)
	soon(t, "the alarm is heard", func() bool { return heard.Load() == 1 })
	repeats := time.NewTicker(100 * time.Millisecond)
	defer repeats.Stop()
	for range 5 {
		if <-repeats.C; f.open() == 0 {
			t.Fatal("an alarm was acknowledged that is not stored")
		}
	}
	if n := heard.Load(); n != 1 {
		t.Errorf("repeated, the alarm was heard %d times", n)
	}
	if after := databases(t, f.dir); !maps.Equal(before, after) {
		t.Errorf("the store was changed: %v, %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
	return hub
}

// homeKit is as it was: the same bridge, the same phone, which reads and commands; nobody else can be
// paired, and nobody unpaired.
func (f equipment) homeKit(t *testing.T, c *client.Client) {
	t.Helper()
	now := bridgeOf(t, c)
	if now.DeviceID != f.bridge.DeviceID || !now.Paired || now.Controllers != 1 || now.SetupCode != f.bridge.SetupCode {
		t.Errorf("HomeKit is %+v, was %+v", now, f.bridge)
	}
	phone := must[*haptest.Client](t)(haptest.Open(t.Context(), "127.0.0.1:"+strconv.Itoa(now.Port), f.phone))
	defer phone.Close()
	if status, all, err := phone.Do("GET", "/accessories", nil); err != nil || status != 200 || !bytes.Contains(all, []byte("Band")) {
		t.Errorf("the phone reads %d, %v: %s", status, err, all)
	}
	if err := c.Unpair(t.Context(), now.ID); wire.Code(err) != "hub.read-only" {
		t.Errorf("unpairing: %v", err)
	}
	for _, on := range []string{"true", "false"} {
		if err := c.Do(t.Context(), home.StopSwitch, wire.Do{Trait: "stop-all", Value: []byte(on)}); err != nil {
			t.Errorf("stop everything %s: %v", on, explain(err))
		}
	}
	if now := bridgeOf(t, c); now.Controllers != 1 {
		t.Errorf("there are %d controllers", now.Controllers)
	}
}

// TestADamagedStoreIsRead: with one bit of its readings turned, a hub says so and offers the newest
// backup, and does what it can without a change of the store.
func TestADamagedStoreIsRead(t *testing.T) {
	t.Parallel()
	f := equipped(t, shortDir(t))
	file := must[[]string](t)(filepath.Glob(filepath.Join(f.dir, "telemetry-*.db")))[0]
	flip(t, file, 1)
	hub := f.onlyRead(t)
	said := status(t, f.dir)
	for _, want := range []string{"The sealed store is damaged, in " + filepath.Base(file), " restore " + f.backup} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
	if err := hub.stop(); err != nil {
		t.Error(err)
	}
}

// TestEveryPageOfCore: whichever page is damaged, the hub either opens, says so and has the whole home,
// or stays shut and says so. It never has less.
func TestEveryPageOfCore(t *testing.T) {
	t.Parallel()
	h := opened(t)
	must[home.Person](t)(h.home.AddPerson(t.Context(), "Mia", home.Member))
	file := must[[]string](t)(filepath.Glob(filepath.Join(h.settings.dir, "core-*.db")))[0]
	h.daemon.close()
	pages := int(must[os.FileInfo](t)(os.Stat(file)).Size() / pageSize)
	var shut, read int
	for page := range pages {
		flip(t, file, page)
		before := databases(t, h.settings.dir)
		d := must[*daemon](t)(newDaemon(h.settings, "https://127.0.0.1:0"))
		err := d.Unlock(context.Background(), wire.UnlockRequest{Password: password})
		switch code := wire.Code(err); {
		case err == nil:
			read++
			in := d.inside()
			if n := len(in.home.Contents().People); n != 1 || in.unsound == nil || !raised(in, codeDamaged) {
				t.Errorf("page %d: %d people, %v, %+v", page, n, in.unsound, in.health.All())
			}
		case code == "hub.damaged-file" || code == "hub.damaged":
			shut++
			if why := d.Status(t.Context()).Shut; code != "hub.damaged-file" || why == nil || why.Code != code {
				t.Errorf("page %d: it does not say which file: %v, and its status %+v", page, err, why)
			}
		default:
			t.Errorf("page %d: %v", page, err)
		}
		d.close()
		if !maps.Equal(before, databases(t, h.settings.dir)) {
			t.Errorf("page %d: the store was changed", page)
		}
		flip(t, file, page)
	}
	t.Logf("of %d pages, %d leave a home, %d do not", pages, read, shut)
	if read == 0 || shut == 0 {
		t.Error("not both of them were seen")
	}
}

func raised(h *house, code string) bool {
	return slices.ContainsFunc(h.health.All(), func(t health.Trouble) bool { return t.Code == code })
}

// TestSmallDiskThatIsReadOnly: at the start the disk may only be read.
func TestSmallDiskThatIsReadOnly(t *testing.T) {
	dir, _ := disk(t, 16<<10)
	f := equipped(t, dir)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	hub := f.onlyRead(t)
	if said := status(t, dir); !strings.Contains(said, "The disk may only be read: nothing new is stored.") {
		t.Errorf("it says %s", said)
	}
	if err := hub.stop(); err != nil {
		t.Error(err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, size(16<<10)); err != nil {
		t.Fatal(err)
	}
	again, c := running(t, dir, "--watch-port", f.port)
	soon(t, "the alarm is stored", func() bool { return f.open() == 0 })
	must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: "Robin"}))
	if said := status(t, dir); strings.Contains(said, "only be read") {
		t.Errorf("it still says %s", said)
	}
	if err := again.stop(); err != nil {
		t.Error(err)
	}
}

// TestADiskThatFailsAndReturns: what the disk does while the hub runs is told, and over when it works.
func TestADiskThatFailsAndReturns(t *testing.T) {
	h := opened(t)
	text := i18n.For("de")
	for code, err := range map[string]error{codeNoWrite: storage.Full(syscall.EROFS), codeDisk: storage.Full(syscall.EIO)} {
		h.stored(err)
		if !raised(h, code) || !text.Has("health."+code) || !text.Has("health."+code+".do") {
			t.Errorf("%v: the troubles are %+v", err, h.health.All())
		}
		soon(t, "it is over", func() bool { return !raised(h, code) })
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}

// Damage that comes while the hub runs is found by the weekly check, which says in which file it is.
func TestTheWeeklyCheckIsForPeopleToSee(t *testing.T) {
	t.Parallel()
	first := opened(t)
	first.daemon.close()
	d := must[*daemon](t)(newDaemon(first.settings, "https://127.0.0.1:0"))
	if err := d.Unlock(t.Context(), wire.UnlockRequest{Password: password}); err != nil {
		t.Fatal(explain(err))
	}
	h := d.inside()
	if h.checked(h.store.Check(t.Context(), nil)); raised(h, codeFlawed) {
		t.Error("a sound store is said to be damaged")
	}
	// By another process: whoever closes the file here drops SQLite's locks on it.
	file := must[[]string](t)(filepath.Glob(filepath.Join(h.settings.dir, "telemetry-*.db")))[0]
	spoil := exec.CommandContext(t.Context(), "dd", "if=/dev/urandom", "of="+file, "bs=1", "seek="+strconv.Itoa(pageSize+100), "count=16", "conv=notrunc")
	if said, err := spoil.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	h.checked(h.store.Check(t.Context(), nil))
	if !slices.ContainsFunc(h.health.All(), func(trouble health.Trouble) bool {
		return trouble.Code == codeFlawed && trouble.Args["file"] == filepath.Base(file) && trouble.Args["backup"] == "FILE"
	}) {
		t.Errorf("the troubles are %+v", h.health.All())
	}
	d.close()
}

// A hub that was at work years from now doubts its clock, and says so until somebody gives the password.
func TestAClockInDoubt(t *testing.T) {
	t.Parallel()
	first := opened(t)
	first.upkeep.Look(t.Context())
	if raised(first, upkeep.CodeClock) {
		t.Error("a new hub doubts its clock")
	}
	first.daemon.close()
	later := func(at time.Time) *house {
		d := must[*daemon](t)(newDaemon(first.settings, "https://127.0.0.1:0"))
		if err := d.Unlock(t.Context(), wire.UnlockRequest{Password: password}); err != nil {
			t.Fatal(explain(err))
		}
		if !at.IsZero() {
			memory := upkept{archive.Document[upkeep.Notes]{Store: d.inside().store, Name: "upkeep"}}
			soon(t, "the first look is over", func() bool {
				n, err := memory.Load(t.Context())
				return err == nil && !n.Believed.IsZero()
			})
			if err := memory.Save(t.Context(), upkeep.Notes{Believed: at}); err != nil {
				t.Fatal(err)
			}
			d.close()
		}
		return d.inside()
	}
	later(time.Now().AddDate(10, 0, 0))
	h := later(time.Time{})
	soon(t, "the clock is in doubt", func() bool { return raised(h, upkeep.CodeClock) })
	if err := h.daemon.Unlock(t.Context(), wire.UnlockRequest{Password: password}); err != nil || raised(h, upkeep.CodeClock) {
		t.Errorf("with the password: %v, %+v", err, h.health.All())
	}
	h.daemon.close()
	for _, lang := range []string{"en", "de"} {
		if text := i18n.For(lang); !text.Has("health."+upkeep.CodeClock) || !text.Has("health."+upkeep.CodeClock+".do") {
			t.Errorf("%s has no words for it", lang)
		}
	}
}
