// Command compliance writes docs/compliance: how Ingle stands beside EN 303 645 V3.1.3, the European standard
// for the security of things in the home.
//
//	go run ./internal/compliance -write
//
// ics.json holds our answers and is written by hand. The README is made of it, and so are those tables of ixit/
// that the code can fill: the routes, the sensors, the libraries, the fuzz targets and so on. The other
// tables are written by hand and say so. Tests fail when code and files differ, when an answer names a test
// that does not exist, and when a mandatory provision has neither a test nor a reason.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run . -write -root ../..

const (
	folder  = "docs/compliance"
	answers = folder + "/ics.json"
	readme  = folder + "/README.md"
	tables  = folder + "/ixit"
)

func main() {
	root := flag.String("root", ".", "the repository")
	write := flag.Bool("write", false, "write what differs; without it, only name it")
	flag.Parse()
	if err := run(*root, *write); err != nil {
		fmt.Fprintln(os.Stderr, "compliance:", err)
		os.Exit(1)
	}
}

func run(root string, write bool) error {
	made, err := generate(root)
	if err != nil {
		return err
	}
	differ := 0
	for file, want := range made {
		path := filepath.Join(root, file)
		if got, err := os.ReadFile(path); err == nil && bytes.Equal(got, want) {
			continue
		}
		fmt.Println(file)
		if differ++; !write {
			continue
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			return err
		}
	}
	if differ > 0 && !write {
		return fmt.Errorf("%d files differ from the code; write them with -write", differ)
	}
	return nil
}

// generate gives every generated file by its path.
func generate(root string) (map[string][]byte, error) {
	list, err := load(filepath.Join(root, answers))
	if err != nil {
		return nil, err
	}
	made := map[string][]byte{readme: page(list)}
	src, err := scan(root)
	if err != nil {
		return nil, err
	}
	filled, err := src.tables()
	if err != nil {
		return nil, err
	}
	for name, t := range filled {
		if made[filepath.Join(tables, name+".json")], err = encode(t); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// encode writes JSON that people read, a line for each row.
func encode(t table) ([]byte, error) {
	var b bytes.Buffer
	head, err := json.Marshal(t.From)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "{\n  \"from\": %s,\n  \"rows\": [", head)
	for i, row := range t.Rows {
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(row); err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n    ")
		b.Write(bytes.TrimSpace(line.Bytes()))
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes(), nil
}
