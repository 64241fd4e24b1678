package gallery_test

import (
	"bufio"
	"regexp"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

var (
	leaf  = regexp.MustCompile(`^\s*<(text|image|container|widget)\b([^>]*)>([^<]*)`)
	place = regexp.MustCompile(`\b(pos|size|type)="([^"]*)"`)
)

// outline is Fyne's markup of a window without what a person cannot see: one line for each text,
// picture and own part, with its place and size.
func outline(w fyne.Window) string {
	var out strings.Builder
	lines := bufio.NewScanner(strings.NewReader(test.RenderToMarkup(w.Canvas())))
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		m := leaf.FindStringSubmatch(lines.Text())
		if m == nil || m[1] == "container" && !strings.Contains(m[2], "pos=") {
			continue
		}
		depth := len(lines.Text()) - len(strings.TrimLeft(lines.Text(), "\t "))
		out.WriteString(strings.Repeat(" ", depth) + m[1])
		for _, a := range place.FindAllStringSubmatch(m[2], -1) {
			out.WriteString(" " + a[2])
		}
		if m[3] != "" {
			out.WriteString(" " + m[3])
		}
		out.WriteString("\n")
	}
	return out.String()
}
