// Package cuttest joins the tests of a package to those of storage/powercut, a module of its
// own, which run the package's test binary on a disk that loses what it may lose.
//
// The binary works, and says now and then what must hold from there on. The power is cut at
// every change of the disk, and the binary, run once more, judges what each cut left by what
// was said last before it.
package cuttest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// The environment by which storage/powercut says what a test binary is to do.
const (
	EnvRole  = "INGLE_TEST_CUT"       // "work" or "judge"
	EnvDir   = "INGLE_TEST_CUT_DIR"   // on the disk that loses things
	EnvAside = "INGLE_TEST_CUT_ASIDE" // a folder on another disk
)

// Teller is what somebody at work says through.
type Teller struct{ answers *bufio.Reader }

// Say gives what must hold from now on, as JSON on one line. It returns when that was
// noted: what the disk loses from then on is judged by it.
func (t Teller) Say(what any) error {
	line, err := json.Marshal(what)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	_, err = t.answers.ReadString('\n')
	return err
}

// Begin does what storage/powercut asked this process for, and ends it; if nothing was
// asked for it does nothing. work works in dir; judge says what is wrong in a folder, or nil. S is what
// work says, its zero value what holds before it said anything.
func Begin[S any](work func(t Teller, dir, aside string) error, judge func(dir string, said S) error) {
	var err error
	switch os.Getenv(EnvRole) {
	case "":
		return
	case "work":
		err = work(Teller{bufio.NewReader(os.Stdin)}, os.Getenv(EnvDir), os.Getenv(EnvAside))
	case "judge":
		err = judgeAll(judge)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// judgeAll reads what was said and the folder, line by line in turn, and answers each pair.
func judgeAll[S any](judge func(dir string, said S) error) error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var said S
		if raw := in.Bytes(); len(raw) > 0 {
			if err := json.Unmarshal(raw, &said); err != nil {
				return err
			}
		}
		if !in.Scan() {
			break
		}
		if err := judge(in.Text(), said); err != nil {
			fmt.Printf("%q\n", err.Error())
		} else {
			fmt.Println("well")
		}
	}
	return in.Err()
}
