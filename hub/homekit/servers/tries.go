package servers

import "strconv"

// manyTries is how many wrong setup codes are more than a slip of the finger.
const manyTries = 3

// tellTries says how many wrong setup codes were tried on the server that has heard most of them.
// A right code, a new one or the owner's password ends it.
func (s *Servers) tellTries() {
	most := 0
	for _, r := range s.all() {
		most = max(most, r.server.Tries())
	}
	if most < manyTries {
		s.options.Faults.Clear(CodeGuessed, "")
		return
	}
	s.options.Faults.Raise(CodeGuessed, "", map[string]string{"tries": strconv.Itoa(most)})
}
