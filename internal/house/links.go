package house

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	linkForm = regexp.MustCompile(`\]\(<?([^()\s>]+)>?(?:\s+"[^"]*")?\)`)
	codeForm = regexp.MustCompile("`[^`]*`")
)

// Links checks that every relative link in a Markdown file leads to something that is there.
func (t *Tree) Links() ([]Problem, error) {
	var out []Problem
	for _, file := range t.texts {
		text, err := os.ReadFile(filepath.Join(t.root, filepath.FromSlash(file)))
		if err != nil {
			return nil, fmt.Errorf("house: %w", err)
		}
		n, fenced := 0, false
		for line := range strings.Lines(string(text)) {
			n++
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
			}
			if fenced {
				continue
			}
			for _, m := range linkForm.FindAllStringSubmatch(codeForm.ReplaceAllString(line, ""), -1) {
				if !t.leads(file, m[1]) {
					out = append(out, Problem{file, n, "the link " + m[1] + " leads nowhere"})
				}
			}
		}
	}
	return out, nil
}

func (t *Tree) leads(file, link string) bool {
	u, err := url.Parse(link)
	if err != nil {
		return false
	}
	if u.Scheme != "" || u.Host != "" || u.Path == "" {
		return true // elsewhere, or within the page
	}
	to := path.Join(path.Dir(file), u.Path)
	if strings.HasPrefix(u.Path, "/") || to == ".." || strings.HasPrefix(to, "../") {
		return false // out of the repository
	}
	_, err = os.Stat(filepath.Join(t.root, filepath.FromSlash(to)))
	return err == nil
}
