package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestTheDescriptionIsOpenAPI has a validator that is not ours judge the description of the API, and two
// descriptions that are none, so that it is seen to refuse something.
func TestTheDescriptionIsOpenAPI(t *testing.T) {
	if _, err := os.Stat("node_modules/@seriousme/openapi-schema-validator"); err != nil {
		t.Skip("the validator is not installed here: run `npm ci --ignore-scripts` in e2e, or `make test`")
	}
	ours, err := os.ReadFile("../hub/api/server/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if v := judgeOpenAPI(t, ours); !v.Valid || v.Version != "3.1" || v.Operations < 40 {
		t.Errorf("the description: %+v", v)
	}
	for _, wrong := range [][2]string{{"openapi: 3.1.0", "openapi: 3.9.0"}, {"in: path", "in: nowhere"}, {"responses:", "answers: 3\n      responses_:"}} {
		broken := bytes.Replace(ours, []byte(wrong[0]), []byte(wrong[1]), 1)
		if bytes.Equal(broken, ours) {
			t.Fatalf("there is no %q", wrong[0])
		}
		if v := judgeOpenAPI(t, broken); v.Valid {
			t.Errorf("the validator takes %q", wrong[1])
		}
	}
}

type verdict struct {
	Valid      bool            `json:"valid"`
	Version    string          `json:"version"`
	Operations int             `json:"operations"`
	Errors     json.RawMessage `json:"errors"`
}

func judgeOpenAPI(t *testing.T, description []byte) (v verdict) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "openapi.mjs")
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(description), &said
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &v)
	}
	if err != nil {
		t.Fatalf("the validator: %v: %s", err, said.String())
	}
	return v
}
