package setracker

import "strings"

// reply is the answer that the watch needs to a frame, false when it needs none. The answer to an
// alarm is not among them: it is given only once the alarm is stored.
func reply(f Frame) (Frame, bool) {
	out := Frame{Maker: f.Maker, ID: f.ID, Index: f.Index, Type: f.Type}
	switch strings.ToLower(f.Type) {
	case "lk", "tkq", "tkq2", "bphrt", "btemp2":
	case "init", "config", "oxygen":
		out.Body = []byte("1")
	case "tk", "tk2":
		if len(f.Body) <= 1 {
			return Frame{}, false // the status of a recording that was sent to the watch
		}
		out.Type, out.Body = "TK", []byte("0") // voice is not kept, and the watch may say so
	case "jxtk":
		out.Type, out.Body = "JXTKR", []byte("0")
	default:
		return Frame{}, false
	}
	return out, true
}

func isPosition(kind string) bool {
	return isAlarm(kind) || strings.HasPrefix(kind, "UD") || strings.HasPrefix(kind, "WT")
}

func isAlarm(kind string) bool { return strings.HasPrefix(kind, "AL") }
