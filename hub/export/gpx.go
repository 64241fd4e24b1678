package export

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// maxName bounds what a name gives to the name of a file, in runes.
const maxName = 60

// track is the way of a person, or of a thing that is nobody's.
type track struct{ person, accessory, name string }

// tracks writes a GPX file for each person who has been somewhere.
func (w *writing) tracks() error {
	list, err := w.wanderers()
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, t := range list {
		name := fileName(t.name)
		for n := 2; taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s-%d", fileName(t.name), n)
		}
		taken[strings.ToLower(name)] = true
		f, err := w.file("positions/" + name + ".gpx")
		if err == nil {
			err = w.track(f, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) wanderers() (list []track, err error) {
	people, err := w.texts("SELECT DISTINCT person FROM position WHERE person<>'' ORDER BY person")
	if err != nil {
		return nil, err
	}
	things, err := w.texts("SELECT DISTINCT accessory FROM position WHERE person='' ORDER BY accessory")
	if err != nil {
		return nil, err
	}
	for _, id := range people {
		list = append(list, track{person: id, name: w.about.personName(id)})
	}
	for _, id := range things {
		list = append(list, track{accessory: id, name: w.about.thingName(id)})
	}
	return list, nil
}

// point is a position in GPX 1.1, https://www.topografix.com/GPX/1/1/: degrees WGS84. The radius in
// metres, for which GPX has no place, is in words.
type point struct {
	XMLName xml.Name `xml:"trkpt"`
	Lat     float64  `xml:"lat,attr"`
	Lon     float64  `xml:"lon,attr"`
	Time    string   `xml:"time"`
	Desc    string   `xml:"desc,omitempty"`
	Fix     string   `xml:"fix,omitempty"` // "none" for a position that the watch calls stale or guessed
}

const (
	gpxHead = xml.Header + `<gpx version="1.1" creator="Ingle" xmlns="http://www.topografix.com/GPX/1/1"><trk><name>`
	gpxTail = "\n</trkseg></trk></gpx>\n"
)

func (w *writing) track(to io.Writer, t track) error {
	rows, err := w.tables.QueryContext(w.ctx,
		"SELECT time, lat, lon, accuracy, fixed FROM position WHERE person=?1 AND (?1<>'' OR accessory=?2) ORDER BY time", t.person, t.accessory)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(to)
	_, _ = out.WriteString(gpxHead) // Flush tells
	err = xml.EscapeText(out, []byte(t.name))
	_, _ = out.WriteString("</name><trkseg>")
	points := xml.NewEncoder(out)
	points.Indent("", " ")
	err = errors.Join(err, scan(rows, func() error {
		var p point
		var accuracy float64
		var fixed bool
		if err := rows.Scan(&p.Time, &p.Lat, &p.Lon, &accuracy, &fixed); err != nil {
			return err
		}
		if accuracy > 0 {
			p.Desc = fmt.Sprintf("± %g m", accuracy)
		}
		if !fixed {
			p.Fix = "none"
		}
		return points.Encode(p)
	}))
	_, _ = out.WriteString(gpxTail)
	return errors.Join(err, out.Flush())
}

// fileName makes of a name one that every file system takes.
func fileName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '-'
	}, name)
	if runes := []rune(safe); len(runes) > maxName {
		safe = string(runes[:maxName])
	}
	if safe = strings.Trim(safe, "-"); safe == "" {
		return "unnamed"
	}
	return safe
}
