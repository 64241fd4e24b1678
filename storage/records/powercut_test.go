package records_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// What the tests of storage/powercut, a module of its own, have this package's test
// binary do: work on a disk that loses things, and judge what it left.

const bulkRows = 25 // that are replaced together, and must always be of one number

// childMakes makes a vault and says its recovery code.
func childMakes(dir string) error {
	v, code, err := vault.Create(dir, "quokka umbrella tarmac violin")
	if err != nil {
		return err
	}
	fmt.Println(code)
	return v.Close()
}

// childWorks stores things until it is killed and says the number of each step once
// it must be durable. The cache is small, so that larger transactions spill into the
// log, and checkpoints are frequent; now and then all is sealed anew under new keys.
//
// An enduring one says that a step failed and tries it again.
func childWorks(dir string, endure bool) error {
	s, v, err := both(dir)
	if err != nil {
		return err
	}
	for _, table := range []string{"record", "reading"} {
		if _, err := records.Writer(s, table).Exec("PRAGMA cache_size=10; PRAGMA wal_autocheckpoint=30"); err != nil {
			return err
		}
	}
	ctx := context.Background()
	have, err := s.List(ctx, "pair")
	if err != nil {
		return err
	}
	for n := len(have)/2 + 1; ; n++ {
		for err := workStep(ctx, s, v, n); err != nil; err = workStep(ctx, s, v, n) {
			if !endure {
				return err
			}
			fmt.Println("failed:", err)
		}
		fmt.Println(n)
	}
}

func workStep(ctx context.Context, s *records.Store, v *vault.Vault, n int) error {
	a := records.Record{Kind: "pair", ID: fmt.Sprintf("%08d a", n), Subject: "mia", Body: fmt.Append(nil, n)}
	b := a
	b.ID = fmt.Sprintf("%08d b", n)
	put := []records.Record{a, b}
	if n%7 == 0 {
		for i := range bulkRows {
			put = append(put, records.Record{Kind: "bulk", ID: fmt.Sprint(i), Body: bytes.Repeat(fmt.Appendf(nil, "%08d", n), 350)})
		}
	}
	if err := s.Put(ctx, put...); err != nil {
		return err
	}
	for range 5 {
		if err := s.Append(ctx, a); err != nil {
			return err
		}
	}
	switch {
	case n%37 == 0:
		return s.Rotate(ctx, v)
	case n%31 == 0:
		return s.Forget(ctx, "nobody") // empties both logs
	case n%11 == 0:
		return s.Flush(ctx)
	}
	return nil
}

// childJudges opens each folder that stdin names and says what is in it: the number
// of pairs, or what is wrong.
func childJudges() error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		n, err := judge(in.Text())
		if err != nil {
			fmt.Printf("wrong: %v\n", err)
		} else {
			fmt.Println(n)
		}
	}
	return in.Err()
}

func judge(dir string) (pairs int, err error) {
	s, err := openStore(dir)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Check(ctx, nil); err != nil {
		return 0, err
	}
	list, err := s.List(ctx, "pair")
	if err != nil {
		return 0, err
	}
	for i, r := range list {
		if string(r.Body) != strconv.Itoa(i/2+1) {
			return 0, fmt.Errorf("record %s holds %q", r.ID, r.Body)
		}
	}
	if len(list)%2 != 0 {
		return 0, fmt.Errorf("%d records: half a pair", len(list))
	}
	pairs = len(list) / 2
	bulk, err := s.List(ctx, "bulk")
	if err != nil {
		return 0, err
	}
	want := fmt.Appendf(nil, "%08d", pairs/7*7)
	for _, r := range bulk {
		if !bytes.Equal(r.Body, bytes.Repeat(want, 350)) {
			return 0, fmt.Errorf("%d pairs, but a bulk row of %.8s", pairs, r.Body)
		}
	}
	if (pairs >= 7) != (len(bulk) == bulkRows) {
		return 0, fmt.Errorf("%d pairs, but %d bulk rows", pairs, len(bulk))
	}
	_, err = s.Query(ctx, records.Query{Kind: "pair"})
	return pairs, err
}

// childHalfForgets stores a reading of each of two, and dies when it has destroyed the key of one.
func childHalfForgets(dir string) error {
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	for _, subject := range []string{"mia", "noor"} {
		if err := s.Append(ctx, records.Record{Kind: "place", ID: subject, Subject: subject, Body: []byte("here")}); err != nil {
			return err
		}
	}
	if err := s.Flush(ctx); err != nil {
		return err
	}
	records.AtStep(s, func(step string) {
		if step == "shredded" {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	})
	return s.Forget(ctx, "mia")
}

// childOpensAfterHalf opens that store on a disk that fails, until its stdin says that it
// works again.
func childOpensAfterHalf(dir string) error {
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("open, told:", errors.Is(s.Unforgotten(), storage.ErrDisk))
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	ctx := context.Background()
	before := records.CountAll(s, "reading")
	if err := s.Forget(ctx, "nobody"); err != nil {
		return err
	}
	fmt.Printf("of %d readings %d is left\n", before, records.CountAll(s, "reading"))
	return nil
}
