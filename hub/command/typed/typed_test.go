package typed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/hub/command/typed"
)

// terminal gives both ends of one: what a person has, and what the program reads.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func TestPipedInAllOfItCounts(t *testing.T) {
	var asked bytes.Buffer
	got, err := typed.Read(t.Context(), strings.NewReader("one two\nthree\r\n"), &asked, "Password:")
	if err != nil || got != "one two\nthree" {
		t.Errorf("%q, %v", got, err)
	}
	if asked.Len() != 0 {
		t.Errorf("nobody is there to be asked %q", asked.String())
	}
}

// quietly types the next line once the question is there, so that none of it can be echoed before.
type quietly struct {
	t       *testing.T
	person  *os.File
	program *os.File
	answers []string
	asked   strings.Builder
}

func (q *quietly) Write(p []byte) (int, error) {
	q.asked.Write(p)
	if strings.HasSuffix(string(p), ": ") {
		if echoes(q.t, q.program) {
			q.t.Error("the terminal shows what is typed")
		}
		if _, err := q.person.WriteString(q.answers[0] + "\n"); err != nil {
			q.t.Error(err)
		}
		q.answers = q.answers[1:]
	}
	return len(p), nil
}

func TestInATerminalALineIsAnAnswerAndDoesNotShow(t *testing.T) {
	person, program := terminal(t)
	if !typed.Terminal(program) {
		t.Fatal("this is a terminal")
	}
	q := &quietly{t: t, person: person, program: program, answers: []string{"quiet otters", "paint seven"}}
	got, err := typed.Read(t.Context(), program, q, "Old:", "New:")
	if err != nil || got != "quiet otters\npaint seven" {
		t.Errorf("%q, %v", got, err)
	}
	if want := "Old: \nNew: \n"; q.asked.String() != want {
		t.Errorf("asked %q, not %q", q.asked.String(), want)
	}
	if !echoes(t, program) {
		t.Error("the terminal stays mute")
	}
}

func TestGivingUpLeavesTheTerminalAsItWas(t *testing.T) {
	_, program := terminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := typed.Read(ctx, program, &bytes.Buffer{}, "Password:"); !errors.Is(err, context.Canceled) {
		t.Errorf("it says %v", err)
	}
	if !echoes(t, program) {
		t.Error("the terminal stays mute")
	}
}
