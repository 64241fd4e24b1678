package label

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/product"
)

// Own is what the hub measured of itself.
type Own struct {
	Protection string // of the key to the store: manual, tpm, medium, same-disk
	Filter     bool   // the kernel refuses it system calls that it does not need
	NoMore     bool   // it cannot get more rights than it has
	NoDumps    bool   // no memory of it gets to the disk
	Listens    []int  // TCP ports at which it listens, as the kernel says
	Meant      []int  // … as the household set it up
	Measured   bool   // the kernel told
}

// OfHub judges the hub as it judges everything else.
func OfHub(o Own, now time.Time) []Line {
	lines := []Line{o.key(now), o.sandbox(now), o.dumps(now), o.listeners(now), blank("own-updates", Unknown, "none-yet"), ownSupport(now)}
	for i, l := range lines {
		lines[i] = dated(l, now)
	}
	return lines
}

func (o Own) key(now time.Time) Line {
	const name = "own-key"
	switch o.Protection {
	case "tpm", "manual":
		return line(name, OK, o.Protection, Measured, now)
	case "medium", "same-disk":
		return line(name, Fix, o.Protection, Measured, now)
	}
	return blank(name, Unknown, "unknown")
}

func (o Own) sandbox(now time.Time) Line {
	const name = "own-sandbox"
	l := line(name, Fix, "off", Measured, now)
	switch {
	case !o.Measured:
		return blank(name, Unknown, "unknown")
	case o.Filter && o.NoMore:
		l = line(name, OK, "on", Measured, now)
	}
	l.Raw = []string{fmt.Sprintf("seccomp %v, no new privileges %v", o.Filter, o.NoMore)}
	return l
}

func (o Own) dumps(now time.Time) Line {
	if o.NoDumps {
		return line("own-dumps", OK, "none", Measured, now)
	}
	return line("own-dumps", Fix, "possible", Measured, now)
}

func (o Own) listeners(now time.Time) Line {
	const name = "own-listeners"
	if !o.Measured {
		return blank(name, Unknown, "unknown")
	}
	var odd []string
	for _, p := range o.Listens {
		if !slices.Contains(o.Meant, p) {
			odd = append(odd, fmt.Sprint(p))
		}
	}
	l := line(name, OK, "meant", Measured, now, "n", fmt.Sprint(len(o.Listens)))
	if len(odd) > 0 {
		l = line(name, Fix, "odd", Measured, now, "ports", strings.Join(odd, ", "))
	}
	l.Raw = []string{fmt.Sprintf("listens %v, meant %v", o.Listens, o.Meant)}
	return l
}

func ownSupport(now time.Time) Line {
	if !product.Supported(now) {
		return line("own-support", Fix, "ended", Inferred, now, "date", product.Updates)
	}
	return line("own-support", OK, "until", Inferred, now, "date", product.Updates)
}
