package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// answer is what we say to one provision.
type answer struct {
	ID        string   `json:"id"`
	Mandatory bool     `json:"mandatory"`
	Asks      string   `json:"asks"`   // what the provision is about, in our words
	Answer    string   `json:"answer"` // yes, no, n/a
	How       string   `json:"how,omitempty"`
	Evidence  []string `json:"evidence,omitempty"` // tests and files
	Reason    string   `json:"reason,omitempty"`   // why not
}

// The answers.
const (
	yes           = "yes"
	no            = "no"
	notApplicable = "n/a"
)

func load(file string) ([]answer, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list []answer
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return list, nil
}

// isTest says whether a piece of evidence is a test; it is a file otherwise.
func isTest(evidence string) bool {
	return strings.HasPrefix(evidence, "Test") || strings.HasPrefix(evidence, "Fuzz")
}

// page is what people read.
func page(list []answer) []byte {
	var b bytes.Buffer
	b.WriteString(`# How Ingle stands beside EN 303 645

The answers to every provision of EN 303 645 V3.1.3, for the hub as it is in this repository. It is our own assessment; nobody has
certified it. What is asked is said in our words: read the standard for its own. An answer counts as yes only where a test of this
repository or a document stands for it, and a test sees to it that these exist. What is not met says why.

This page is made of [ics.json](ics.json) by ` + "`go generate ./internal/compliance`" + `. The tables in [ixit](ixit) tell the details; those whose
"from" names code are made of it, and a test fails when the two differ.

| | all | yes | no | not applicable |
|---|---|---|---|---|
`)
	for _, part := range []struct {
		name      string
		mandatory bool
	}{{"mandatory", true}, {"recommended", false}} {
		count := map[string]int{}
		for _, a := range list {
			if a.Mandatory == part.mandatory {
				count[a.Answer]++
				count[""]++
			}
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", part.name, count[""], count[yes], count[no], count[notApplicable])
	}
	for _, part := range []struct {
		title     string
		mandatory bool
	}{{"Mandatory", true}, {"Recommended", false}} {
		fmt.Fprintf(&b, "\n## %s\n\n| | asks | answer | how, or why not | evidence |\n|---|---|---|---|---|\n", part.title)
		for _, a := range list {
			if a.Mandatory == part.mandatory {
				b.WriteString(row(a))
			}
		}
	}
	return b.Bytes()
}

func row(a answer) string {
	said := strings.TrimSpace(a.How + " " + a.Reason)
	var evidence []string
	for _, e := range a.Evidence {
		if isTest(e) {
			evidence = append(evidence, "`"+e+"`")
		} else {
			name := e[strings.LastIndex(e, "/")+1:]
			evidence = append(evidence, "["+name+"](../../"+e+")")
		}
	}
	return fmt.Sprintf("| %s | %s | **%s** | %s | %s |\n", a.ID, a.Asks, a.Answer, said, strings.Join(evidence, ", "))
}
