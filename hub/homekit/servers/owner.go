package servers

import "context"

// NewCode draws a setup code for the server with this key; the old one pairs nobody any more. Who is
// paired stays so. It reports ErrUnknown.
func (s *Servers) NewCode(ctx context.Context, key string) (Status, error) {
	r := s.find(key)
	if r == nil {
		return Status{}, ErrUnknown
	}
	if err := r.server.NewCode(ctx); err != nil {
		return Status{}, err
	}
	s.tellTries()
	s.options.Changed()
	return s.describe(r), nil
}

// Unpair forgets all controllers of the server with this key and ends their sessions; a bridge that
// holds nothing ends with them. It reports ErrUnknown.
func (s *Servers) Unpair(ctx context.Context, key string) error {
	s.showing.Lock()
	defer s.showing.Unlock()
	r := s.find(key)
	if r == nil {
		return ErrUnknown
	}
	if err := r.server.Unpair(ctx); err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, spec := range s.specs() {
		keep[spec.Key] = spec.Key != key || !spec.Spare()
	}
	s.withdraw(keep)
	s.options.Changed()
	return nil
}
