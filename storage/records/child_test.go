package records_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
	_ "github.com/mattn/go-sqlite3"
)

// marker stands wherever a caller can put a word.
const marker = "Zwetschgenknoedel"

// markers is how often it is planted; INGLE_SOAK=1 plants it 200,000 times.
func markers() int {
	if os.Getenv("INGLE_SOAK") != "" {
		return 200_000
	}
	return 6000
}

// child is what a re-executed test binary does. It says so on stdout and waits
// for its stdin to end, or for the kill.
func child(role, dir string) {
	var err error
	switch role {
	case "plant":
		err = childPlants(dir)
	case "plain":
		err = childPlantsPlain(dir)
	case "commits":
		err = childCommits(dir)
	case "lock":
		_, err = storage.Acquire(dir)
		fmt.Println("answer:", err)
	case "rotate":
		err = childRotates(dir)
	case "forget":
		err = childForgets(dir)
	case "make":
		err = childMakes(dir)
	case "work", "endure":
		err = childWorks(dir, role != "work")
	case "half-forget":
		err = childHalfForgets(dir)
	case "after-half":
		err = childOpensAfterHalf(dir)
	case "judge":
		err = childJudges()
	case "full":
		err = childFills(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		os.Exit(1)
	}
}

func childPlants(dir string) error {
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	for i := range markers() / 100 {
		var rs []records.Record
		for k := range 100 {
			n := i*100 + k
			r := records.Record{Kind: "kind " + marker, ID: fmt.Sprint(marker, n), Subject: fmt.Sprint(marker, n%3),
				Body: fmt.Appendf(nil, `{"name":"%s","n":%d}`, marker, n)}
			if n%2 == 0 {
				r.Subject = ""
			}
			rs = append(rs, r)
			if err := s.Append(ctx, r); err != nil {
				return err
			}
		}
		if err := s.Put(ctx, rs...); err != nil {
			return err
		}
	}
	if err := s.Flush(ctx); err != nil {
		return err
	}
	return holdOn()
}

// childPlantsPlain does the same with a stock SQLite.
func childPlantsPlain(dir string) error {
	db, err := sql.Open("sqlite3", filepath.Join(dir, "plain.db")+"?_journal_mode=WAL")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE record (kind TEXT, id TEXT, subject TEXT, body BLOB)"); err != nil {
		return err
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	for n := range markers() {
		body := fmt.Appendf(nil, `{"name":"%s","n":%d}`, marker, n)
		if _, err := tx.Exec("INSERT INTO record VALUES (?, ?, ?, ?)", "kind "+marker, fmt.Sprint(marker, n), marker, body); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return holdOn()
}

func holdOn() error {
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// running is a child process that was started by a test.
type running struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	in    io.Closer
}

func start(t testing.TB, role, dir string, env ...string) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(append(os.Environ(), envRole+"="+role, envDir+"="+dir), env...)
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
