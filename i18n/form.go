package i18n

import (
	"strconv"
	"strings"
	"time"
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

// Moment gives a day and an hour in the place of at, as the language writes them: "25 Nov, 12:26",
// "25.11. 12:26".
func (t *Texts) Moment(at time.Time) string { return t.moment(at, "15:04") }

// Second is Moment to the second.
func (t *Texts) Second(at time.Time) string { return t.moment(at, "15:04:05") }

func (t *Texts) moment(at time.Time, hour string) string {
	month := strings.Fields(t.Text("form.months", nil))[at.Month()-1] // a test proves that each language has twelve
	return t.Text("app.moment", Args{"day": strconv.Itoa(at.Day()), "month": month, "time": at.Format(hour)})
}

func (t *Texts) amount(key string, value float64, digits int) string {
	n := strconv.FormatFloat(value, 'f', digits, 64)
	return t.Text(key, Args{"n": strings.Replace(n, ".", t.Text("form.point", nil), 1)})
}
