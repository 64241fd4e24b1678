package privacy

import (
	"fmt"
	"strings"
)

// Tables are the tables of docs/PRIVACY.md: what there is, and whose it is.
func Tables() (kept, whose string) {
	var a, b strings.Builder
	a.WriteString("| what | where | how long |\n|---|---|---|\n")
	b.WriteString("| what | whose | what for | class | who may see it | how it is erased |\n|---|---|---|---|---|---|\n")
	for _, k := range Kinds() {
		fmt.Fprintf(&a, "| %s | %s | %s |\n", k.What, k.Lies, k.Kept)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", k.What, k.Subject, k.Purpose, k.Class, k.Seen, k.Erased)
	}
	return a.String(), b.String()
}
