package blobs_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/blobs"
)

// marker stands wherever a caller can put a word.
const marker = "Zwetschgenknoedel"

// child is what a re-executed test binary does. It says so on stdout and waits
// for its stdin to end, or for the kill.
func child(role, dir string) {
	var err error
	switch role {
	case "record":
		err = childRecords(dir)
	case "churn":
		err = childChurns(dir)
	case "plant":
		err = childPlants(dir)
	case "full":
		err = childFills(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		os.Exit(1)
	}
}

func childStore(dir string, o blobs.Options) (*blobs.Store, error) {
	r, err := openRows(dir)
	if err != nil {
		return nil, err
	}
	return blobs.Open(context.Background(), dir, r, o)
}

// pattern gives bytes that tell their place: the content of every recording
// that a child makes.
func pattern(from, n int64) []byte {
	b := make([]byte, 0, n+16)
	for i := from &^ 7; i < from+n; i += 8 {
		b = binary.BigEndian.AppendUint64(b, uint64(i)*0x9E3779B97F4A7C15)
	}
	return b[from&7 : from&7+n]
}

// childRecords records with two cameras, one segment after the other, until it
// is killed. A line is what a Write or a Close acknowledged.
func childRecords(dir string) error {
	s, err := childStore(dir, blobs.Options{Sync: 20 * time.Millisecond})
	if err != nil {
		return err
	}
	var writers [2]*blobs.Writer
	for turn := 0; ; turn++ {
		i := turn % 2
		if writers[i] == nil {
			if writers[i], err = s.Create(context.Background(), fmt.Sprint("camera", i), "clip", noon); err != nil {
				return err
			}
		}
		w := writers[i]
		if _, err := w.Write(pattern(w.Size(), int64(1000+turn*7919%90_000))); err != nil {
			return err
		}
		if w.Size() < 500_000 {
			fmt.Println("wrote", w.ID(), w.Size())
			continue
		}
		if err := w.Close(); err != nil {
			return err
		}
		fmt.Println("closed", w.ID(), w.Size())
		writers[i] = nil
	}
}

// childChurns records under a small quota, deletes and forgets, until it is
// killed. A line names a subject that is forgotten from then on.
func childChurns(dir string) error {
	s, err := childStore(dir, blobs.Options{Limits: blobs.Limits{Bytes: 2 << 20, Kinds: []blobs.Limit{{Kind: "clip"}}}})
	if err != nil {
		return err
	}
	ctx := context.Background()
	for turn := 0; ; turn++ {
		subject := fmt.Sprint(os.Getpid(), "-", turn)
		for range 3 {
			w, err := s.Create(ctx, subject, "clip", noon.Add(time.Duration(turn)*time.Second))
			if err != nil {
				return err
			}
			if _, err := w.Write(pattern(0, 200_000)); err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
		}
		list := s.List(subject)
		if err := s.Delete(ctx, list[0].ID); err != nil {
			return err
		}
		if turn%2 == 0 {
			continue
		}
		if err := s.Forget(ctx, subject); err != nil {
			return err
		}
		fmt.Println(subject)
	}
}

// childPlants records the marker, all over and all through.
func childPlants(dir string) error {
	s, err := childStore(dir, blobs.Options{})
	if err != nil {
		return err
	}
	for i := range 4 {
		w, err := s.Create(context.Background(), fmt.Sprint(marker, i%2), "clip "+marker, noon)
		if err != nil {
			return err
		}
		w.Note([]byte(marker))
		for range 20_000 {
			if _, err := w.Write([]byte(marker)); err != nil {
				return err
			}
		}
		if i == 3 {
			break // this one stays open
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// childFills records on a small disk until it is full, lets nothing give way,
// then makes room and goes on.
func childFills(dir string) error {
	s, err := childStore(dir, blobs.Options{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	old, err := s.Create(ctx, "porch", "old", noon)
	if err != nil {
		return err
	}
	if _, err := old.Write(pattern(0, 1<<20)); err != nil {
		return err
	}
	if err := old.Close(); err != nil {
		return err
	}
	w, err := s.Create(ctx, "porch", "clip", noon)
	if err != nil {
		return err
	}
	for err == nil {
		_, err = w.Write(pattern(w.Size(), 50_000))
	}
	if !errors.Is(err, storage.ErrFull) {
		return fmt.Errorf("want ErrFull: %w", err)
	}
	full := w.Size()
	s.SetLimits(blobs.Limits{Kinds: []blobs.Limit{{Kind: "old"}}})
	for w.Size() < full+500_000 {
		if _, err := w.Write(pattern(w.Size(), 50_000)); err != nil {
			return fmt.Errorf("after room could be made, at %d: %w", w.Size(), err)
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Println(w.ID(), w.Size(), full)
	return s.Close()
}

// running is a child process that was started by a test.
type running struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	in    io.Closer
}

func start(t testing.TB, role, dir string) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	in, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	return &running{cmd, bufio.NewScanner(out), in}
}

// says waits for the child's next line.
func (r *running) says(t testing.TB) string {
	t.Helper()
	if !r.lines.Scan() {
		t.Fatalf("the child is gone: %v", r.cmd.Wait())
	}
	return r.lines.Text()
}

// kill ends the child at once and gives the lines that it still got out.
func (r *running) kill() (rest []string) {
	r.cmd.Process.Kill()
	for r.lines.Scan() {
		rest = append(rest, r.lines.Text())
	}
	r.cmd.Wait()
	return rest
}
