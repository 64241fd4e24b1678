package message

import "bytes"

// ID names one characteristic.
type ID struct{ AID, IID uint64 }

// Query is what GET /characteristics asks for.
type Query struct {
	IDs                      []ID
	Meta, Perms, Type, Event bool
}

// ParseQuery reads "id=1.4,2.10&meta=1" into q, reusing its memory; false means
// that it is malformed or asks for nothing. Unknown parameters are ignored.
func ParseQuery(b []byte, q *Query) bool {
	*q = Query{IDs: q.IDs[:0]}
	for len(b) > 0 {
		var pair []byte
		pair, b, _ = bytes.Cut(b, []byte("&"))
		key, value, _ := bytes.Cut(pair, []byte("="))
		on := len(value) == 1 && value[0] == '1' || string(value) == "true"
		switch string(key) {
		case "id":
			if !q.addIDs(value) {
				return false
			}
		case "meta":
			q.Meta = on
		case "perms":
			q.Perms = on
		case "type":
			q.Type = on
		case "ev":
			q.Event = on
		}
	}
	return len(q.IDs) > 0
}

func (q *Query) addIDs(list []byte) bool {
	for more := true; more; {
		var item []byte
		item, list, more = bytes.Cut(list, []byte(","))
		aid, iid, ok := bytes.Cut(item, []byte("."))
		a, ok1 := decimal(aid)
		i, ok2 := decimal(iid)
		if !ok || !ok1 || !ok2 {
			return false
		}
		q.IDs = append(q.IDs, ID{a, i})
	}
	return true
}
