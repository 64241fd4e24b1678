package main

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ingle-home/ingle/accessories/all"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/server"
)

// table is one table of ixit. A row says what its columns are.
type table struct {
	From string              `json:"from"` // what it is made of, or "by hand"
	Rows []map[string]string `json:"rows"`
}

// tables are those that the code can fill, by name.
func (s *sources) tables() (map[string]table, error) {
	routes, err := routes()
	if err != nil {
		return nil, err
	}
	libraries, err := s.libraries()
	if err != nil {
		return nil, err
	}
	kept, err := s.kept()
	if err != nil {
		return nil, err
	}
	var final []map[string]string
	for _, r := range routes {
		if r["method"] == "DELETE" || strings.Contains(r["path"], "/privacy") || strings.Contains(r["path"], "/forget") {
			final = append(final, r)
		}
	}
	return map[string]table{
		"6-SoftComp":    {"go.mod", libraries},
		"12-NetSecImpl": {"the imports of every package", s.cryptography()},
		"18-AccCtrl":    {"hub/api/server", roles(routes)},
		"21-PersData":   {"docs/PRIVACY.md", kept},
		"22-ExtSens":    {"accessories/trait, accessories/all", senses()},
		"25-DelFunc":    {"hub/api/server", final},
		"28-LogIntf":    {"hub/api/server", routes},
		"29-InpVal":     {"the fuzz targets of the repository", s.fuzzed()},
	}, nil
}

// routes are those of the API, as it describes itself.
func routes() ([]map[string]string, error) {
	yaml, err := server.OpenAPI()
	if err != nil {
		return nil, err
	}
	var list []map[string]string
	var path string
	inside := false
	for line := range strings.Lines(string(yaml)) {
		line = strings.TrimRight(line, "\n")
		text := strings.TrimSpace(line)
		switch depth := len(line) - len(strings.TrimLeft(line, " ")); {
		case depth == 0:
			inside = line == "paths:"
		case !inside:
		case depth == 2:
			path = strings.TrimSuffix(text, ":")
		case depth == 4:
			list = append(list, map[string]string{"path": path, "method": strings.ToUpper(strings.TrimSuffix(text, ":"))})
		case depth == 6 && len(list) > 0:
			for key, name := range map[string]string{"summary: ": "does", "x-role: ": "role", "x-password: ": "password again"} {
				if value, ok := strings.CutPrefix(text, key); ok {
					list[len(list)-1][name] = strings.Trim(value, `"'`)
				}
			}
		}
	}
	for _, r := range list {
		if r["role"] == "" || r["does"] == "" {
			return nil, fmt.Errorf("the route %s %s says too little", r["method"], r["path"])
		}
	}
	return list, nil
}

// roles counts what each may call beyond the one before.
func roles(routes []map[string]string) []map[string]string {
	count := map[string]int{}
	for _, r := range routes {
		count[r["role"]]++
	}
	var list []map[string]string
	sum := 0
	for role := server.Public; role <= server.Console; role++ {
		sum += count[role.String()]
		list = append(list, map[string]string{"role": role.String(), "routes": fmt.Sprint(count[role.String()]), "with those below": fmt.Sprint(sum)})
	}
	return list
}

// senses are what things can tell, and which drivers know which kinds of thing.
func senses() []map[string]string {
	var list []map[string]string
	for _, t := range trait.All() {
		list = append(list, map[string]string{"trait": t.ID(), "class": t.Class().String(), "unit": string(t.Unit())})
	}
	for _, d := range all.Drivers() {
		about := d.About()
		var kinds []string
		for _, k := range about.Kinds {
			kinds = append(kinds, string(k))
		}
		row := map[string]string{"driver": about.ID, "kinds": strings.Join(kinds, ", ")}
		if slices.Contains(kinds, "camera") {
			row["senses"] = "video, and sound where it is switched on"
		}
		list = append(list, row)
	}
	return list
}

// libraries are those of other people that the programs are built of.
func (s *sources) libraries() ([]map[string]string, error) {
	mod, err := os.ReadFile(filepath.Join(s.root, "go.mod"))
	if err != nil {
		return nil, err
	}
	var list []map[string]string
	in := bufio.NewScanner(bytes.NewReader(mod))
	for in.Scan() {
		words := strings.Fields(strings.TrimPrefix(in.Text(), "require "))
		if len(words) < 2 || !strings.HasPrefix(words[1], "v") || !strings.Contains(words[0], ".") {
			continue
		}
		asked := "by us"
		if strings.HasSuffix(in.Text(), "// indirect") {
			asked = "by another library"
		}
		list = append(list, map[string]string{"module": words[0], "version": words[1], "needed": asked})
	}
	return list, in.Err()
}

// cryptography lists who uses which cryptographic package.
func (s *sources) cryptography() []map[string]string {
	users := map[string][]string{}
	for folder, imports := range s.imports {
		for name := range imports {
			if strings.HasPrefix(name, "crypto") || strings.HasPrefix(name, "golang.org/x/crypto/") || strings.Contains(name, "filippo.io/") || strings.Contains(name, "pion/srtp") {
				users[name] = append(users[name], folder)
			}
		}
	}
	var list []map[string]string
	for _, name := range slices.Sorted(maps.Keys(users)) {
		slices.Sort(users[name])
		list = append(list, map[string]string{"package": name, "used by": strings.Join(users[name], ", ")})
	}
	return list
}

// fuzzed lists the parsers that are fed with rubbish.
func (s *sources) fuzzed() []map[string]string {
	var list []map[string]string
	for _, name := range slices.Sorted(maps.Keys(s.tests)) {
		if strings.HasPrefix(name, "Fuzz") {
			slices.Sort(s.tests[name])
			for _, folder := range s.tests[name] {
				list = append(list, map[string]string{"target": name, "package": folder})
			}
		}
	}
	return list
}

// kept is the table of personal data that people read.
func (s *sources) kept() ([]map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(s.root, "docs/PRIVACY.md"))
	if err != nil {
		return nil, err
	}
	var columns []string
	var list []map[string]string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if len(list) > 0 {
				break
			}
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case columns == nil:
			columns = cells
		case strings.Trim(line, "|-: ") == "":
		case len(cells) != len(columns):
			return nil, fmt.Errorf("docs/PRIVACY.md: %q has other columns than the head", line)
		default:
			row := map[string]string{}
			for i, c := range columns {
				row[c] = cells[i]
			}
			list = append(list, row)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("docs/PRIVACY.md has no table")
	}
	return list, nil
}
