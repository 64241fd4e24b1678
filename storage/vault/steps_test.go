package vault

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// ways are secrets of one moment.
type ways struct{ password, code, boot string }

// A change that ends at any step leaves what every secret of before or of after
// opens: until the first copy has its name it has not happened, from then on it has.
func TestAChangeEndsAtAnyStep(t *testing.T) {
	for what, change := range map[string]func(t *testing.T, v *Vault, p pocket, w *ways){
		"password": func(t *testing.T, v *Vault, _ pocket, w *ways) {
			w.password = another
			must(t, v.ChangePassword(another, nil, 0))
		},
		"code": func(t *testing.T, v *Vault, _ pocket, w *ways) {
			must(t, v.ConfirmRecovery(w.code))
		},
		"boot": func(t *testing.T, v *Vault, p pocket, w *ways) {
			w.boot = "second"
			p.name = w.boot
			must(t, v.SetBoot(t.Context(), p, func(string, string) Boot { return nil })) // the old key stays, as after a crash
		},
		"rotation": func(t *testing.T, v *Vault, _ pocket, _ *ways) { must(t, v.Rotate().Commit()) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir, code, v := cheapVault(t)
			find, p := pockets(t.TempDir())
			p.name = "first"
			must(t, v.SetBoot(t.Context(), p, find))
			old := ways{secret, code, p.name}
			now := old
			if what == "code" { // both open it now, and only one will
				next, err := v.NewRecoveryCode()
				must(t, err)
				now.code = next
			}
			before, oldKey := read(t, copies(dir)[0]), v.Key("x")
			change(t, v, p, &now)
			after, newKey := read(t, copies(dir)[0]), v.Key("x")

			for step, files := range steps(before, after) {
				c := cut{step: step, files: files, state: after, key: newKey}
				if bytes.Equal(files[0], before) && bytes.Equal(files[1], before) {
					c.state, c.key = before, oldKey
				}
				c.settles(t, "password", true, old.password == now.password, func(dir string) (*Vault, error) { return openCheap(dir, old.password) })
				c.settles(t, "code", true, old.code == now.code, func(dir string) (*Vault, error) { return cheapRecovery(dir, old.code) })
				c.settles(t, "boot slot", true, old.boot == now.boot, func(dir string) (*Vault, error) { return cheapBoot(dir, p.as(old.boot)) })
				switch {
				case old.password != now.password:
					c.settles(t, "new password", false, true, func(dir string) (*Vault, error) { return openCheap(dir, now.password) })
				case old.code != now.code:
					c.settles(t, "new code", true, true, func(dir string) (*Vault, error) { return cheapRecovery(dir, now.code) })
				case old.boot != now.boot:
					c.settles(t, "new boot slot", false, true, func(dir string) (*Vault, error) { return cheapBoot(dir, p.as(now.boot)) })
				}
			}
		})
	}
}

// as finds this pocket by one name, whatever the file says.
func (p pocket) as(name string) Find {
	p.name = name
	return func(string, string) Boot { return p }
}

// cut is a change that ended somewhere: the two copies, and what lies beside them.
// It counts as what state is, and the data key is the one that gives key.
type cut struct {
	step       string
	files      [4][]byte
	state, key []byte
}

// settles opens what was cut by a secret that the state before knows, or the one
// after, or both.
func (c cut) settles(t *testing.T, how string, inBefore, inAfter bool, open func(string) (*Vault, error)) {
	t.Helper()
	dir := t.TempDir()
	for i, path := range copies(dir) {
		must(t, os.WriteFile(path, c.files[i], 0o600))
		if beside := c.files[2+i]; beside != nil {
			must(t, os.WriteFile(path+".new", beside, 0o600))
		}
	}
	want := inBefore
	switch c.step {
	case "both named":
		want = inAfter
	case "the first named", "half of the second", "all of the second", "the second came first":
		want = inBefore || inAfter
	}
	v, err := open(dir)
	if (err == nil) != want {
		t.Errorf("%s: by the %s: %v", c.step, how, err)
	}
	if err != nil {
		return
	}
	if !bytes.Equal(v.Key("x"), c.key) {
		t.Errorf("%s: by the %s: another data key", c.step, how)
	}
	for _, path := range copies(dir) {
		if !bytes.Equal(read(t, path), c.state) {
			t.Errorf("%s: by the %s: %s was not settled", c.step, how, path)
		}
	}
	if !strings.HasSuffix(how, "code") || !inAfter {
		return // the next change meets the same files
	}
	must(t, v.Rotate().Commit())
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%s: left over: %v, %v", c.step, entries, err)
	}
}

// steps are the files after each step of a change.
func steps(before, after []byte) map[string][4][]byte {
	half := after[:len(after)/2]
	return map[string][4][]byte{
		"before":                {before, before},
		"half of the first":     {before, before, half},
		"all of the first":      {before, before, after},
		"the first named":       {after, before},
		"half of the second":    {after, before, nil, half},
		"all of the second":     {after, before, nil, after},
		"both named":            {after, after},
		"the second came first": {before, after}, // a disk that keeps no order
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	return raw
}
