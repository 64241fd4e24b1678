package i18n

import (
	"strconv"
	"strings"
)

// Size gives a number of bytes as the language writes it, in steps of a thousand: "2.0 GB", "2,0 Go".
func (t *Texts) Size(bytes int64) string {
	const kilo, mega, giga = 1e3, 1e6, 1e9
	switch {
	case bytes >= giga:
		return t.amount("form.gigabytes", float64(bytes)/giga, 1)
	case bytes >= mega:
		return t.amount("form.megabytes", float64(bytes)/mega, 1)
	}
	return t.amount("form.kilobytes", float64((bytes+kilo-1)/kilo), 0)
}

func (t *Texts) amount(key string, value float64, digits int) string {
	n := strconv.FormatFloat(value, 'f', digits, 64)
	return t.Text(key, Args{"n": strings.Replace(n, ".", t.Text("form.point", nil), 1)})
}
