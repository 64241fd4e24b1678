package formattest_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/formattest"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

const (
	envDir   = "INGLE_TEST_DIR" // where a re-executed test binary fills a store
	envCode  = "INGLE_TEST_CODE"
	envRows  = "INGLE_TEST_ROWS" // the first record, and the one after the last
	password = "quokka umbrella tarmac violin"
	stored   = 100 // records in each database
)

func TestMain(m *testing.M) {
	dir := os.Getenv(envDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := openStore(dir, os.Getenv(envCode))
	if from, to := 0, 0; err == nil {
		if _, err = fmt.Sscan(os.Getenv(envRows), &from, &to); err == nil {
			err = fill(s, from, to)
		}
	}
	fmt.Println("filled:", err)
	select {} // until it is killed: the logs are to stay as they are
}

func openStore(dir, code string) (*records.Store, error) {
	v, err := vault.OpenRecovery(dir, code)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return records.Open(dir, v)
}

// record is the n-th record in either database, with a body that may need several pages.
func record(n int) records.Record {
	r := records.Record{
		Kind: "kind " + fmt.Sprint(n%3), ID: fmt.Sprintf("%05d", n), At: time.Unix(int64(1700000000+n), 5).UTC(),
		Body: bytes.Repeat(fmt.Appendf(nil, "body %d ", n), 1+n%7*n%40*10),
	}
	if n%4 != 0 {
		r.Subject = "subject " + fmt.Sprint(n%5)
	}
	if n%6 == 0 {
		r.Expires = r.At.Add(time.Hour)
	}
	return r
}

func fill(s *records.Store, from, to int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for n := from; n < to; n++ {
		if err := errors.Join(s.Put(ctx, record(n)), s.Append(ctx, record(n))); err != nil {
			return err
		}
	}
	return s.Flush(ctx)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// written is a store that the product made: the first n records are checkpointed,
// n others lie in logs, which a process that was killed left behind.
func written(t *testing.T, dir string, n int) (code string) {
	t.Helper()
	v, code, err := vault.Create(dir, password)
	must(t, err)
	v.Close()
	s, err := openStore(dir, code)
	must(t, err)
	must(t, fill(s, 0, n))
	must(t, s.Close())

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), envDir+"="+dir, envCode+"="+code, envRows+"="+fmt.Sprint(n, 2*n))
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "filled: <nil>\n" {
		t.Errorf("the child: %q, %v", line, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	return code
}

// The page docs/FORMAT.md suffices to read a store: its reader finds exactly what
// the product stored, on pages, in logs, under both secrets.
func TestReadByThePage(t *testing.T) {
	dir := t.TempDir()
	code := written(t, dir, stored)
	byCode, err := formattest.WithCode(dir, code)
	must(t, err)
	byPassword, err := formattest.WithPassword(dir, password)
	must(t, err)
	for _, k := range []*formattest.Keys{byCode, byPassword} {
		s, err := formattest.OpenStore(dir, k)
		must(t, err)
		if s.Core.Logged() == 0 || s.Telemetry.Logged() == 0 {
			t.Fatal("the logs are empty: this test shows only half")
		}
		wantAll(t, s, 2*stored)
	}
	// Checkpointed, it is the same without a log.
	product, err := openStore(dir, code)
	must(t, err)
	must(t, product.Close())
	s, err := formattest.OpenStore(dir, byCode)
	must(t, err)
	if s.Core.Logged() != 0 {
		t.Error("a closed store has a log")
	}
	wantAll(t, s, 2*stored)
}

func wantAll(t *testing.T, s *formattest.Store, n int) {
	t.Helper()
	must(t, errors.Join(s.Core.CheckPages(), s.Telemetry.CheckPages()))
	for _, role := range []string{"core", "telemetry"} {
		found, err := s.Records(role)
		must(t, err)
		seen := make(map[string]formattest.Record)
		for _, r := range found {
			seen[r.ID] = r
		}
		if len(found) != n || len(seen) != n {
			t.Errorf("%s: %d records, want %d", role, len(found), n)
		}
		for i := range n {
			want, got := record(i), seen[record(i).ID]
			expires := int64(0)
			if !want.Expires.IsZero() {
				expires = want.Expires.UnixNano()
			}
			if got.Kind != want.Kind || got.Subject != want.Subject || got.At != want.At.UnixNano() || got.Expires != expires || !bytes.Equal(got.Body, want.Body) {
				t.Fatalf("%s: record %d is another", role, i)
			}
		}
	}
}

// times is n, or less where the tests are to be short, as under an emulator.
func times(n int) int {
	if testing.Short() {
		return (n + 9) / 10
	}
	return n
}

// A flipped bit is refused, wherever it is; in a log it ends the log.
func TestFlippedBitByThePage(t *testing.T) {
	dir := t.TempDir()
	code := written(t, dir, stored)
	k, err := formattest.WithCode(dir, code)
	must(t, err)
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	flipped := func(name string, below int) (string, int) {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		at := r.IntN(min(below, len(raw)))
		raw[at] ^= 1 << r.IntN(8)
		return copyStore(t, dir, name, raw), at
	}
	for _, name := range []string{"core-1.db", "telemetry-1.db"} {
		logged, _ := formattest.NewestInLog(t, filepath.Join(dir, name), k)
		for range times(40) {
			copied, at := flipped(name, 1<<30)
			s, err := formattest.OpenStore(copied, k)
			if err == nil {
				err = errors.Join(s.Core.CheckPages(), s.Telemetry.CheckPages())
			}
			if refused := errors.Is(err, formattest.ErrRefused); refused == logged[uint32(at/4096+1)] {
				t.Errorf("%s: byte %d: %v", name, at, err)
			}
		}
	}
	_, end := formattest.NewestInLog(t, filepath.Join(dir, "core-1.db"), k)
	for range times(25) {
		copied, at := flipped("core-1.db-wal", end)
		s, err := formattest.OpenStore(copied, k)
		must(t, err)
		found, err := s.Records("core")
		must(t, err)
		if len(found) < stored || len(found) >= 2*stored {
			t.Errorf("a log that is damaged at byte %d of %d gives %d records", at, end, len(found))
		}
	}
}

// Keys of which a bit is flipped do not open, unless base64 does not use it.
func TestFlippedKeysByThePage(t *testing.T) {
	dir := t.TempDir()
	v, code, err := vault.Create(dir, password)
	must(t, err)
	v.Close()
	whole, err := os.ReadFile(filepath.Join(dir, "keys.json"))
	must(t, err)
	must(t, os.Remove(filepath.Join(dir, "keys.twin.json")))
	opened := 0
	for at := 0; at < len(whole); at += len(whole) / times(len(whole)) {
		raw := bytes.Clone(whole)
		raw[at] ^= 1
		must(t, os.WriteFile(filepath.Join(dir, "keys.json"), raw, 0o600))
		if _, err := formattest.WithCode(dir, code); err == nil {
			opened++
			if whole[at+1] != '=' {
				t.Errorf("keys with byte %d changed from %q to %q open", at, whole[at], raw[at])
			}
		}
	}
	t.Logf("%d of %d flips, of bits that base64 does not use, open", opened, len(whole))
	must(t, os.WriteFile(filepath.Join(dir, "keys.json"), whole, 0o600))
	if _, err := formattest.WithPassword(dir, password+"x"); !errors.Is(err, formattest.ErrRefused) {
		t.Errorf("a wrong password: %v", err)
	}
	if _, err := formattest.WithCode(dir, code); err != nil {
		t.Errorf("control: the untouched keys: %v", err)
	}
}

// Keys that were changed in every way open by the page, and by no secret that was
// replaced.
func TestChangedKeysByThePage(t *testing.T) {
	const next = "seven lanterns over a quiet harbour"
	dir := t.TempDir()
	v, code, err := vault.Create(dir, password)
	must(t, err)
	defer v.Close()
	must(t, v.ChangePassword(next, nil, 0))
	must(t, v.Rotate().Commit())
	fresh, err := v.NewRecoveryCode()
	must(t, err)
	must(t, v.Rotate().Commit())
	want := v.Key("x")
	opens := func(how func() (*formattest.Keys, error), is bool) {
		t.Helper()
		k, err := how()
		if !is && errors.Is(err, formattest.ErrRefused) {
			return
		}
		must(t, err)
		got, err := k.For("x")
		if err != nil || !bytes.Equal(got, want) || k.Epoch != v.Epoch() {
			t.Errorf("epoch %d, or another key: %v", k.Epoch, err)
		}
		if !is {
			t.Error("a secret opens that was replaced")
		}
	}
	opens(func() (*formattest.Keys, error) { return formattest.WithPassword(dir, password) }, false)
	opens(func() (*formattest.Keys, error) { return formattest.WithPassword(dir, next) }, true)
	opens(func() (*formattest.Keys, error) { return formattest.WithCode(dir, code) }, true)
	opens(func() (*formattest.Keys, error) { return formattest.WithCode(dir, fresh) }, true)
	must(t, v.ConfirmRecovery(fresh))
	opens(func() (*formattest.Keys, error) { return formattest.WithCode(dir, code) }, false)
	opens(func() (*formattest.Keys, error) { return formattest.WithCode(dir, fresh) }, true)
}

// copyStore copies the store with one file replaced.
func copyStore(t *testing.T, dir, name string, raw []byte) string {
	t.Helper()
	to := t.TempDir()
	for _, file := range []string{"keys.json", "keys.twin.json", "core-1.db", "core-1.db-wal", "telemetry-1.db", "telemetry-1.db-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		must(t, err)
		if file == name {
			b = raw
		}
		must(t, os.WriteFile(filepath.Join(to, file), b, 0o600))
	}
	return to
}
