package records_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/storage/cuttest"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// sealedRows is how much there is when storage/powercut cuts a rotation short at every moment,
// and what opens it.
type sealedRows struct {
	Code string
	Rows int
}

// rotateWhileCut seals all anew, twice, and stores something in between.
func rotateWhileCut(t cuttest.Teller, dir, _ string) error {
	v, code, err := vault.Create(dir, "quokka umbrella tarmac violin")
	if err != nil {
		return err
	}
	s, err := records.Open(dir, v)
	if err != nil {
		return err
	}
	ctx := context.Background()
	now := sealedRows{Code: code}
	for range 2 {
		for range 3 {
			r := records.Record{Kind: "row", ID: fmt.Sprint(now.Rows), Subject: "mia", Body: fmt.Append(nil, now.Rows)}
			if err := s.Put(ctx, r); err != nil {
				return err
			}
			now.Rows++
			if err := t.Say(now); err != nil {
				return err
			}
		}
		if err := s.Rotate(ctx, v); err != nil {
			return err
		}
		if err := t.Say(now); err != nil {
			return err
		}
	}
	return nil
}

// judgeRows wants every row that was stored; one more may have been on its way.
func judgeRows(dir string, said sealedRows) error {
	v, err := vault.OpenRecovery(dir, said.Code)
	if err != nil {
		return err
	}
	defer v.Close()
	s, err := records.Open(dir, v)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Check(ctx, nil); err != nil {
		return err
	}
	rows, err := s.List(ctx, "row")
	if err == nil && len(rows) != said.Rows && len(rows) != said.Rows+1 {
		err = fmt.Errorf("%d rows were stored, %d are there", said.Rows, len(rows))
	}
	for _, r := range rows {
		if string(r.Body) != r.ID {
			return fmt.Errorf("row %s holds %q", r.ID, r.Body)
		}
	}
	return err
}
