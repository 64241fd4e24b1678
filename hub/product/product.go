// Package product holds the few facts about Ingle that are told in several places: its name and version, until
// when it gets security updates, and where holes are reported. They stand here and nowhere else; the README
// and docs/compliance are held against them by a test.
package product

import "time"

const (
	// Name is what strangers are told.
	Name = "Ingle"
	// Version is shown to the owner, and in HomeKit as the firmware.
	Version = "0.1.0"
	// Contact is where a hole is reported in private.
	Contact = "https://github.com/ingle-home/ingle/security/advisories/new"
	// Policy is what is promised to those who report one.
	Policy = "https://github.com/ingle-home/ingle/blob/main/SECURITY.md"
	// Updates is the last day with security updates, as 2006-01-02: five years at least after the first
	// release. It is never moved forward.
	Updates = "2032-12-31"

	freshFor = 180 * 24 * time.Hour
)

// Until is the end of the last day with security updates, UTC.
func Until() time.Time {
	day, err := time.Parse(time.DateOnly, Updates)
	if err != nil {
		return time.Time{} // a test sees to it
	}
	return day.AddDate(0, 0, 1)
}

// Supported says whether there are security updates at a time.
func Supported(now time.Time) bool { return now.Before(Until()) }

// SecurityTxt is RFC 9116's file: who wants to know of a hole, at a time. It is good for half a year, so that nobody
// trusts an old one, and never beyond the support.
func SecurityTxt(now time.Time) string {
	expires := now.Add(freshFor).UTC().Truncate(24 * time.Hour)
	if last := Until(); expires.After(last) && now.Before(last) {
		expires = last
	}
	return "Contact: " + Contact + "\n" +
		"Expires: " + expires.Format(time.RFC3339) + "\n" +
		"Policy: " + Policy + "\n" +
		"Preferred-Languages: en, de\n" +
		"# Security updates until " + Updates + "\n"
}
