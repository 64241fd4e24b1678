package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Somebody else's program comes in with a token, knows the hub by its pin, and is out once it is revoked, also
// after a restart.
func TestCurlComesInByAToken(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed here")
	}
	dir := shortDir(t)
	p, c := running(t, dir)
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: "Noor", Role: wire.RoleGuardian}))
	made := must[wire.NewToken](t)(c.MakeToken(t.Context(), wire.TokenRequest{Name: "Bell", Role: wire.RoleMember}))
	ask := func(api, pin string, more ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		args := slices.Concat([]string{"--silent", "--insecure", "--pinnedpubkey", pin, "-H", "Authorization: Bearer " + made.Secret}, more[1:], []string{api + "/api/v1" + more[0]})
		out, err := exec.CommandContext(ctx, "curl", args...).Output()
		return string(out), err
	}
	if out, err := ask(made.API, made.Pin, "/people"); err != nil || !strings.Contains(out, "Noor") {
		t.Errorf("curl: %s, %v", out, err)
	}
	if out, err := ask(made.API, "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "/people"); err == nil {
		t.Errorf("another pin: %s", out)
	}
	if out, err := ask(made.API, made.Pin, "/tokens"); err != nil || !strings.Contains(out, wire.CodeForbidden) {
		t.Errorf("a script sees tokens: %s, %v", out, err)
	}
	if out, err := ask(made.API, made.Pin, "/accessories/Stop%20everything/do", "--json", `{"trait":"stop-all","value":true}`, "-H", "Idempotency-Key: 1"); err != nil || out != "" {
		t.Errorf("a script stops everything: %s, %v", out, err)
	}
	if out, err := ask(made.API, made.Pin, "/people", "-d", "name=Eve"); err != nil || !strings.Contains(out, wire.CodeForbidden) {
		t.Errorf("a form: %s, %v", out, err)
	}
	p.kill()
	p, c = running(t, dir)
	soon(t, "the token outlives a restart", func() bool { out, _ := ask(p.ready.API, made.Pin, "/people"); return strings.Contains(out, "Noor") })
	if err := c.RevokeToken(t.Context(), "bell"); err != nil {
		t.Fatal(explain(err))
	}
	var said wire.Problem
	out, err := ask(p.ready.API, made.Pin, "/people")
	if json.Unmarshal([]byte(out), &said) != nil || said.Code != wire.CodeStranger {
		t.Errorf("a revoked token: %s, %v", out, err)
	}
	if strings.Contains(p.log.String(), made.Secret) {
		t.Error("the log has the token")
	}
}
